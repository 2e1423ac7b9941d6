"""One model to a file: a function `fit` and, where none of the common ones serves, the artifact that it returns.

linear.py     artifacts that score by item-to-item weights
gram.py       what items have in common, for several models
factors.py    artifacts that score by a product of user and item vectors
"""
