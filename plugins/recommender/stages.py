"""The stages of the `recommender` plugin: data, splits, judging and recommending; models are in the modules beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from pipeline.context import Context
from pipeline.datasets import Dataset
from pipeline.hooks import hookimpl
from pipeline.stage import DataPath, Stage
from pipeline.types import Table
from plugins.recommender import neural_stages, ranking_stages, rating_stages, types

Share = Annotated[float, Field(gt=0, lt=1)]
Cutoffs = Annotated[tuple[Annotated[int, Field(gt=0, le=1000)], ...], Field(min_length=1)]
METRICS = ("ndcg", "recall", "precision", "map", "mrr", "hit")


class Interactions(Stage):
    """Load who took what: a published data set, a file of your own, or generated interactions, and filter them."""

    emits: ClassVar[Mapping[str, str | None]] = dict.fromkeys(("users", "items", "interactions", "density"))

    dataset: Literal[
        "generated", "movielens-100k", "movielens-100k-leave-one-out", "movielens-1m", "movielens-latest-small"
    ] = Field("generated", description="A data set by its name; the default is made up and needs no download.")
    file: DataPath | None = Field(None, description="A CSV or parquet file of interactions instead, one row each.")
    user_column: str = Field("user", description="Column of the file with the user's id.")
    item_column: str = Field("item", description="Column of the file with the item's id.")
    rating_column: str | None = Field(None, description="Column with ratings, if there is one.")
    time_column: str | None = Field(None, description="Column with times (numbers or dates), if there is one.")
    items: DataPath | None = Field(None, description="A file that describes items, one row each.")
    item_text: tuple[str, ...] = Field((), description="Its columns of text; the first is shown as the item's name.")
    item_categories: tuple[str, ...] = Field((), description="Its columns of categories, several split by '|'.")
    item_numbers: tuple[str, ...] = Field((), description="Its columns of numbers.")
    users: DataPath | None = Field(None, description="A file that describes users, one row each.")
    user_categories: tuple[str, ...] = Field((), description="Its columns of categories, several split by '|'.")
    user_numbers: tuple[str, ...] = Field((), description="Its columns of numbers.")
    minimum_rating: float | None = Field(None, description="Keep only interactions rated at least so.")
    user_core: int = Field(1, ge=1, description="Keep only users with so many interactions (k-core with item_core).")
    item_core: int = Field(1, ge=1, description="Keep only items with so many interactions (k-core with user_core).")
    n_users: int = Field(600, ge=2, le=100_000, description="Users to generate.")
    n_items: int = Field(300, ge=15, le=20_000, description="Items to generate.")
    generator_seed: int = Field(0, ge=0, description="Seed of the generated data, the same for every seed of the run.")

    def run(self, context: Context) -> types.Interactions:
        """Load, filter, and say what was loaded."""
        from plugins.recommender import loading

        return loading.load(self, context)


class Split(Stage):
    """Divide interactions into what models are fitted, chosen and judged on, and declare the protocol."""

    emits: ClassVar[Mapping[str, str | None]] = dict.fromkeys(
        ("train_interactions", "validation_interactions", "test_interactions")
    )

    by: Literal["random", "leave_one_out", "user_temporal", "global_temporal", "given", "cold_users", "cold_items"] = (
        Field("random", description="How: 'given' takes the parts that came with the data.")
    )
    validation: Share = Field(0.1, description="Share to choose models on; not for leave_one_out or given.")
    test: Share = Field(0.1, description="Share to judge on; not for leave_one_out or given.")
    per_user: bool = Field(True, description="For 'random': the shares hold for each user instead of for the whole.")
    given: int = Field(0, ge=0, description="For cold_users: how many interactions of theirs models may see to score.")
    split_seed: int = Field(0, ge=0, description="Seed of the split, which so is the same for every seed of the run.")

    @model_validator(mode="after")
    def _check(self) -> Split:
        if self.validation + self.test >= 1:
            raise ValueError("must leave something to fit on: 'validation' and 'test' together are 1 or more")
        return self

    def run(self, data: types.Interactions, context: Context) -> types.Holdout:
        """Divide."""
        from plugins.recommender import dividing

        return dividing.hold_out(self, data, context)


class Folds(Stage):
    """Divide ratings into folds, each to be predicted from the others."""

    count: int = Field(5, ge=2, le=100, description="How many folds.")
    given: bool = Field(False, description="Take the folds that came with the data instead.")
    split_seed: int = Field(0, ge=0, description="Seed of the split, which so is the same for every seed of the run.")

    def run(self, data: types.Interactions) -> types.Folds:
        """Divide."""
        from plugins.recommender import dividing

        return dividing.fold(self, data)


class Evaluate(Stage):
    """Judge a model's lists under the declared protocol, by slices, and against a baseline if one is wired."""

    part: Literal["test", "validation"] = Field("test", description="What to judge on.")
    cutoffs: Cutoffs = Field((10,), description="Lengths K of the lists; the first is the one to report.")
    candidates: Literal["all", "cold_items", "sampled"] = Field(
        "all", description="All items; those without a training interaction; or the relevant ones and sampled others."
    )
    negatives: int = Field(99, gt=0, description="For 'sampled': how many others.")
    sampling_seed: int = Field(0, ge=0, description="For 'sampled': their seed.")
    masked: Literal["train", "train_and_validation"] = Field(
        "train_and_validation", description="What a user has already and is not recommended again, judging on test."
    )
    relevance: float | None = Field(None, description="Rating from which an interaction is relevant; all by default.")

    @property
    def emits(self) -> dict[str, str | None]:  # type: ignore[override]  # the names depend on the cutoffs
        """NDCG and recall are to be high; the others say what kind of lists these are."""
        first = self.cutoffs[0]
        judged = {
            f"{metric}_at_{k}": "max" if metric in ("ndcg", "recall") and k == first else None
            for metric in METRICS
            for k in self.cutoffs
        }
        beyond = ("coverage", "gini", "novelty", "popularity", "tail_share", "diversity")
        return judged | {f"{name}_at_{first}": None for name in beyond} | {"unserved_users": None}

    def run(
        self,
        model: types.Recommender,
        split: types.Holdout,
        context: Context,
        baseline: types.Recommender | None = None,
    ) -> types.Ranking:
        """Rank, judge and draw."""
        from plugins.recommender.evaluation import rank

        return rank.evaluate(self, model, split, baseline, context)


