"""What `recommender.split` and `recommender.folds` do: divide, refuse empty parts, and declare the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.context import Context
from pipeline.errors import DataError
from plugins.recommender import figures, splits
from plugins.recommender.types import Feedback, Folds, Holdout, Interactions, Protocol

if TYPE_CHECKING:
    from plugins.recommender import stages


def hold_out(stage: stages.Split, data: Interactions, context: Context) -> Holdout:
    """The data in parts; DataError where nothing is left to fit or to judge on."""
    parts = _parts(stage, data)
    train, validation, test, given = (data.feedback.take(parts == part) for part in range(4))
    if len(train) == 0 or len(test) == 0:
        name = "train" if len(train) == 0 else "test"
        raise DataError(
            f"the split {stage.by!r} leaves the {name} part empty: {data.catalogue.source} has {len(data.feedback):,} "
            f"interactions of {len(np.unique(data.feedback.users)):,} users. Give more data, or choose another split."
        )
    used = {"by": stage.by} | {name: getattr(stage, name) for name in _USED[stage.by]}
    protocol = Protocol(_identity(data), used)
    holdout = Holdout(data.catalogue, train, validation, test, given, protocol)
    context.text("protocol", protocol.describe())
    sizes = {"train": len(train), "validation": len(validation), "test": len(test)}
    context.log({f"{name}_interactions": size for name, size in sizes.items()})
    context.figure("long_tail", figures.long_tail(holdout))
    return holdout


_USED: dict[str, tuple[str, ...]] = {
    "random": ("per_user", "validation", "test", "split_seed"),
    "leave_one_out": ("split_seed",),
    "user_temporal": ("validation", "test"),
    "global_temporal": ("validation", "test"),
    "given": (),
    "cold_users": ("validation", "test", "given", "split_seed"),
    "cold_items": ("validation", "test", "split_seed"),
}


def _parts(stage: stages.Split, data: Interactions) -> np.ndarray:
    feedback, (n_users, n_items) = data.feedback, data.catalogue.shape
    rng = np.random.default_rng(stage.split_seed)
    match stage.by:
        case "random":
            divide = splits.random_per_user if stage.per_user else splits.random_global
            return divide(feedback, stage.validation, stage.test, rng)
        case "leave_one_out":
            return splits.leave_one_out(feedback, rng)
        case "user_temporal":
            return splits.user_temporal(feedback, stage.validation, stage.test)
        case "global_temporal":
            return splits.global_temporal(feedback, stage.validation, stage.test)
        case "cold_users":
            return splits.cold_users(feedback, n_users, stage.validation, stage.test, stage.given, rng)
        case "cold_items":
            return splits.cold_items(feedback, n_items, stage.validation, stage.test, rng)
    if data.parts is None or data.parts.max() > splits.TEST:
        raise DataError(f"{data.catalogue.source} comes without parts of its own: choose another split than 'given'.")
    return data.parts


def fold(stage: stages.Folds, data: Interactions) -> Folds:
    """Ratings in folds: at random, or as the publisher made them; DataError where that cannot be."""
    if data.feedback.ratings is None:
        raise DataError(f"{data.catalogue.source} has no ratings to predict. Use 'recommender.split' and rankings.")
    if stage.given:
        if data.parts is None:
            raise DataError(f"{data.catalogue.source} comes without folds of its own: leave out 'given'.")
        number = data.parts.astype(np.int64)
    else:
        number = splits.folds(len(data.feedback), stage.count, np.random.default_rng(stage.split_seed))
    used = {"folds": "given"} if stage.given else {"folds": stage.count, "split_seed": stage.split_seed}
    return Folds(data.catalogue, data.feedback, number, Protocol(_identity(data), used))


def _identity(data: Interactions) -> dict[str, Any]:
    """The source of the data, and a digest of every interaction that the filters left."""
    return {"source": data.catalogue.source, "interactions": len(data.feedback), "digest": _digest(data.feedback)}


def _digest(feedback: Feedback) -> str:
    import xxhash

    state = xxhash.xxh3_64()
    for column in (feedback.users, feedback.items, feedback.ratings, feedback.times):
        state.update(b"" if column is None else np.ascontiguousarray(column).tobytes())
    return str(state.hexdigest())
