"""Symbolic regression: from data to a short formula that a scientist can check.

stages.py       the menu
types.py        what the stages pass on: a problem, a front of equations, a verdict
problems/       known laws and users' tables
grammar.py      formulas as text, read by a grammar of our own; programs.py, functions.py what they are inside
engine/         the accelerated search; models.py runs it, plain.py gplearn itself, operon.py Operon
refinement.py   constants refitted, pruning, rounding; front.py fronts and the choice from them
equivalence.py  whether a formula is the law; verdict.py measures it, figures.py draws it
linear.py       baselines by sparse regression
classification.py, transformation.py   the search for two classes, and for new columns
units.py        whether units agree; forms.py, stability.py how often the same form is found
export.py       LaTeX, sympy, Python, torch and C; conversion.py to sympy and back
"""
