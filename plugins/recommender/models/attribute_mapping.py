"""Item vectors from features: a linear map learned on known items places the new ones (Gantner et al. 2010)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

from pipeline.errors import DataError
from plugins.recommender.models.factors import Factors, FeatureFactors, with_one
from plugins.recommender.types import Holdout, Recommender

if TYPE_CHECKING:
    from plugins.recommender import ranking_stages as stages


def fit(stage: stages.AttributeMapping, factors: Recommender, split: Holdout) -> FeatureFactors:
    """Replace the vectors of cold items; DataError for a model without vectors or items without features."""
    if not isinstance(factors, Factors):
        raise DataError(
            f"'recommender.attribute_mapping' needs a model of user and item vectors, such as recommender.als. "
            f"Got {type(factors).__name__} instead."
        )
    described = split.catalogue.item_features
    if described is None:
        raise DataError(
            f"'recommender.attribute_mapping' needs features of the items, but {split.catalogue.source} has none. "
            "Give a file of items with text, categories or numbers."
        )
    known = np.bincount(split.train.items, minlength=split.catalogue.shape[1]) > 0
    vectors = np.column_stack([factors.item_factors, factors.item_bias])
    weights = learnt_map(described.matrix[known], vectors[known], stage.l2).astype(np.float32)
    vectors[~known] = with_one(described.matrix[~known]) @ weights
    return FeatureFactors(
        factors.user_factors, np.ascontiguousarray(vectors[:, :-1]), np.ascontiguousarray(vectors[:, -1]), weights
    )


def learnt_map(features: sparse.csr_matrix, vectors: np.ndarray, l2: float) -> np.ndarray:
    """(d + 1, k) weights, intercept last, of a ridge regression of ``vectors`` (n, k) on ``features`` (n, d)."""
    design = with_one(features)
    penalty = np.full(design.shape[1], l2)
    penalty[-1] = 1e-6
    products = (design.T @ design).toarray() + np.diag(penalty)
    return np.asarray(linalg.solve(products, design.T @ vectors, assume_a="pos"))
