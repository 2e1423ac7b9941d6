"""Sparse linear methods (Ning & Karypis 2011), all items at once by ADMM (Steck et al. 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

from plugins.recommender.models.gram import gram
from plugins.recommender.models.linear import SparseWeights
from plugins.recommender.types import Holdout

if TYPE_CHECKING:
    from plugins.recommender import ranking_stages as stages


def fit(stage: stages.Slim, split: Holdout) -> SparseWeights:
    """Item-to-item weights, zero or above, most of them zero."""
    return SparseWeights(
        sparse.csr_matrix(weights_of(gram(split.matrix), stage.l1, stage.l2, stage.penalty, stage.iterations))
    )


def weights_of(products: np.ndarray, l1: float, l2: float, rho: float, iterations: int) -> np.ndarray:
    """(items, items) float32 W >= 0 with a zero diagonal that minimises |X - XW|^2 / 2 + l2 |W|^2 / 2 + l1 |W|_1.

    products: X'X (items, items). rho: ADMM's penalty on splitting the smooth from the sparse part.
    """
    n = len(products)
    inverse = linalg.inv(products + (l2 + rho) * np.eye(n, dtype=products.dtype))
    start = inverse @ products
    diagonal = np.diag(inverse)
    sparse_part, dual = np.zeros((2, n, n), products.dtype)
    for _ in range(iterations):
        free = start + inverse @ (rho * sparse_part - dual)
        smooth = free - inverse * (np.diag(free) / diagonal)
        sparse_part = np.maximum(smooth + (dual - l1) / rho, 0)
        dual += rho * (smooth - sparse_part)
    np.fill_diagonal(sparse_part, 0)
    return sparse_part.astype(np.float32)
