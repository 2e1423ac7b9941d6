"""Fitting once for each fold."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.context import Context
from plugins.recommender.types import Feedback, Folds, RatingModel, RatingModels


def fit(folds: Folds, context: Context, fit_one: Callable[[Feedback, tuple[int, int]], RatingModel]) -> RatingModels:
    """The models of all folds; ``fit_one`` sees the ratings of the other folds and the catalogue's shape."""
    numbers = context.progress(range(folds.count), "folds")
    return RatingModels(tuple(fit_one(folds.parts(number)[0], folds.catalogue.shape) for number in numbers))
