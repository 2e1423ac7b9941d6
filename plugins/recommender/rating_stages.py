"""The stages that fit a model of ratings, once for each fold."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from pipeline.context import Context
from pipeline.stage import Stage
from plugins.recommender.types import Folds, RatingModels


class RatingBaseline(Stage):
    """Rate by the mean and how far each user and item is from it (Koren 2010)."""

    user_penalty: float = Field(15.0, ge=0, description="Ratings' worth of doubt about a user's bias.")
    item_penalty: float = Field(10.0, ge=0, description="Ratings' worth of doubt about an item's bias.")
    iterations: int = Field(10, gt=0, description="Rounds over items and users.")

    def run(self, folds: Folds, context: Context) -> RatingModels:
        """Fit on each fold's other ratings."""
        from plugins.recommender.ratings import baseline, folded

        return folded.fit(folds, context, lambda train, shape: baseline.fit(self, train, shape))


class KnnBaseline(Stage):
    """Rate by the baseline and the user's ratings of the most similar items (Koren 2010)."""

    k: int = Field(40, gt=0, description="The most neighbours that count.")
    shrinkage: float = Field(100.0, ge=0, description="Common users at which a similarity counts half.")
    user_penalty: float = Field(15.0, ge=0, description="Ratings' worth of doubt about a user's bias.")
    item_penalty: float = Field(10.0, ge=0, description="Ratings' worth of doubt about an item's bias.")
    iterations: int = Field(10, gt=0, description="Rounds over items and users for the biases.")

    def run(self, folds: Folds, context: Context) -> RatingModels:
        """Fit on each fold's other ratings."""
        from plugins.recommender.ratings import folded, knn_baseline

        return folded.fit(folds, context, lambda train, shape: knn_baseline.fit(self, train, shape))


class BiasedMf(Stage):
    """Rate by biases and a product of user and item vectors (Koren, Bell & Volinsky 2009)."""

    seeded: ClassVar[bool] = True

    factors: int = Field(8, gt=0, description="Dimensions of the vectors.")
    regularization: float = Field(12.0, gt=0, description="Penalty on the squared length of a vector.")
    bias_regularization: float = Field(4.0, gt=0, description="Penalty on a squared bias.")
    iterations: int = Field(15, gt=0, description="Rounds over users and items.")

    def run(self, folds: Folds, context: Context) -> RatingModels:
        """Fit on each fold's other ratings."""
        from plugins.recommender.ratings import biased_mf, folded

        return folded.fit(folds, context, lambda train, shape: biased_mf.fit(self, train, shape, context.rng))


class BayesianMf(Stage):
    """Rate by the average of many biased factorisations drawn from their posterior (Salakhutdinov & Mnih 2008)."""

    seeded: ClassVar[bool] = True

    factors: int = Field(10, gt=0, description="Dimensions of the vectors.")
    noise_precision: float = Field(1.2, gt=0, description="One over the variance of a rating around its mean.")
    burn_in: int = Field(15, ge=0, description="Sweeps before the first sample is kept.")
    samples: int = Field(45, gt=0, description="Samples that are averaged.")

    def run(self, folds: Folds, context: Context) -> RatingModels:
        """Fit on each fold's other ratings."""
        from plugins.recommender.ratings import bayesian_mf, folded

        return folded.fit(folds, context, lambda train, shape: bayesian_mf.fit(self, train, shape, context.rng))


class Svdpp(Stage):
    """Rate by a factorisation that also uses which items a user rated at all: SVD++ (Koren 2008)."""

    seeded: ClassVar[bool] = True

    factors: int = Field(10, gt=0, description="Dimensions of the vectors.")
    regularization: float = Field(15.0, gt=0, description="Penalty on the squared length of a vector.")
    bias_regularization: float = Field(6.0, gt=0, description="Penalty on a squared bias.")
    implicit_regularization: float = Field(60.0, gt=0, description="Penalty on the vectors of having rated an item.")
    iterations: int = Field(15, gt=0, description="Rounds over users and items.")

    def run(self, folds: Folds, context: Context) -> RatingModels:
        """Fit on each fold's other ratings."""
        from plugins.recommender.ratings import folded, svdpp

        return folded.fit(folds, context, lambda train, shape: svdpp.fit(self, train, shape, context.rng))


class Nmf(Stage):
    """Rate by a product of vectors that are nowhere negative (Lee & Seung 2001)."""

    seeded: ClassVar[bool] = True

    factors: int = Field(15, gt=0, description="Dimensions of the vectors.")
    regularization: float = Field(0.06, ge=0, description="Penalty on the squared length of a vector, for each rating.")
    iterations: int = Field(50, gt=0, description="Rounds over users and items.")

    def run(self, folds: Folds, context: Context) -> RatingModels:
        """Fit on each fold's other ratings."""
        from plugins.recommender.ratings import folded, nmf

        return folded.fit(folds, context, lambda train, shape: nmf.fit(self, train, shape, context.rng))


STAGES: list[type[Stage]] = [RatingBaseline, KnnBaseline, BiasedMf, BayesianMf, Svdpp, Nmf]
