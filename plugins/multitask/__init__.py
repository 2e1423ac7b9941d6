"""Multi-task learning: several targets of one table, learnt together or apart.

stages.py       the menu
types.py        what the stages pass on
loading.py      tables with several targets; registry.py says where they come from
networks.py     what the tasks share and what is their own
balancing.py    one direction from the gradients of several tasks
training.py     the loop
evaluation.py   each task's metric, against a model of its own
figures.py      what it looks like
"""
