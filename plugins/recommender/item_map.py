"""What `recommender.item_map` does: items that a model offers to the same people lie close together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.manifold import TSNE

from pipeline.context import Context
from pipeline.errors import DataError
from pipeline.types import Table
from plugins.recommender import figures
from plugins.recommender.models.hybrid import standardised
from plugins.recommender.types import Catalogue, CategoryColumn, Holdout, Recommender

if TYPE_CHECKING:
    from plugins.recommender import stages

_USERS = 500
_GROUPS = 9
_SAME = 1e-4


def draw(stage: stages.ItemMap, model: Recommender, split: Holdout, context: Context) -> Table:
    """Places of the most popular items in the plane; DataError where a model tells no users apart."""
    popularity = np.bincount(split.train.items, minlength=split.catalogue.shape[1])
    items = np.argsort(-popularity, kind="stable")[: stage.items]
    items = items[popularity[items] > 0]
    if len(items) < 3:
        raise DataError(f"a map needs three items that somebody has taken. Got {len(items)} instead.")
    users = np.flatnonzero(np.diff(split.history.indptr))[:_USERS]
    vectors = taste(model.scores(users, split.history[users])[:, items])
    if np.abs(vectors).max() < _SAME:
        raise DataError(f"{type(model).__name__} scores alike for all users: it has no map of items to show.")
    perplexity = min(30.0, (len(items) - 1) / 3)
    embedding = TSNE(metric="cosine", init="pca", perplexity=perplexity, random_state=context.seed)
    places = embedding.fit_transform(vectors)
    frame = pd.DataFrame(
        {"item": split.catalogue.item_ids[items], "name": split.catalogue.show(items), "x": places[:, 0],
         "y": places[:, 1], "interactions": popularity[items], "group": groups(split.catalogue, items)}
    )  # fmt: skip
    context.table("item_map", frame)
    context.figure("item_map", figures.item_map(frame))
    return Table(frame)


def taste(scores: np.ndarray) -> np.ndarray:
    """(items, users) of scores (users, items): whom an item is for more than for others, however many like it."""
    relative = standardised(scores)
    return np.ascontiguousarray((relative - relative.mean(axis=0)).T)


def groups(catalogue: Catalogue, items: np.ndarray) -> list[str]:
    """For each item its rarest one of the nine most common categories, or "" where it has none of them."""
    features = catalogue.item_features
    column = None if features is None else next((c for c in features.columns if isinstance(c, CategoryColumn)), None)
    if features is None or column is None:
        return [""] * len(items)
    first = features.names.index(f"{column.name}={column.members[0]}")
    has = features.matrix[items][:, first : first + len(column.members)].toarray() > 0
    counts = has.sum(axis=0)
    common = np.argsort(-counts, kind="stable")[:_GROUPS]
    rarest = np.where(has[:, common], counts[common], np.iinfo(np.int64).max).argmin(axis=1)
    return [column.members[common[at]] if any_ else "" for at, any_ in zip(rarest, has[:, common].any(1), strict=True)]
