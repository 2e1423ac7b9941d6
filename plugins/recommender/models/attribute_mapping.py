"""Item vectors from features: a linear map learned on known items places the new ones (Gantner et al. 2010)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

from pipeline.errors import DataError
from plugins.recommender.models.factors import Factors, FeatureFactors
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
    placed = mapped(described.matrix, vectors, known, stage.l2)
    fields = {"item_factors": placed[:, :-1], "item_bias": placed[:, -1]}
    return FeatureFactors(factors.user_factors, **{k: np.ascontiguousarray(v) for k, v in fields.items()})


def mapped(features: sparse.csr_matrix, vectors: np.ndarray, known: np.ndarray, l2: float) -> np.ndarray:
    """``vectors`` (items, d) with the rows that are not ``known`` replaced by a ridge regression on the features."""
    design = sparse.hstack([features, np.ones((features.shape[0], 1))], format="csr")
    fitted = design[known]
    penalty = np.full(design.shape[1], l2)
    penalty[-1] = 1e-6
    gram = (fitted.T @ fitted).toarray() + np.diag(penalty)
    weights = linalg.solve(gram, fitted.T @ vectors[known], assume_a="pos")
    placed = vectors.copy()
    placed[~known] = design[~known] @ weights
    return placed
