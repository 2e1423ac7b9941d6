"""Variational autoencoders.

stages.py        the menu: fit, evaluate, generate
types.py         what the stages pass on
models/          one file for each model, to be read beside its paper
networks.py      encoders and decoders
likelihoods.py   distributions of a picture given the decoder's output
gaussian.py      the mathematics of diagonal Gaussians
training.py      the loop
evaluation.py    the evidence lower bound and its parts on held-out pictures
generation.py    samples and interpolations
figures.py       what they look like
pixels.py        pictures as tensors, checked
"""
