"""Content: a user's profile is the mean of the features of what the user has; items like the profile score high."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy import sparse

from pipeline.errors import DataError
from plugins.recommender.types import Holdout, Recommender

if TYPE_CHECKING:
    from plugins.recommender import ranking_stages as stages


@dataclass(frozen=True)
class Content(Recommender):
    """Scores the cosine of profile and item; ``features`` (items, d) with rows of length 1 or 0.

    weights: (d,) by which features were multiplied before. mean: (d,) what is taken off every profile.
    """

    scores_cold_items: ClassVar[bool] = True

    features: sparse.csr_matrix
    names: tuple[str, ...]
    weights: np.ndarray
    mean: np.ndarray

    def scores(self, users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        """(batch, items)."""
        profile = self.profiles(history)
        return np.asarray((self.features @ profile.T).T, dtype=np.float32)

    def profiles(self, history: sparse.csr_matrix) -> np.ndarray:
        """(batch, d) mean features of what the users have, less those of the average user."""
        counts = np.maximum(np.diff(history.indptr), 1)[:, None]
        return np.asarray((history @ self.features).toarray() / counts - self.mean, dtype=np.float32)

    def extended(self, features: sparse.csr_matrix) -> Content:
        """The same profiles; new items are weighted and scaled as the others were."""
        return replace(self, features=sparse.vstack([self.features, weighted(features, self.weights)], format="csr"))

    def influence(self, history: np.ndarray, items: np.ndarray) -> np.ndarray:
        """The cosine of the items' features."""
        return (self.features[items] @ self.features[history].T).toarray()

    def shared_features(self, history: sparse.csr_matrix, item: int, count: int) -> list[str]:
        """Names of the features that speak most for an item, given one user's history (1, items)."""
        weights = self.features[item].toarray().ravel() * self.profiles(history).ravel()
        best = np.argsort(-weights, kind="stable")[:count]
        return [self.names[feature] for feature in best if weights[feature] > 0]


def fit(stage: stages.Content, split: Holdout) -> Content:
    """Features times their rarity log(items / items with it), rows scaled to length 1; the mean over all users kept."""
    described = split.catalogue.item_features
    if described is None or not described.matrix.nnz:
        raise DataError(
            f"'recommender.content' needs features of the items, but {split.catalogue.source} has none. "
            "Give a file of items with text, categories or numbers, or use another model."
        )
    present = np.maximum(np.bincount(described.matrix.indices, minlength=described.matrix.shape[1]), 1)
    weights = (np.log(described.matrix.shape[0] / present) ** stage.rarity).astype(np.float32)
    unit = weighted(described.matrix, weights)
    active = split.matrix[np.diff(split.matrix.indptr) > 0]
    shares = 1 / np.diff(active.indptr) / active.shape[0]
    mean = unit.T @ (active.T @ shares)
    return Content(unit, described.names, weights, (stage.centering * mean).astype(np.float32))


def weighted(features: sparse.csr_matrix, weights: np.ndarray) -> sparse.csr_matrix:
    """Features times their weights, each row scaled to length 1."""
    matrix = sparse.csr_matrix(features, dtype=np.float32, copy=True)
    matrix.data *= weights[matrix.indices]
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_matrix(sparse.diags((1 / np.maximum(norms, 1e-12)).astype(np.float32)) @ matrix)
