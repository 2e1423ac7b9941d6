"""Recommending: a fitted model with all that it needs to go from user ids to item ids, and the reasons it gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from pipeline.context import Context
from pipeline.errors import DataError, closest
from plugins.recommender import newcomers
from plugins.recommender.diversify import maximal_marginal_relevance, unit_rows
from plugins.recommender.evaluation.lists import Candidates, scored, tie_order, top_k
from plugins.recommender.models.content import Content
from plugins.recommender.types import Catalogue, Holdout, Recommender, Service

if TYPE_CHECKING:
    from plugins.recommender import stages

_POOL = 5


@dataclass(frozen=True)
class ModelService(Service):
    """Recommends ``count`` items that a user does not have, diversified by maximal marginal relevance."""

    model: Recommender
    catalogue: Catalogue
    history: sparse.csr_matrix
    known: np.ndarray
    count: int
    diversity: float

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """(n, count) item ids for user ids (n,), best first, None where there are no more; DataError for strangers."""
        lists, _ = self.lists(self.codes(np.ravel(inputs).tolist()))
        ids = np.append(self.catalogue.item_ids.to_numpy(object), None)
        return ids[lists]

    def example(self) -> np.ndarray:
        """The first two users who can be served, as an array of their ids."""
        served = np.ones(len(self.catalogue.user_ids), bool)
        if not self.model.scores_cold_users:
            served = np.diff(self.history.indptr) > 0
        return self.catalogue.user_ids[served][:2].to_numpy()

    def codes(self, user_ids: list[object]) -> np.ndarray:
        """The users' codes; DataError names the first unknown one and what was probably meant."""
        codes = self.catalogue.user_ids.get_indexer(pd.Index(user_ids, dtype=object))
        if (codes >= 0).all():
            return codes
        unknown = user_ids[int(np.flatnonzero(codes < 0)[0])]
        same_text = {str(known): known for known in self.catalogue.user_ids}
        if str(unknown) in same_text:
            kind = type(same_text[str(unknown)]).__name__
            raise DataError(f"there is no user {unknown!r}. Did you mean {same_text[str(unknown)]!r} (of type {kind})?")
        meant = closest(str(unknown), same_text)
        hint = f"Did you mean {same_text[meant]!r}?" if meant else f"The first known one is {next(iter(same_text))!r}."
        raise DataError(f"there is no user {unknown!r} in the interactions. {hint}")

    def lists(self, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n, count) item codes, -1 where there are no more, and their scores; DataError for users beyond the model."""
        counts = np.diff(self.history.indptr)[users]
        if not self.model.scores_cold_users and not counts.all():
            user = self.catalogue.user_ids[users[int(np.flatnonzero(counts == 0)[0])]]
            raise DataError(
                f"{type(self.model).__name__} cannot recommend to user {user!r}, who has no interaction to go by. "
                "Use a hybrid with 'recommender.popularity' as its fallback."
            )
        allowed = self.known | self.model.scores_cold_items
        candidates = Candidates(self.history, allowed)
        order = tie_order(self.history.shape[1])
        found, values = [], []
        pool = self.count * _POOL if self.diversity else self.count
        for batch, scores in scored(self.model, users, self.history, candidates):
            top = top_k(scores, pool, order, batch)
            relevance = np.take_along_axis(scores, np.maximum(top, 0), axis=1)
            if self.diversity:
                top = maximal_marginal_relevance(top, relevance, self._unit(), self.count, self.diversity)
            found.append(top)
            values.append(np.take_along_axis(scores, np.maximum(top, 0), axis=1))
        return np.concatenate(found), np.concatenate(values)

    def reasons(self, user: int, item: int, count: int) -> str:
        """Why: the user's items that speak most for this one, or the features that it shares with them."""
        history = self.history[user].indices
        parts = []
        influence = self.model.influence(history, np.array([item])) if len(history) else None
        if influence is not None:
            best = history[np.argsort(-influence[0], kind="stable")[:count]]
            positive = np.sort(influence[0])[::-1][: len(best)] > 0
            if positive.any():
                parts.append("because of " + ", ".join(self.catalogue.show(best[positive])))
        if isinstance(self.model, Content):
            shared = self.model.shared_features(self.history[user], item, count)
            parts += ["for " + ", ".join(shared)] if shared else []
        return "; ".join(parts) or "popular with others"

    def _unit(self) -> sparse.csr_matrix:
        features = self.catalogue.item_features
        return unit_rows(self.history.T.tocsr() if features is None else features.matrix)


def with_new_items(service: ModelService, path: Path, id_column: str) -> ModelService:
    """The service with the items of a file appended, which nobody has taken; DataError where that cannot be."""
    catalogue, new = newcomers.extended(service.catalogue, path, id_column)
    history = service.history.copy()
    history.resize(catalogue.shape)
    return replace(
        service,
        model=service.model.extended(new),
        catalogue=catalogue,
        history=history,
        known=np.append(service.known, np.zeros(new.shape[0], bool)),
    )


def recommend(stage: stages.Recommend, model: Recommender, split: Holdout, context: Context) -> Service:
    """Write the lists of the users that are asked for, with reasons, and return what can serve any user."""
    known = np.bincount(split.train.items, minlength=split.catalogue.shape[1]) > 0
    service = ModelService(model, split.catalogue, split.history, known, stage.count, stage.diversity)
    if stage.new_items is not None:
        service = with_new_items(service, stage.new_items, stage.item_column)
    catalogue = service.catalogue
    if stage.users:
        users = service.codes(list(stage.users))
    else:
        users = np.flatnonzero(np.diff(split.history.indptr) > 0)[: stage.first]
    lists, scores = service.lists(users)
    rows = [
        {"user": catalogue.user_ids[user], "place": place + 1, "item": catalogue.item_ids[item],
         "name": catalogue.show(np.array([item]))[0], "score": float(score),
         "new": bool(item >= len(known)), "reason": service.reasons(int(user), int(item), stage.reasons)}
        for user, items, values in zip(users, lists, scores, strict=True)
        for place, (item, score) in enumerate(zip(items, values, strict=True))
        if item >= 0
    ]  # fmt: skip
    context.table("recommendations", pd.DataFrame(rows))
    return service
