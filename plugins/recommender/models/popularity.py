"""What everybody takes, and what nobody chose: the two baselines that any model has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from plugins.recommender.types import Holdout, Recommender


@dataclass(frozen=True)
class Popularity(Recommender):
    """The same scores (items,) for every user: how many users took the item in training."""

    scores_cold_items: ClassVar[bool] = True
    scores_cold_users: ClassVar[bool] = True

    counts: np.ndarray

    def scores(self, users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        """(batch, items)."""
        return np.tile(self.counts, (len(users), 1))

    def extended(self, features: sparse.csr_matrix) -> Popularity:
        """Nobody has taken the new items."""
        return Popularity(np.append(self.counts, np.zeros(features.shape[0], self.counts.dtype)))


@dataclass(frozen=True)
class Random(Recommender):
    """Scores drawn anew for each user, the same for the same seed."""

    scores_cold_items: ClassVar[bool] = True
    scores_cold_users: ClassVar[bool] = True

    seed: int

    def scores(self, users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        """(batch, items), uniform in [0, 1)."""
        return np.random.default_rng([self.seed, *(users[:1] + 1)]).random(history.shape, dtype=np.float32)


def fit(split: Holdout) -> Popularity:
    """Count."""
    return Popularity(np.bincount(split.train.items, minlength=split.catalogue.shape[1]).astype(np.float32))
