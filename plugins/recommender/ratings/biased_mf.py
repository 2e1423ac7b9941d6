"""Matrix factorisation with biases (Koren, Bell & Volinsky 2009), fitted by alternating ridge regressions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from plugins.recommender.ratings.ridge import normal_equations, solve
from plugins.recommender.types import Feedback, RatingModel

if TYPE_CHECKING:
    from plugins.recommender import rating_stages as stages


@dataclass(frozen=True)
class BiasedFactors(RatingModel):
    """Rates mean + biases + p_u . q_i; the last column of each (n, factors + 1) table is the bias."""

    mean: float
    users: np.ndarray
    items: np.ndarray

    def rate(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """(n,)."""
        p, q = self.users[users], self.items[items]
        return self.mean + p[:, -1] + q[:, -1] + np.einsum("nd,nd->n", p[:, :-1], q[:, :-1])


def fit(stage: stages.BiasedMf, train: Feedback, shape: tuple[int, int], rng: np.random.Generator) -> BiasedFactors:
    """Each half step gives all users, or all items, their best vector and bias together."""
    assert train.ratings is not None
    mean = float(train.ratings.mean(dtype=np.float64))
    by_user = train.matrix(shape, train.ratings - mean)
    by_item = by_user.T.tocsr()
    penalty = np.full(stage.factors + 1, stage.regularization)
    penalty[-1] = stage.bias_regularization
    items = np.zeros((shape[1], stage.factors + 1), np.float32)
    items[:, :-1] = 0.1 * rng.standard_normal((shape[1], stage.factors))
    users = np.zeros((shape[0], stage.factors + 1), np.float32)
    for _ in range(stage.iterations):
        users = half_step(by_user, items, penalty)
        items = half_step(by_item, users, penalty)
    return BiasedFactors(mean, users, items)


def half_step(ratings: sparse.csr_matrix, others: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """(rows, d + 1) best vectors and biases given the ``others``, whose last column is their bias."""
    design = with_one(others)
    gram, moment = normal_equations(ratings, ratings.data - others[ratings.indices, -1], design)
    return solve(gram, moment, penalty)


def with_one(others: np.ndarray) -> np.ndarray:
    """The vectors with 1 in place of the bias: what multiplies one's own vector and bias."""
    design = others.copy()
    design[:, -1] = 1
    return design
