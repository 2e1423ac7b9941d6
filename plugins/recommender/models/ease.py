"""EASE: the linear item-to-item model with the closed form (Steck 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from plugins.recommender.models.linear import DenseWeights
from plugins.recommender.types import Holdout

if TYPE_CHECKING:
    from plugins.recommender import ranking_stages as stages


def fit(stage: stages.Ease, split: Holdout) -> DenseWeights:
    """Weights B = I - P diag(1 / diag P) with P = (X'X + l2 I)^-1: the best linear model with a zero diagonal."""
    gram = (split.matrix.T @ split.matrix).toarray()
    return DenseWeights(weights_of(gram, stage.l2))


def weights_of(gram: np.ndarray, l2: float) -> np.ndarray:
    """(items, items) float32 of the Gram matrix X'X, which is overwritten."""
    gram[np.diag_indices_from(gram)] += np.float32(l2)
    # A symmetric positive inverse by Cholesky costs a third of a general one.
    factor, failed = linalg.lapack.spotrf(np.asfortranarray(gram, dtype=np.float32), overwrite_a=True, clean=False)
    inverse, singular = linalg.lapack.spotri(factor, overwrite_c=True)
    if failed or singular:
        raise ValueError("the Gram matrix is singular: give a larger 'l2'")
    inverse = np.triu(inverse)
    precision = inverse + np.triu(inverse, 1).T
    weights = precision / -np.diag(precision)
    weights[np.diag_indices_from(weights)] = 0
    return np.ascontiguousarray(weights, dtype=np.float32)
