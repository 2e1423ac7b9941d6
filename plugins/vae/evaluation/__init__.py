"""What is to be known of a fitted model.

evaluate.py          what `vae.evaluate` does
bound.py             the evidence lower bound and the importance-weighted likelihood
surgery.py           the divergence taken apart: mutual information, and the codes' distance from the prior
latents.py           which latent variables are used, and for what
collapse.py          the diagnosis in plain words
disentanglement.py   MIG, DCI and SAP, where the factors behind the pictures are known
rate_distortion.py   several models at their rates and distortions
samples.py           how close drawn pictures are to real ones
"""
