"""Which latent variables are used, and what can be read off them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from plugins.vae.models.vae import VariationalAutoencoder

ACTIVE = 0.01
"""Variance of its posterior mean over pictures above which a unit is active (Burda et al. 2016, section 5.2)."""
MOST = 5000
BATCH = 1024


@torch.inference_mode()
def units(network: VariationalAutoencoder, x: Tensor, given: Tensor | None = None) -> Tensor:
    """The posterior mean of every latent variable for each picture, (n, units, size of one)."""
    parts = x.split(BATCH)
    known = [None] * len(parts) if given is None else given.split(BATCH)
    return torch.cat([network.units(*pair) for pair in zip(parts, known, strict=True)])


@torch.inference_mode()
def codes(network: VariationalAutoencoder, x: Tensor, seed: int, given: Tensor | None = None) -> Tensor:
    """One draw of q(z|x) for each picture, (n, size of z)."""
    generator = torch.Generator(x.device).manual_seed(seed)
    parts = x.split(BATCH)
    known = [None] * len(parts) if given is None else given.split(BATCH)
    return torch.cat([network.code(part, generator, more) for part, more in zip(parts, known, strict=True)])


def active(units: Tensor) -> Tensor:
    """Whether each unit, (n, units, size of one), is active, (units,)."""
    return units.var(0, correction=0).amax(1) > ACTIVE


def probe_accuracy(train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray) -> float:
    """Share of test codes (n, d) whose class a logistic regression on training codes tells.

    Codes are to be draws from q(z|x), as in Kingma et al. (2014, "Semi-supervised Learning with Deep Generative
    Models", model M1), so that no more can be read off them than they carry. Posterior means tell more: those of a
    collapsed model differ by a hundredth of the noise around them, which a classifier would simply scale away.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    return float(probe.fit(train[:MOST], train_labels[:MOST]).score(test, test_labels))
