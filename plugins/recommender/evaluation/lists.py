"""The best K items of each user, in batches: memory is bounded by the batch, not by the number of users."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from plugins.recommender.largest import largest
from plugins.recommender.types import Recommender

SCORES_PER_BATCH = 1 << 20
# A product for fewer users at once would wait for memory, however many items there are.
USERS_PER_BATCH = 32
_TIE_SEED = 20
_ROTATION = 7919


@dataclass(frozen=True)
class Candidates:
    """Which items may stand in a user's list.

    masked: (users, items), nonzero where an item is not to be recommended because the user has it.
    allowed: (items,) whether an item is a candidate at all.
    sampled: negatives drawn for each user beside the relevant items, or None for full ranking.
    relevant: (users, items); needed where negatives are sampled.
    """

    masked: sparse.csr_matrix
    allowed: np.ndarray
    sampled: int | None = None
    relevant: sparse.csr_matrix | None = None
    seed: int = 0


def top_lists(
    model: Recommender, users: np.ndarray, history: sparse.csr_matrix, candidates: Candidates, k: int
) -> np.ndarray:
    """(n, k) int64 item codes, best first, -1 where a user has no more candidates."""
    order = tie_order(history.shape[1])
    lists = [top_k(scores, k, order, batch) for batch, scores in scored(model, users, history, candidates)]
    return np.concatenate(lists) if lists else np.empty((0, k), np.int64)


def scored(
    model: Recommender, users: np.ndarray, history: sparse.csr_matrix, candidates: Candidates
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(users, scores) in batches; minus infinity marks what is no candidate, or what the model cannot score."""
    size = max(USERS_PER_BATCH, SCORES_PER_BATCH // history.shape[1])
    excluded = np.flatnonzero(~candidates.allowed)
    for start in range(0, len(users), size):
        batch = users[start : start + size]
        theirs = history[batch]
        scores = np.ascontiguousarray(model.scores(batch, theirs), dtype=np.float32)
        if not scores.flags.writeable:
            scores = scores.copy()
        if len(excluded):
            scores[:, excluded] = -np.inf
        if not model.scores_cold_users:
            scores[np.diff(theirs.indptr) == 0] = -np.inf
        rows, columns = _positions(theirs if candidates.masked is history else candidates.masked[batch])
        scores.ravel()[rows * scores.shape[1] + columns] = -np.inf
        if candidates.sampled is not None:
            _keep_sampled(scores, batch, candidates, start)
        yield batch, scores


def top_k(scores: np.ndarray, k: int, order: np.ndarray, users: np.ndarray) -> np.ndarray:
    """(n, k) column indices of the largest scores, -1 for minus infinity.

    Equal scores stand by rising ``order`` (columns,), rotated by ``users`` (n,) so that no item wins everywhere.
    """
    n_items = scores.shape[1]
    k_found = min(k, n_items)

    def rank(user: np.ndarray, items: np.ndarray) -> np.ndarray:
        return (order[items] + user * _ROTATION) % n_items

    # One more than asked for shows whether items tie for the last place: only such rows need the order of all items.
    found = largest(scores, min(k_found + 1, n_items))
    values = np.take_along_axis(scores, found, axis=1)
    equal = values[:, 1:] == values[:, :-1]
    found, values = found[:, :k_found], values[:, :k_found]
    tied = np.flatnonzero(equal[:, : k_found - 1].any(axis=1))
    better = np.lexsort((rank(users[tied, None], found[tied]), -values[tied]), axis=1)
    found[tied] = np.take_along_axis(found[tied], better, axis=1)
    found[np.isneginf(values) | np.isnan(values)] = -1
    crowded = equal[:, k_found - 1 :].any(axis=1) & np.isfinite(values[:, -1])
    for row in np.flatnonzero(crowded):
        contenders = np.flatnonzero(scores[row] >= values[row, -1])
        found[row] = contenders[np.lexsort((rank(users[row], contenders), -scores[row, contenders]))][:k_found]
    return np.pad(found, ((0, 0), (0, k - k_found)), constant_values=-1)


def tie_order(n_items: int) -> np.ndarray:
    """The order in which items win ties: random but always the same; that of a file often follows popularity."""
    return np.random.default_rng(_TIE_SEED).permutation(n_items)


def _positions(matrix: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices


def _keep_sampled(scores: np.ndarray, batch: np.ndarray, candidates: Candidates, start: int) -> None:
    """Leave each user's relevant items and ``sampled`` others that are candidates."""
    assert candidates.relevant is not None
    assert candidates.sampled is not None
    rng = np.random.default_rng([candidates.seed, start])
    rows, columns = _positions(candidates.relevant[batch])
    keys = rng.random(scores.shape, dtype=np.float32)
    keys[np.isneginf(scores)] = 2
    keys[rows, columns] = 2
    count = min(candidates.sampled, scores.shape[1])
    kept = np.zeros(scores.shape, bool)
    chosen = np.argpartition(keys, count - 1, axis=1)[:, :count]
    np.put_along_axis(kept, chosen, True, axis=1)
    kept[rows, columns] = True
    scores[~kept] = -np.inf
