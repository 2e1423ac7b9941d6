"""Autoencoders of tables whose columns are numbers and categories.

encoding.py     columns as numbers, and back
likelihood.py   the distribution of a row given the decoder's output
fit.py          what `vae.fit_table` does
evaluate.py     what `vae.evaluate_table` and `vae.generate_table` do
fidelity.py     how close drawn rows are to real ones
figures.py      what they look like
"""