class Compare(Stage):
    """Put rankings side by side: intervals, and paired tests against the best with Holm's correction."""

    metric: str = Field("ndcg_at_10", description="What is compared; the rankings must have been judged by it.")

    def run(self, rankings: dict[str, types.Ranking], context: Context) -> Table:
        """Compare; rankings under different protocols are refused."""
        from plugins.recommender.evaluation import compare

        return compare.compare(self, rankings, context)


class Recommend(Stage):
    """Write the best new items for some users, each with its reason, and return what serves all of them."""

    users: tuple[int | str, ...] = Field((), description="Ids of users; by default the first ones with a history.")
    first: int = Field(10, gt=0, description="How many users where none are named.")
    count: int = Field(10, gt=0, le=1000, description="How many items for each.")
    reasons: int = Field(3, ge=1, description="How many of a user's items or features a reason names.")
    new_items: DataPath | None = Field(
        None, description="A file of items that came after fitting, with the columns that describe the others."
    )
    item_column: str = Field("item", description="Its column with the item's id.")
    diversity: float = Field(
        0.0, ge=0, lt=1, description="Weight of being unlike the items before (maximal marginal relevance)."
    )

    def run(self, model: types.Recommender, split: types.Holdout, context: Context) -> types.Service:
        """Recommend."""
        from plugins.recommender import serving

        return serving.recommend(self, model, split, context)


class ItemMap(Stage):
    """Draw the items in a plane by t-SNE (van der Maaten & Hinton 2008): those offered to the same people lie close."""

    seeded: ClassVar[bool] = True

    items: int = Field(1000, ge=3, le=10_000, description="How many items, the most popular ones.")

    def run(self, model: types.Recommender, split: types.Holdout, context: Context) -> Table:
        """Place, and draw."""
        from plugins.recommender import item_map

        return item_map.draw(self, model, split, context)


class EvaluateRatings(Stage):
    """Judge predicted ratings by RMSE and MAE, each the mean over folds."""

    emits: ClassVar[Mapping[str, str | None]] = {"rmse": "min", "mae": "min", "fold_rmse": None, "fold_mae": None}

    def run(
        self,
        model: types.RatingModels,
        folds: types.Folds,
        context: Context,
        baseline: types.RatingModels | None = None,
    ) -> types.Rated:
        """Predict every fold's ratings."""
        from plugins.recommender.evaluation import errors

        return errors.evaluate(model, folds, baseline, context)


@hookimpl
def pipeline_stages() -> list[Any]:
    """The menu."""
    return [
        Interactions,
        Split,
        Folds,
        *ranking_stages.STAGES,
        *neural_stages.STAGES,
        Evaluate,
        Compare,
        Recommend,
        ItemMap,
        *rating_stages.STAGES,
        EvaluateRatings,
    ]


@hookimpl
def pipeline_datasets() -> list[Dataset]:
    """The data sets that `recommender.interactions` knows by name."""
    from plugins.recommender.sources.registry import DATASETS

    return list(DATASETS)
