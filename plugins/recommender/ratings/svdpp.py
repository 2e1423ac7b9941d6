"""SVD++: what a user rated at all says something too (Koren 2008)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from plugins.recommender.ratings.biased_mf import BiasedFactors
from plugins.recommender.ratings.ridge import normal_equations, solve
from plugins.recommender.types import Feedback

if TYPE_CHECKING:
    from plugins.recommender import rating_stages as stages

_STEPS = 3


def fit(stage: stages.Svdpp, train: Feedback, shape: tuple[int, int], rng: np.random.Generator) -> BiasedFactors:
    """Rates mean + biases + q_i . (p_u + |N_u|^-1/2 sum of y_j over the items N_u that u rated).

    Alternates exact ridge steps for users and items with a few conjugate-gradient steps for the y.
    """
    assert train.ratings is not None
    mean = float(train.ratings.mean(dtype=np.float64))
    by_user = train.matrix(shape, train.ratings - mean)
    by_item = by_user.T.tocsr()
    rows = np.repeat(np.arange(shape[0]), np.diff(by_user.indptr))
    counts = np.maximum(np.diff(by_user.indptr), 1)
    rated = sparse.csr_matrix(((1 / np.sqrt(counts))[rows].astype(np.float32), by_user.indices, by_user.indptr), shape)
    d = stage.factors
    penalty = np.append(np.full(d, stage.regularization), stage.bias_regularization)
    items = np.zeros((shape[1], d + 1), np.float32)
    items[:, :-1] = 0.1 * rng.standard_normal((shape[1], d))
    implicit = np.zeros((shape[1], d), np.float32)
    users = np.zeros((shape[0], d + 1), np.float32)
    for _ in range(stage.iterations):
        offset = rated @ implicit
        known = items[by_user.indices, -1] + np.einsum("nd,nd->n", offset[rows], items[by_user.indices, :-1])
        gram, moment = normal_equations(by_user, by_user.data - known, _design(items[:, :-1]))
        users = solve(gram, moment, penalty)
        left = by_user.data - users[rows, -1] - items[by_user.indices, -1]
        left -= np.einsum("nd,nd->n", users[rows, :-1], items[by_user.indices, :-1])
        implicit = _implicit_step(implicit, left, items[:, :-1], by_user, rated, stage.implicit_regularization)
        whole = users[:, :-1] + rated @ implicit
        gram, moment = normal_equations(by_item, by_item.data - users[by_item.indices, -1], _design(whole))
        items = solve(gram, moment, penalty)
    users = np.column_stack([users[:, :-1] + rated @ implicit, users[:, -1]])
    return BiasedFactors(mean, users.astype(np.float32), items)


def _design(vectors: np.ndarray) -> np.ndarray:
    return np.column_stack([vectors, np.ones(len(vectors), vectors.dtype)])


def _implicit_step(
    implicit: np.ndarray,
    targets: np.ndarray,
    items: np.ndarray,
    pattern: sparse.csr_matrix,
    rated: sparse.csr_matrix,
    penalty: float,
) -> np.ndarray:
    """Conjugate-gradient steps towards the y (items, d) whose q_i . (rated @ y)_u come nearest to the targets."""
    gram, moment = normal_equations(pattern, targets, np.ascontiguousarray(items))

    def product(y: np.ndarray) -> np.ndarray:
        return np.asarray(rated.T @ np.einsum("ude,ue->ud", gram, rated @ y) + penalty * y)

    residual = rated.T @ moment - product(implicit)
    direction = residual
    size = float((residual**2).sum())
    for _ in range(_STEPS):
        if size < 1e-10:
            break
        image = product(direction)
        step = size / float((direction * image).sum())
        implicit = implicit + step * direction
        residual = residual - step * image
        before, size = size, float((residual**2).sum())
        direction = residual + size / before * direction
    return implicit.astype(np.float32)
