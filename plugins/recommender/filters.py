"""Which interactions are kept: one for each pair, well rated ones, those of users and items with enough of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.errors import DataError
from plugins.recommender.types import Interactions


def deduplicated(data: Interactions) -> Interactions:
    """Of several interactions of the same user and item only the last: in time, or else in the file."""
    feedback, n_items = data.feedback, data.catalogue.shape[1]
    pairs = feedback.users.astype(np.int64) * n_items + feedback.items
    order = np.arange(len(pairs)) if feedback.times is None else np.argsort(feedback.times, kind="stable")
    # The first occurrence counted from the end is the last one.
    _, first = np.unique(pairs[order][::-1], return_index=True)
    return _kept(data, np.sort(order[len(pairs) - 1 - first]))


def rated_at_least(data: Interactions, threshold: float) -> Interactions:
    """Only interactions whose rating reaches the threshold; DataError where there are no ratings."""
    if data.feedback.ratings is None:
        raise DataError("'minimum_rating' needs ratings, but the interactions have none. Leave it out.")
    return _kept(data, np.flatnonzero(data.feedback.ratings >= threshold))


def k_core(data: Interactions, per_user: int, per_item: int) -> Interactions:
    """The largest part in which each user has ``per_user`` and each item ``per_item`` interactions.

    Users and items that fall out leave the catalogue.
    """
    users, items = data.feedback.users, data.feedback.items
    kept = np.ones(len(users), bool)
    while True:
        enough = (np.bincount(users[kept], minlength=data.catalogue.shape[0]) >= per_user)[users]
        enough &= (np.bincount(items[kept], minlength=data.catalogue.shape[1]) >= per_item)[items]
        if not (kept & ~enough).any():
            break
        kept &= enough
    return without_absent(_kept(data, np.flatnonzero(kept)))


def without_absent(data: Interactions) -> Interactions:
    """The same interactions with a catalogue of only those users and items that have one."""
    catalogue, feedback = data.catalogue, data.feedback
    users, user_codes = np.unique(feedback.users, return_inverse=True)
    items, item_codes = np.unique(feedback.items, return_inverse=True)
    features = catalogue.item_features
    people = catalogue.user_features
    return replace(
        data,
        catalogue=replace(
            catalogue,
            user_ids=catalogue.user_ids[users],
            item_ids=catalogue.item_ids[items],
            item_names=None if catalogue.item_names is None else catalogue.item_names[items],
            item_features=None if features is None else replace(features, matrix=features.matrix[items]),
            user_features=None if people is None else replace(people, matrix=people.matrix[users]),
        ),
        feedback=replace(feedback, users=user_codes.astype(np.int32), items=item_codes.astype(np.int32)),
    )


def _kept(data: Interactions, index: np.ndarray) -> Interactions:
    if len(index) == 0:
        raise DataError(f"no interaction of {data.catalogue.source} is left after filtering. Loosen the filters.")
    return replace(data, feedback=data.feedback.take(index), parts=None if data.parts is None else data.parts[index])
