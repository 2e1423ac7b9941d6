"""Non-negative matrix factorisation of the known ratings by multiplicative updates (Lee & Seung 2001; Zhang 2006)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from plugins.recommender.types import Feedback, RatingModel

if TYPE_CHECKING:
    from plugins.recommender import rating_stages as stages


@dataclass(frozen=True)
class NonNegative(RatingModel):
    """Rates ``users[u] . items[i]``, all entries zero or above; ``mean`` where one of them was never seen."""

    users: np.ndarray
    items: np.ndarray
    mean: float

    def rate(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """(n,)."""
        rated = np.einsum("nd,nd->n", self.users[users], self.items[items])
        return np.where(rated > 0, rated, self.mean)


def fit(stage: stages.Nmf, train: Feedback, shape: tuple[int, int], rng: np.random.Generator) -> NonNegative:
    """Each factor is multiplied by what the data ask for over what the model gives, penalty added per rating."""
    assert train.ratings is not None
    by_user = train.matrix(shape, train.ratings)
    rows = np.repeat(np.arange(shape[0]), np.diff(by_user.indptr))
    mean = float(train.ratings.mean(dtype=np.float64))
    scale = np.sqrt(mean / stage.factors)
    users, items = (scale * (0.5 + rng.random((n, stage.factors))) for n in shape)
    per_user, per_item = (np.bincount(c, minlength=n) for c, n in zip((train.users, train.items), shape, strict=True))
    for _ in range(stage.iterations):
        users *= (by_user @ items) / (_model(by_user, rows, users, items) @ items + _pull(stage, per_user, users))
        model = _model(by_user, rows, users, items)
        items *= (by_user.T @ users) / (model.T @ users + _pull(stage, per_item, items))
    return NonNegative(users.astype(np.float32), items.astype(np.float32), mean)


def _model(pattern: sparse.csr_matrix, rows: np.ndarray, users: np.ndarray, items: np.ndarray) -> sparse.csr_matrix:
    """The model's ratings where there are known ones."""
    values = np.einsum("nd,nd->n", users[rows], items[pattern.indices])
    return sparse.csr_matrix((values, pattern.indices, pattern.indptr), pattern.shape)


def _pull(stage: stages.Nmf, counts: np.ndarray, factors: np.ndarray) -> np.ndarray:
    return stage.regularization * counts[:, None] * factors + 1e-9
