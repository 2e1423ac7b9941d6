"""What the recommender stages hand one another. Light: nothing heavy is imported before it is needed."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pipeline.errors import DataError
from pipeline.types import Predictor

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from scipy import sparse


@dataclass(frozen=True)
class TextColumn:
    """A column of text: its words with their inverse document frequency (words,)."""

    name: str
    words: tuple[str, ...]
    rarity: np.ndarray


@dataclass(frozen=True)
class CategoryColumn:
    """A column of one or several categories, and which there are."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers, and what they are standardised by."""

    name: str
    mean: float
    spread: float


FeatureColumn = TextColumn | CategoryColumn | NumberColumn


@dataclass(frozen=True)
class Features:
    """Features of users or items: ``matrix`` is (n, d) float32, each column with a name such as ``genres=Comedy``.

    columns: what was learnt of the described columns, so that items that come later are described alike.
    """

    matrix: sparse.csr_matrix
    names: tuple[str, ...]
    columns: tuple[FeatureColumn, ...]


@dataclass(frozen=True)
class Catalogue:
    """The users and items by code, their ids as they were given, and what is known of them.

    item_names: a text to show for each item, or None where its id has to do.
    source: what a reader has to know about where the data are from ("generated: ...", "MovieLens 100K").
    """

    user_ids: pd.Index
    item_ids: pd.Index
    source: str
    item_names: pd.Index | None = None
    item_features: Features | None = None
    user_features: Features | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(users, items)."""
        return len(self.user_ids), len(self.item_ids)

    def show(self, items: np.ndarray) -> list[str]:
        """A text for each item code."""
        names = self.item_ids if self.item_names is None else self.item_names
        return [str(name) for name in names[items]]


@dataclass(frozen=True)
class Feedback:
    """Who took what: codes (n,) int32 of ``users`` and ``items``, ``ratings`` (n,) float32, ``times`` (n,) int64."""

    users: np.ndarray
    items: np.ndarray
    ratings: np.ndarray | None = None
    times: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.users)

    def take(self, index: np.ndarray) -> Feedback:
        """The interactions at ``index`` (positions or a mask)."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        return Feedback(**{name: None if column is None else column[index] for name, column in columns.items()})

    def joined(self, other: Feedback) -> Feedback:
        """These interactions and then the other ones."""
        import numpy as np

        pairs = {f.name: (getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        return Feedback(**{
            name: None if a is None or b is None else np.concatenate([a, b]) for name, (a, b) in pairs.items()
        })  # fmt: skip

    def matrix(self, shape: tuple[int, int], values: np.ndarray | None = None) -> sparse.csr_matrix:
        """(users, items) float32 with ``values`` (1 by default) where there is an interaction."""
        import numpy as np
        from scipy import sparse

        weights = np.ones(len(self), np.float32) if values is None else values.astype(np.float32)
        return sparse.csr_matrix((weights, (self.users, self.items)), shape=shape)


@dataclass(frozen=True)
class Interactions:
    """A whole data set; ``parts`` (n,) int8 is the part or fold that its publisher put each interaction in, if any."""

    catalogue: Catalogue
    feedback: Feedback
    parts: np.ndarray | None = None


@dataclass(frozen=True)
class Protocol:
    """All that decides what a score means; results are comparable if their protocols have the same digest.

    data: the data set and a digest of its interactions. split: how it was divided. ranking: how lists were judged.
    """

    data: dict[str, Any]
    split: dict[str, Any]
    ranking: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits over every field."""
        text = json.dumps([self.data, self.split, self.ranking], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def with_ranking(self, **ranking: Any) -> Protocol:
        """The same with the way of judging lists."""
        return replace(self, ranking=ranking)

    def describe(self) -> str:
        """Every field on a line of its own, and the digest."""
        sections = {"data": self.data, "split": self.split, "ranking": self.ranking}
        lines = [f"{title}: " + ", ".join(f"{k}={v}" for k, v in part.items()) for title, part in sections.items()]
        return "\n".join([f"protocol {self.digest}", *lines, ""])

    def differences(self, other: Protocol) -> list[str]:
        """What the two do not share, as ``part.field: mine / theirs``."""
        ours, theirs = (
            {f"{part.name}.{key}": value for part in fields(self) for key, value in getattr(which, part.name).items()}
            for which in (self, other)
        )
        return [
            f"{k}: {ours.get(k)} / {theirs.get(k)}" for k in sorted({*ours, *theirs}) if ours.get(k) != theirs.get(k)
        ]


@dataclass(frozen=True)
class Holdout:
    """Interactions to fit on, to choose on and to judge on; ``given`` are of users that were held out entirely:

    a model may use them when it scores, but not when it is fitted.
    """

    catalogue: Catalogue
    train: Feedback
    validation: Feedback
    test: Feedback
    given: Feedback
    protocol: Protocol

    @cached_property
    def matrix(self) -> sparse.csr_matrix:
        """Ones at the training interactions, (users, items) float32."""
        return self.train.matrix(self.catalogue.shape)

    @cached_property
    def history(self) -> sparse.csr_matrix:
        """What each user is known to have taken when items are scored: training and given interactions."""
        return self.train.joined(self.given).matrix(self.catalogue.shape) if len(self.given) else self.matrix


@dataclass(frozen=True)
class Folds:
    """Ratings in folds: fold i is judged on after fitting on all the others (or on the folds' own ``train``)."""

    catalogue: Catalogue
    feedback: Feedback
    fold: np.ndarray
    protocol: Protocol

    @property
    def count(self) -> int:
        """How many folds there are."""
        return int(self.fold.max()) + 1

    def parts(self, number: int) -> tuple[Feedback, Feedback]:
        """(to fit on, to judge on)."""
        return self.feedback.take(self.fold != number), self.feedback.take(self.fold == number)


@dataclass(frozen=True)
class Recommender(Predictor):
    """A fitted model that scores every item for a batch of users.

    scores_cold_items: whether it can score an item that nobody has taken yet.
    scores_cold_users: whether it can score for a user who has taken nothing yet.
    scores_new_users: whether it can score for a user who was not there when it was fitted, from a history.
    """

    scores_cold_items: ClassVar[bool] = False
    scores_cold_users: ClassVar[bool] = False
    scores_new_users: ClassVar[bool] = True

    @abstractmethod
    def scores(self, users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        """(batch, items) float32, higher is better, for codes ``users`` (batch,) and ``history`` (batch, items)."""

    def influence(self, history: np.ndarray, items: np.ndarray) -> np.ndarray | None:
        """(items, history): how much each taken item speaks for each recommended one; None where that means nothing."""
        return None

    def extended(self, features: sparse.csr_matrix) -> Recommender:
        """The model with items appended that it knows only by ``features`` (new, d); DataError where it cannot."""
        raise DataError(
            f"{type(self).__name__} cannot score items that came after it was fitted. Use 'recommender.content', "
            "'recommender.attribute_mapping', 'recommender.factorization_machine', or a switching hybrid with one."
        )

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Scores of every item for histories of shape (n, items); for a model that needs no more than a history."""
        import numpy as np
        from scipy import sparse

        return self.scores(np.full(len(inputs), -1), sparse.csr_matrix(inputs))


@dataclass(frozen=True)
class Ranking:
    """How a model's lists fared, user by user.

    users: (n,) codes of the users with something to find. lists: (n, K) item codes, -1 where a list ends early.
    per_user: metric -> (n,) float64. metrics: over all users. protocol: what the numbers mean.
    """

    users: np.ndarray
    lists: np.ndarray
    per_user: dict[str, np.ndarray]
    metrics: dict[str, float]
    protocol: Protocol


@dataclass(frozen=True)
class Service(Predictor):
    """A recommender that takes user ids and returns item ids."""


@dataclass(frozen=True)
class RatingModel:
    """A fitted model that predicts a rating for (user, item) pairs."""

    @abstractmethod
    def rate(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """(n,) float32 ratings, not yet cut to the scale, for codes (n,) of users and items."""


@dataclass(frozen=True)
class RatingModels:
    """One fitted model for each fold."""

    models: tuple[RatingModel, ...]


@dataclass(frozen=True)
class Rated:
    """Predicted and true ratings of every judged pair, with the fold it was in."""

    users: np.ndarray
    items: np.ndarray
    predicted: np.ndarray
    actual: np.ndarray
    fold: np.ndarray
    protocol: Protocol
