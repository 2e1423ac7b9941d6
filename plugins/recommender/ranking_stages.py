"""The stages that fit a model for ranking; each field is one that its paper or its users tune."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pipeline.context import Context
from pipeline.stage import Stage
from plugins.recommender.types import Holdout, Recommender

Similarity = Literal["cosine", "pearson", "jaccard", "tfidf", "bm25"]


class Popularity(Stage):
    """Recommend what most users took: the baseline to beat."""

    def run(self, split: Holdout) -> Recommender:
        """Count."""
        from plugins.recommender.models import popularity

        return popularity.fit(split)


class Random(Stage):
    """Recommend at random: the floor of every metric."""

    seeded: ClassVar[bool] = True

    def run(self, split: Holdout, context: Context) -> Recommender:
        """Keep the seed."""
        from plugins.recommender.models.popularity import Random as RandomScores

        return RandomScores(context.seed)


class Content(Stage):
    """Recommend items whose features are like those of what the user has; scores items that nobody has taken yet."""

    rarity: float = Field(1.0, ge=0, description="Power of log(items / items with the feature): 0 counts all alike.")
    centering: float = Field(
        0.0, ge=0, le=1, description="How much of the average user's profile is taken off a user's profile."
    )

    def run(self, split: Holdout) -> Recommender:
        """Build the profiles' space."""
        from plugins.recommender.models import content

        return content.fit(self, split)


class ItemKnn(Stage):
    """Recommend items whose takers are those of the user's items (Sarwar et al. 2001)."""

    similarity: Similarity = Field("cosine", description="How alike two items are.")
    k: int = Field(100, gt=0, description="Neighbours kept for each item.")
    shrinkage: float = Field(0.0, ge=0, description="Added to the denominator: distrusts small overlaps. Not for bm25.")

    def run(self, split: Holdout) -> Recommender:
        """Find the neighbours."""
        from plugins.recommender.models import item_knn

        return item_knn.fit(self, split)


class UserKnn(Stage):
    """Recommend what the users most like this one took (Resnick et al. 1994)."""

    similarity: Similarity = Field("pearson", description="How alike two users are.")
    k: int = Field(50, gt=0, description="Neighbours kept for each user.")
    shrinkage: float = Field(0.0, ge=0, description="Added to the denominator: distrusts small overlaps. Not for bm25.")

    def run(self, split: Holdout) -> Recommender:
        """Find the neighbours."""
        from plugins.recommender.models import user_knn

        return user_knn.fit(self, split)


class Rp3beta(Stage):
    """Recommend where three random steps from the user lead, popular items made less likely (Paudel et al. 2016)."""

    k: int = Field(100, gt=0, description="Neighbours kept for each item.")
    alpha: float = Field(1.0, ge=0, description="Power of the probability of each step.")
    beta: float = Field(0.5, ge=0, description="How strongly popular items are held back.")
    normalize: bool = Field(True, description="Scale the weights of each item of the user's to sum 1.")

    def run(self, split: Holdout) -> Recommender:
        """Walk."""
        from plugins.recommender.models import rp3beta

        return rp3beta.fit(self, split)


class Ease(Stage):
    """Fit the linear item-to-item model with a closed form (Steck 2019)."""

    l2: float = Field(500.0, gt=0, description="Ridge penalty on the weights.")

    def run(self, split: Holdout) -> Recommender:
        """Invert the Gram matrix."""
        from plugins.recommender.models import ease

        return ease.fit(self, split)


class Slim(Stage):
    """Fit sparse item-to-item weights of zero or above (Ning & Karypis 2011)."""

    l1: float = Field(5.0, ge=0, description="Penalty on the sum of the weights: the higher, the fewer there are.")
    l2: float = Field(300.0, gt=0, description="Penalty on the squared weights.")
    penalty: float = Field(300.0, gt=0, description="Step control of ADMM; changes the way, not the end.")
    iterations: int = Field(20, gt=0, description="Steps of ADMM.")

    def run(self, split: Holdout) -> Recommender:
        """Alternate."""
        from plugins.recommender.models import slim

        return slim.fit(self, split)


class Als(Stage):
    """Factorise the implicit matrix by alternating least squares (Hu, Koren & Volinsky 2008)."""

    seeded: ClassVar[bool] = True

    factors: int = Field(32, gt=0, description="Dimensions of the users' and items' vectors.")
    regularization: float = Field(20.0, ge=0, description="Penalty on the squared length of every vector.")
    alpha: float = Field(5.0, gt=0, description="Confidence in an interaction, against 1 where there is none.")
    iterations: int = Field(15, gt=0, description="Rounds over users and items.")
    conjugate_gradient: bool = Field(True, description="Solve approximately, in three steps, instead of exactly.")

    def run(self, split: Holdout, context: Context) -> Recommender:
        """Alternate."""
        from plugins.recommender.models import als

        return als.fit(self, split, context)


class AttributeMapping(Stage):
    """Place new items among the vectors of known ones by their features, with a learned linear map (Gantner 2010)."""

    l2: float = Field(1.0, gt=0, description="Ridge penalty on the map.")

    def run(self, factors: Recommender, split: Holdout) -> Recommender:
        """Learn the map on the known items."""
        from plugins.recommender.models import attribute_mapping

        return attribute_mapping.fit(self, factors, split)


class Weighted(Stage):
    """Mix several models: a weighted sum of their scores, standardised over each user's items."""

    weights: dict[str, float] = Field({}, description="Weight by stage name; 1 for those not named.")

    def run(self, models: dict[str, Recommender]) -> Recommender:
        """Put them behind one front."""
        from plugins.recommender.models import hybrid

        return hybrid.weigh(models, self.weights)


class Switching(Stage):
    """Use one model where it can score, and another for cold items and for users with a short history."""

    minimum_history: int = Field(1, ge=0, description="Users with fewer interactions get the fallback's items.")

    def run(self, main: Recommender, fallback: Recommender, split: Holdout) -> Recommender:
        """Put them behind one front."""
        from plugins.recommender.models import hybrid

        return hybrid.switch(main, fallback, self.minimum_history, split)


STAGES: list[type[Stage]] = [
    Popularity, Random, Content, ItemKnn, UserKnn, Rp3beta, Ease, Slim, Als, AttributeMapping, Weighted, Switching,
]  # fmt: skip
