"""Meta-learning: learning to learn a new task from few examples.

stages.py            the menu; task_stages.py and learner_stages.py hold its two longer parts
types.py             what the stages pass on
functions.py         regression tasks
pictures.py          classification episodes from labelled pictures
omniglot.py          the data set and its twenty published one-shot runs; registry.py says where they come from
episodes.py          a batch of tasks as tensors
learners/            one file for each method, to be read beside its paper
networks/            what they train
training.py          the outer loop
evaluation.py        adaptation to new tasks, judged
figures.py           what it looks like
"""
