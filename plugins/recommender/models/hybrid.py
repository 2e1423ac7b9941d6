"""Hybrids: two models behind one front (Burke 2002)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from pipeline.errors import DataError, listing
from plugins.recommender.types import Holdout, Recommender


@dataclass(frozen=True)
class Weighted(Recommender):
    """A weighted sum of several models' scores, each standardised over a user's items: shares of 0 to 1."""

    models: tuple[Recommender, ...]
    weights: tuple[float, ...]

    @property
    def scores_cold_items(self) -> bool:  # type: ignore[override]  # depends on the parts
        """Where every part can."""
        return all(model.scores_cold_items for model in self.models)

    @property
    def scores_cold_users(self) -> bool:  # type: ignore[override]  # depends on the parts
        """Where every part can."""
        return all(model.scores_cold_users for model in self.models)

    @property
    def scores_new_users(self) -> bool:  # type: ignore[override]  # depends on the parts
        """Where every part can."""
        return all(model.scores_new_users for model in self.models)

    def scores(self, users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        """(batch, items)."""
        parts = [w * standardised(m.scores(users, history)) for m, w in zip(self.models, self.weights, strict=True)]
        return np.asarray(sum(parts[1:], parts[0]), dtype=np.float32)

    def extended(self, features: sparse.csr_matrix) -> Weighted:
        """Every part is; DataError where one cannot."""
        return Weighted(tuple(model.extended(features) for model in self.models), self.weights)

    def influence(self, history: np.ndarray, items: np.ndarray) -> np.ndarray | None:
        """The weighted sum of the parts' influences, each scaled to a largest one of 1."""
        found = [(w, m.influence(history, items)) for m, w in zip(self.models, self.weights, strict=True)]
        known = [w * part / max(np.abs(part).max(initial=0), 1e-12) for w, part in found if part is not None]
        return np.sum(known, axis=0) if known else None


@dataclass(frozen=True)
class Switching(Recommender):
    """The first model wherever it can score; the second for users with a short history and for items that are cold.

    cold: (items,) bool. added: how many items at the end came after fitting, of which the first model knows nothing.
    Scores of both are brought to one scale by standardising over a user's items.
    """

    main: Recommender
    fallback: Recommender
    minimum_history: int
    cold: np.ndarray
    added: int = 0

    @property
    def scores_cold_items(self) -> bool:  # type: ignore[override]  # depends on the parts
        """Where the fallback can."""
        return self.fallback.scores_cold_items

    @property
    def scores_cold_users(self) -> bool:  # type: ignore[override]  # depends on the parts
        """Where the fallback can."""
        return self.fallback.scores_cold_users

    @property
    def scores_new_users(self) -> bool:  # type: ignore[override]  # depends on the parts
        """Where either can."""
        return self.main.scores_new_users or self.fallback.scores_new_users

    def scores(self, users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        """(batch, items)."""
        fitted = history[:, : history.shape[1] - self.added] if self.added else history
        main = np.pad(standardised(self.main.scores(users, fitted)), ((0, 0), (0, self.added)))
        fallback = standardised(self.fallback.scores(users, history))
        few = np.diff(history.indptr) < self.minimum_history
        main[:, self.cold] = fallback[:, self.cold]
        main[few] = fallback[few]
        return main

    def extended(self, features: sparse.csr_matrix) -> Switching:
        """The fallback scores the new items; DataError where it cannot."""
        new = features.shape[0]
        cold = np.append(self.cold, np.ones(new, bool))
        return Switching(self.main, self.fallback.extended(features), self.minimum_history, cold, self.added + new)

    def influence(self, history: np.ndarray, items: np.ndarray) -> np.ndarray | None:
        """That of the model that scored."""
        if len(history) < self.minimum_history or self.cold[items].any():
            return self.fallback.influence(history, items)
        return self.main.influence(history, items)


def standardised(scores: np.ndarray) -> np.ndarray:
    """Each row with mean 0 and standard deviation 1 (float32); a constant row becomes 0."""
    centred = scores - scores.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    spread = centred.std(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(spread, 1e-12) * (spread > 1e-12), dtype=np.float32)


def weigh(models: Mapping[str, Recommender], weights: Mapping[str, float]) -> Weighted:
    """Several models by name with their weights; DataError for the weight of a model that is not there."""
    if unknown := sorted(set(weights) - set(models)):
        raise DataError(f"'weights' names {unknown[0]!r}, which is none of the models {listing(models)}.")
    return Weighted(tuple(models.values()), tuple(float(weights.get(name, 1.0)) for name in models))


def switch(main: Recommender, fallback: Recommender, minimum_history: int, split: Holdout) -> Switching:
    """Two models; items without a training interaction are cold."""
    cold = np.bincount(split.train.items, minlength=split.catalogue.shape[1]) == 0
    return Switching(main, fallback, minimum_history, cold)
