"""User neighbourhoods: what the users most like this one took (Resnick et al. 1994)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy import sparse

from plugins.recommender.models.similarity import nearest
from plugins.recommender.types import Holdout, Recommender

if TYPE_CHECKING:
    from plugins.recommender import ranking_stages as stages


@dataclass(frozen=True)
class UserNeighbours(Recommender):
    """Scores ``neighbours @ taken``; neighbours (users, users) with k entries a row, taken (users, items)."""

    scores_new_users: ClassVar[bool] = False

    neighbours: sparse.csr_matrix
    taken: sparse.csr_matrix

    def scores(self, users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        """(batch, items)."""
        return (self.neighbours[users] @ self.taken).toarray()

    def influence(self, history: np.ndarray, items: np.ndarray) -> np.ndarray:
        """How many users took both items."""
        return (self.taken[:, items].T @ self.taken[:, history]).toarray()


def fit(stage: stages.UserKnn, split: Holdout) -> UserNeighbours:
    """Row u holds the k nearest users of u."""
    return UserNeighbours(
        nearest(split.matrix.T.tocsr(), stage.similarity, stage.k, stage.shrinkage).T.tocsr(), split.matrix
    )
