"""Bayesian matrix factorisation by Gibbs sampling (Salakhutdinov & Mnih 2008), with biases and one precision each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from plugins.recommender.ratings.biased_mf import BiasedFactors, with_one
from plugins.recommender.ratings.ridge import normal_equations
from plugins.recommender.types import Feedback

if TYPE_CHECKING:
    from plugins.recommender import rating_stages as stages


def fit(stage: stages.BayesianMf, train: Feedback, shape: tuple[int, int], rng: np.random.Generator) -> BiasedFactors:
    """The average prediction of the samples after the burn-in, as one model: the samples' vectors side by side.

    p_1.q_1 + ... + p_S.q_S over S is a dot product of vectors of S * factors entries.
    """
    assert train.ratings is not None
    mean = float(train.ratings.mean(dtype=np.float64))
    by_user = train.matrix(shape, train.ratings - mean)
    by_item = by_user.T.tocsr()
    items = np.zeros((shape[1], stage.factors + 1))
    items[:, :-1] = 0.1 * rng.standard_normal((shape[1], stage.factors))
    user_precision = item_precision = np.full(stage.factors + 1, 2.0)
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    for sweep in range(stage.burn_in + stage.samples):
        users = sample(by_user, items, user_precision, stage.noise_precision, rng)
        user_precision = precision(users, rng)
        items = sample(by_item, users, item_precision, stage.noise_precision, rng)
        item_precision = precision(items, rng)
        if sweep >= stage.burn_in:
            kept.append((users.astype(np.float32), items.astype(np.float32)))
    return BiasedFactors(mean, averaged([u for u, _ in kept]), averaged([i for _, i in kept]))


def sample(
    ratings: sparse.csr_matrix, others: np.ndarray, prior: np.ndarray, noise: float, rng: np.random.Generator
) -> np.ndarray:
    """(rows, d + 1) vectors and biases from their normal conditional given the ``others``."""
    gram, moment = normal_equations(ratings, ratings.data - others[ratings.indices, -1], with_one(others))
    lower = np.linalg.cholesky(noise * gram + np.diag(prior))
    whitened = np.linalg.solve(lower, noise * moment[..., None]) + rng.standard_normal((*moment.shape, 1))
    return np.asarray(np.linalg.solve(np.swapaxes(lower, 1, 2), whitened)[..., 0])


def precision(vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(d + 1,) one precision for the vectors and one for the biases, from their Gamma(1, 1) conditionals."""
    found = np.empty(vectors.shape[1])
    for part in (slice(None, -1), slice(-1, None)):
        values = vectors[:, part]
        found[part] = rng.gamma(1 + values.size / 2, 1 / (1 + (values**2).sum() / 2))
    return found


def averaged(samples: list[np.ndarray]) -> np.ndarray:
    """(n, S d + 1): the vectors side by side over the root of S, and the mean bias."""
    vectors = np.concatenate([sample[:, :-1] for sample in samples], axis=1) / np.sqrt(len(samples))
    return np.column_stack([vectors, np.mean([sample[:, -1] for sample in samples], axis=0)]).astype(np.float32)
