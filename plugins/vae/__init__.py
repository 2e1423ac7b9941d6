"""Variational autoencoders.

stages.py           the menu: evaluate, generate, disentangle, rate_distortion, shapes, and those of the next two
fit_stages.py       one stage for each model of pictures
table_stages.py     fit, evaluate and generate for tables
types.py            what the stages pass on
models/             one file for each model, to be read beside its paper
networks.py         encoders and decoders
likelihoods.py      distributions of a picture given the decoder's output
gaussian.py         the mathematics of Gaussians
bounds.py           lower bounds of the likelihood from importance weights
divergences.py      how far codes are from the prior, or from being independent
training.py         the loop
evaluation/         what is to be known of a fitted model
generation.py       samples, traversals and interpolations
tables/             columns of numbers and categories
shapes.py           pictures whose factors are known
figures.py          what they look like
pixels.py           pictures as tensors, checked
"""
