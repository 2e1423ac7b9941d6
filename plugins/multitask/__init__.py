"""Multi-task learning: several targets of the same rows, learnt together or apart.

stages.py        the menu
types.py         what the stages pass on
loading.py       tables with several targets, registry.py says where they come from; pairs.py two pictures in one
networks.py      what the tasks share and what is their own
losses.py        what each task minimises
weighting.py     one loss from those of several tasks; balancing.py one direction from their gradients
training.py      the loop
interactions.py  how tasks get on while they learn; grouping.py which to train together
evaluation.py    each task's metric, against a model of its own
figures.py       what it looks like
"""
