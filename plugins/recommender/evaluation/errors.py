"""What `recommender.evaluate_ratings` does: predict every fold's ratings and say how far off they are."""

from __future__ import annotations

import numpy as np

from pipeline.context import Context
from plugins.recommender import figures
from plugins.recommender.evaluation import significance
from plugins.recommender.types import Folds, Rated, RatingModels


def evaluate(models: RatingModels, folds: Folds, baseline: RatingModels | None, context: Context) -> Rated:
    """RMSE and MAE, each the mean over folds; with a baseline a paired test over users of their squared errors."""
    rated = predict(models, folds)
    by_fold = [_errors(rated, rated.fold == number) for number in range(folds.count)]
    for number, (rmse, mae) in enumerate(by_fold):
        context.log({"fold_rmse": rmse, "fold_mae": mae}, step=number)
    rmse, mae = np.mean(by_fold, axis=0)
    context.log({"rmse": rmse, "mae": mae})
    context.text("protocol", folds.protocol.describe())
    context.figure("ratings", figures.rating_errors(rated))
    if baseline is not None:
        base = predict(baseline, folds)
        test = significance.paired(_per_user(base), _per_user(rated))
        context.log({"squared_error_gain": test.difference, "squared_error_p_value": test.p_wilcoxon})
    return rated


def predict(models: RatingModels, folds: Folds) -> Rated:
    """Every rating predicted by the model that has not seen it, cut to the scale of the ratings that it has seen."""
    parts = []
    for number, model in enumerate(models.models):
        train, test = folds.parts(number)
        assert train.ratings is not None
        assert test.ratings is not None
        values = np.clip(model.rate(test.users, test.items), train.ratings.min(), train.ratings.max())
        parts.append((test.users, test.items, values.astype(np.float32), test.ratings, np.full(len(test), number)))
    users, items, predicted, actual, fold = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Rated(users, items, predicted, actual, fold, folds.protocol)


def _errors(rated: Rated, chosen: np.ndarray) -> tuple[float, float]:
    error = (rated.predicted - rated.actual)[chosen].astype(np.float64)
    return float(np.sqrt((error**2).mean())), float(np.abs(error).mean())


def _per_user(rated: Rated) -> np.ndarray:
    """Mean squared error of each user with a rating, in order of code."""
    squared = (rated.predicted - rated.actual).astype(np.float64) ** 2
    counts = np.bincount(rated.users)
    return np.asarray(np.bincount(rated.users, squared)[counts > 0] / counts[counts > 0])
