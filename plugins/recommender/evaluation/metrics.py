"""Ranking metrics of whole arrays of lists.

hits: (n, K) bool, whether the item at each place is relevant. relevant: (n,) how many items there were to find.
Each function gives (n,) float64, one value for each user.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse


def hits_of(lists: np.ndarray, relevant: sparse.csr_matrix) -> np.ndarray:
    """(n, K) whether ``lists[u, place]`` is among the nonzero columns of ``relevant[u]``; the code -1 never is."""
    n, n_items = relevant.shape
    truth = np.repeat(np.arange(n, dtype=np.int64), np.diff(relevant.indptr)) * n_items + relevant.indices
    truth.sort()
    keys = np.where(lists >= 0, np.arange(n, dtype=np.int64)[:, None] * n_items + lists, -1)
    if len(truth) == 0:
        return np.zeros(lists.shape, bool)
    place = np.minimum(np.searchsorted(truth, keys), len(truth) - 1)
    return np.asarray(truth[place] == keys)


def precision(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Share of the k places that hold a relevant item."""
    return hits[:, :k].sum(axis=1) / k


def recall(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Share of the relevant items that are among the first k."""
    return hits[:, :k].sum(axis=1) / np.maximum(relevant, 1)


def hit(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """1 where any of the first k is relevant."""
    return hits[:, :k].any(axis=1).astype(np.float64)


def mrr(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """One over the place of the first relevant item, 0 if it is beyond k."""
    cut = hits[:, :k]
    return np.where(cut.any(axis=1), 1 / (1 + cut.argmax(axis=1)), 0.0)


def average_precision(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Mean over the relevant items of the precision at their places, divided by min(relevant, k)."""
    cut = hits[:, :k]
    at_place = cut.cumsum(axis=1) / np.arange(1, cut.shape[1] + 1)
    return (at_place * cut).sum(axis=1) / np.maximum(np.minimum(relevant, k), 1)


def ndcg(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Discounted gain, 1 / log2(place + 1) for each relevant item, over that of the best possible list of k.

    Järvelin & Kekäläinen 2002, with gains of 0 and 1.
    """
    discount = 1 / np.log2(np.arange(2, k + 2))
    gain = hits[:, :k] @ discount[: hits.shape[1]]
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(relevant, k)]
    return np.divide(gain, ideal, out=np.zeros(len(hits)), where=ideal > 0)


METRICS = {"ndcg": ndcg, "recall": recall, "precision": precision, "map": average_precision, "mrr": mrr, "hit": hit}


def per_user(hits: np.ndarray, relevant: np.ndarray, cutoffs: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Every metric at every cutoff, named like ``ndcg_at_10``."""
    return {f"{name}_at_{k}": metric(hits, relevant, k) for name, metric in METRICS.items() for k in cutoffs}
