"""Matrix factorisation trained by Bayesian personalised ranking (Rendle et al. 2009)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.context import Context
from plugins.recommender.models.factors import Factors
from plugins.recommender.models.pairwise import train
from plugins.recommender.types import Holdout

if TYPE_CHECKING:
    from plugins.recommender import neural_stages as stages


def fit(stage: stages.Bpr, split: Holdout, context: Context) -> Factors:
    """Each user and each item has a vector of its own."""
    return train(stage, sum(split.catalogue.shape), lambda table: table, split, context)
