"""Watching a model in training: NDCG@10 on the validation part, and the best epoch's weights."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np

from pipeline.context import Context
from plugins.recommender.evaluation import metrics
from plugins.recommender.evaluation.lists import Candidates, top_lists
from plugins.recommender.types import Holdout, Recommender

M = TypeVar("M", bound=Recommender)
_CUTOFF = 10
_USERS = 2000


class Monitor(Generic[M]):
    """Judges a model after each epoch on at most 2,000 users, and keeps the best one."""

    def __init__(self, split: Holdout, patience: int, context: Context) -> None:
        relevant = split.validation.matrix(split.catalogue.shape)
        self.users = np.flatnonzero(np.diff(relevant.indptr))[:_USERS]
        self.relevant = relevant[self.users]
        self.split, self.patience, self.context = split, patience, context
        self.best: M | None = None
        self.best_value, self.best_epoch = -1.0, -1

    def stop(self, model: M, epoch: int, loss: float) -> bool:
        """Log the epoch; whether there has been nothing better for ``patience`` epochs."""
        value = self.judge(model)
        self.context.log({"loss": loss, "validation_ndcg": value}, step=epoch)
        if value > self.best_value:
            self.best, self.best_value, self.best_epoch = model, value, epoch
        return epoch - self.best_epoch >= self.patience

    def judge(self, model: M) -> float:
        """NDCG@10 on the validation part; 0 where there is none, so that the last epoch is kept."""
        if not len(self.users):
            self.best = None
            return 0.0
        allowed = np.asarray(self.split.matrix.sum(axis=0)).ravel() > 0
        lists = top_lists(model, self.users, self.split.history, Candidates(self.split.history, allowed), _CUTOFF)
        hits = metrics.hits_of(lists, self.relevant)
        return float(metrics.ndcg(hits, np.diff(self.relevant.indptr), _CUTOFF).mean())
