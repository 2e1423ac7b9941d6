"""Mean, and how far each user and each item is from it (Koren 2010, section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from plugins.recommender.types import Feedback, RatingModel

if TYPE_CHECKING:
    from plugins.recommender import rating_stages as stages


@dataclass(frozen=True)
class Biases(RatingModel):
    """Rates ``mean + user_bias[u] + item_bias[i]``."""

    mean: float
    user_bias: np.ndarray
    item_bias: np.ndarray

    def rate(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """(n,)."""
        return self.mean + self.user_bias[users] + self.item_bias[items]


def fit(stage: stages.RatingBaseline, train: Feedback, shape: tuple[int, int]) -> Biases:
    """Alternate between the items' and the users' ridge solutions."""
    return biases(train, shape, stage.user_penalty, stage.item_penalty, stage.iterations)


def biases(
    train: Feedback, shape: tuple[int, int], user_penalty: float, item_penalty: float, iterations: int
) -> Biases:
    """Minimise the squared error + penalties * squared biases; each half step is exact."""
    assert train.ratings is not None
    mean = float(train.ratings.mean(dtype=np.float64))
    centred = train.ratings - mean
    users, items = np.zeros(shape[0]), np.zeros(shape[1])
    per_user, per_item = (np.bincount(c, minlength=n) for c, n in zip((train.users, train.items), shape, strict=True))
    for _ in range(iterations):
        items = np.bincount(train.items, centred - users[train.users], shape[1]) / (item_penalty + per_item)
        users = np.bincount(train.users, centred - items[train.items], shape[0]) / (user_penalty + per_user)
    return Biases(mean, users, items)
