"""Ways to divide interactions into what is fitted, chosen and judged on, each a vector of parts: no loop over users."""

from __future__ import annotations

import numpy as np

from pipeline.errors import DataError
from plugins.recommender.types import Feedback

TRAIN, VALIDATION, TEST, GIVEN = range(4)


def random_per_user(feedback: Feedback, validation: float, test: float, rng: np.random.Generator) -> np.ndarray:
    """Each user's interactions at random: shares rounded, at least one in each part where three can be spared."""
    return _tail_per_user(feedback.users, rng.random(len(feedback)), validation, test)


def random_global(feedback: Feedback, validation: float, test: float, rng: np.random.Generator) -> np.ndarray:
    """All interactions at random, whoever they are of."""
    n = len(feedback)
    return _tail(np.argsort(rng.random(n)), n, validation, test)


def user_temporal(feedback: Feedback, validation: float, test: float) -> np.ndarray:
    """The last of each user's interactions in time are judged on, those before them chosen on."""
    return _tail_per_user(feedback.users, _times(feedback, "user_temporal"), validation, test)


def global_temporal(feedback: Feedback, validation: float, test: float) -> np.ndarray:
    """Two moments divide all interactions: nothing that is fitted on happened after what is judged on."""
    times = _times(feedback, "global_temporal")
    return _tail(np.argsort(times, kind="stable"), len(feedback), validation, test)


def leave_one_out(feedback: Feedback, rng: np.random.Generator) -> np.ndarray:
    """Each user's last interaction is judged on, the one before chosen on (at random without times).

    A user needs three interactions to take part; those of others are all fitted on.
    """
    when = rng.random(len(feedback)) if feedback.times is None else feedback.times
    from_end, counts = _from_end(feedback.users, when)
    parts = np.full(len(feedback), TRAIN, np.int8)
    parts[(from_end == 0) & (counts >= 3)] = TEST
    parts[(from_end == 1) & (counts >= 3)] = VALIDATION
    return parts


def cold_items(
    feedback: Feedback, n_items: int, validation: float, test: float, rng: np.random.Generator
) -> np.ndarray:
    """Items at random, with everything that happened to them: in the other parts they have no interaction."""
    return _by_group(feedback.items, n_items, validation, test, rng)


def cold_users(
    feedback: Feedback, n_users: int, validation: float, test: float, given: int, rng: np.random.Generator
) -> np.ndarray:
    """Users at random; the first ``given`` interactions of each may be seen for scoring, the rest is judged."""
    parts = _by_group(feedback.users, n_users, validation, test, rng)
    when = rng.random(len(feedback)) if feedback.times is None else -feedback.times
    from_start, _ = _from_end(feedback.users, when)
    parts[(parts != TRAIN) & (from_start < given)] = GIVEN
    return parts


def folds(n: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """A fold number for each interaction, folds of equal size."""
    return rng.permutation(n).astype(np.int64) % count


def _times(feedback: Feedback, split: str) -> np.ndarray:
    if feedback.times is None:
        raise DataError(f"the split {split!r} needs times, but the interactions have none. Choose another split.")
    return feedback.times


def _from_end(groups: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row its rank in its group, 0 for the largest ``order``, and its group's size."""
    sorted_rows = np.lexsort((order, groups))
    counts = np.bincount(groups)
    ends = np.cumsum(counts)
    rank = np.empty(len(groups), np.int64)
    rank[sorted_rows] = ends[groups[sorted_rows]] - 1 - np.arange(len(groups))
    return rank, counts[groups]


def _tail_per_user(users: np.ndarray, order: np.ndarray, validation: float, test: float) -> np.ndarray:
    from_end, counts = _from_end(users, order)
    n_test = np.rint(counts * test).astype(np.int64)
    n_validation = np.rint(counts * validation).astype(np.int64)
    n_test = np.where((n_test == 0) & (test > 0) & (counts >= 3), 1, n_test)
    n_validation = np.where((n_validation == 0) & (validation > 0) & (counts >= 3), 1, n_validation)
    parts = np.full(len(users), TRAIN, np.int8)
    parts[from_end < n_test + n_validation] = VALIDATION
    parts[from_end < n_test] = TEST
    return parts


def _tail(order: np.ndarray, n: int, validation: float, test: float) -> np.ndarray:
    parts = np.full(n, TRAIN, np.int8)
    n_test, n_validation = int(n * test), int(n * validation)
    parts[order[n - n_test - n_validation :]] = VALIDATION
    parts[order[n - n_test :]] = TEST
    return parts


def _by_group(
    groups: np.ndarray, n_groups: int, validation: float, test: float, rng: np.random.Generator
) -> np.ndarray:
    present = np.unique(groups)
    part = np.full(n_groups, TRAIN, np.int8)
    part[present] = _tail(np.argsort(rng.random(len(present))), len(present), validation, test)
    return part[groups]
