"""Neighbourhoods of items around the baseline (Koren 2010, section 2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from plugins.recommender.ratings.baseline import Biases, biases
from plugins.recommender.types import Feedback, RatingModel

if TYPE_CHECKING:
    from plugins.recommender import rating_stages as stages

_VALUES_PER_BLOCK = 1 << 23


@dataclass(frozen=True)
class Neighbourhood(RatingModel):
    """Baseline plus the mean residual of the user's k items most similar to the one asked for.

    similarity: (items, items) float32, 0 and above. residuals, rated: (users, items), what baseline leaves and 0/1.
    """

    baseline: Biases
    similarity: np.ndarray
    residuals: sparse.csr_matrix
    rated: sparse.csr_matrix
    k: int

    def rate(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """(n,)."""
        rated = self.baseline.rate(users, items)
        size = max(1, _VALUES_PER_BLOCK // len(self.similarity))
        for start in range(0, len(users), size):
            part = slice(start, start + size)
            near = self.similarity[items[part]] * self.rated[users[part]].toarray()
            k = min(self.k, near.shape[1])
            kept = np.argpartition(-near, k - 1, axis=1)[:, :k]
            weights = np.take_along_axis(near, kept, axis=1)
            values = np.take_along_axis(self.residuals[users[part]].toarray(), kept, axis=1)
            total = weights.sum(axis=1)
            rated[part] += np.where(total > 0, (weights * values).sum(axis=1) / np.maximum(total, 1e-12), 0)
        return rated


def fit(stage: stages.KnnBaseline, train: Feedback, shape: tuple[int, int]) -> Neighbourhood:
    """Similarity is the correlation of residuals over common users, times n / (n + shrinkage) for n of them."""
    assert train.ratings is not None
    baseline = biases(train, shape, stage.user_penalty, stage.item_penalty, stage.iterations)
    left = train.matrix(shape, train.ratings - baseline.rate(train.users, train.items))
    rated = train.matrix(shape)
    return Neighbourhood(baseline, correlation(left, rated, stage.shrinkage), left, rated, stage.k)


def correlation(residuals: sparse.csr_matrix, rated: sparse.csr_matrix, shrinkage: float) -> np.ndarray:
    """(items, items) shrunk correlations over common users, negative ones and the diagonal 0."""
    products = (residuals.T @ residuals).toarray()
    # Entry (i, j): the squared residuals of i over the users who rated j too.
    squares = (residuals.multiply(residuals).T @ rated).toarray()
    common = (rated.T @ rated).toarray()
    found = products / np.maximum(np.sqrt(squares * squares.T), 1e-12) * common / (common + shrinkage + 1e-12)
    np.fill_diagonal(found, 0)
    return np.maximum(found, 0).astype(np.float32)
