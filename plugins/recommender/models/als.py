"""Implicit alternating least squares (Hu, Koren & Volinsky 2008), by the library `implicit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.context import Context
from plugins.recommender.models.factors import Factors
from plugins.recommender.types import Holdout

if TYPE_CHECKING:
    from plugins.recommender import ranking_stages as stages


def fit(stage: stages.Als, split: Holdout, context: Context) -> Factors:
    """Factors that minimise sum c (x - u.v)^2 + regularization |.|^2; c is alpha for an interaction, 1 elsewhere."""
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(
        factors=stage.factors,
        regularization=stage.regularization,
        alpha=stage.alpha,
        iterations=stage.iterations,
        use_cg=stage.conjugate_gradient,
        random_state=context.seed,
        num_threads=0,
    )
    model.fit(split.matrix, show_progress=False)
    return Factors(
        np.asarray(model.user_factors), np.asarray(model.item_factors), np.zeros(len(model.item_factors), np.float32)
    )
