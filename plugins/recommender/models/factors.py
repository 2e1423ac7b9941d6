"""Models that score by the product of a user's and an item's vector."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy import sparse

from plugins.recommender.types import Recommender


@dataclass(frozen=True)
class Factors(Recommender):
    """Scores ``user_factors @ item_factors.T + item_bias``; users (n, d), items (m, d), bias (m,), all float32."""

    scores_new_users: ClassVar[bool] = False

    user_factors: np.ndarray
    item_factors: np.ndarray
    item_bias: np.ndarray

    def scores(self, users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        """(batch, items)."""
        table = self.user_factors[users] @ self.item_factors.T
        if self.item_bias.any():
            table += self.item_bias
        return table

    def influence(self, history: np.ndarray, items: np.ndarray) -> np.ndarray:
        """The cosine of the items' vectors: the model has no weights between items."""
        unit = self.item_factors / np.maximum(np.linalg.norm(self.item_factors, axis=1, keepdims=True), 1e-12)
        return unit[items] @ unit[history].T


@dataclass(frozen=True)
class FeatureFactors(Factors):
    """Factors that hold vectors for items without a training interaction too, because features place them.

    feature_vectors: (features + 1, d + 1), whose last row belongs to every item and whose last column is the bias: what
    an item that is known only by its features sums up.
    """

    scores_cold_items: ClassVar[bool] = True

    feature_vectors: np.ndarray

    def extended(self, features: sparse.csr_matrix) -> FeatureFactors:
        """The new items get the vectors that their features give them."""
        placed = with_one(features) @ self.feature_vectors
        return replace(
            self,
            item_factors=np.concatenate([self.item_factors, placed[:, :-1]]).astype(np.float32),
            item_bias=np.append(self.item_bias, placed[:, -1]).astype(np.float32),
        )


def with_one(features: sparse.csr_matrix) -> sparse.csr_matrix:
    """(n, d + 1): a last feature that all have."""
    return sparse.hstack([features, np.ones((features.shape[0], 1), np.float32)], format="csr")
