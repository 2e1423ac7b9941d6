"""Item neighbourhoods: items taken by the same users (Sarwar et al. 2001; shrinkage as in Bell & Koren 2007)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.recommender.models.linear import SparseWeights
from plugins.recommender.models.similarity import nearest
from plugins.recommender.types import Holdout

if TYPE_CHECKING:
    from plugins.recommender import ranking_stages as stages


def fit(stage: stages.ItemKnn, split: Holdout) -> SparseWeights:
    """Column j holds the k nearest items of j; a score is the sum over the user's items among them."""
    return SparseWeights(nearest(split.matrix, stage.similarity, stage.k, stage.shrinkage))
