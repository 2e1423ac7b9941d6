"""EASE: the linear item-to-item model with the closed form (Steck 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from plugins.recommender.models.gram import gram, mirrored
from plugins.recommender.models.linear import DenseWeights
from plugins.recommender.types import Holdout

if TYPE_CHECKING:
    from plugins.recommender import ranking_stages as stages


def fit(stage: stages.Ease, split: Holdout) -> DenseWeights:
    """Weights B = I - P diag(1 / diag P) with P = (X'X + l2 I)^-1: the best linear model with a zero diagonal."""
    return DenseWeights(weights_of(gram(split.matrix), stage.l2))


def weights_of(products: np.ndarray, l2: float) -> np.ndarray:
    """(items, items) float32 of the Gram matrix X'X in float32, which is overwritten."""
    products[np.diag_indices_from(products)] += np.float32(l2)
    # A symmetric positive inverse by Cholesky costs a third of a general one; transposed, C's order is Fortran's.
    factor, failed = linalg.lapack.spotrf(products.T, overwrite_a=True, clean=False)
    inverse, singular = linalg.lapack.spotri(factor, overwrite_c=True)
    if failed or singular:
        raise ValueError("the Gram matrix is singular: give a larger 'l2'")
    weights = mirrored(inverse).T
    weights /= -weights.diagonal().copy()
    np.fill_diagonal(weights, 0)
    return weights
