"""What lies beyond accuracy: who is recommended at all, how well known it is, how unlike the items of a list are."""

from __future__ import annotations

import numpy as np
from scipy import sparse

HEAD_SHARE = 0.2


def coverage(lists: np.ndarray, n_items: int) -> float:
    """Share of the catalogue that stands in any list."""
    return len(np.unique(lists[lists >= 0])) / n_items


def gini(lists: np.ndarray, n_items: int) -> float:
    """Inequality of how often each item is recommended: 0 all alike, towards 1 a single one."""
    shown = np.sort(np.bincount(lists[lists >= 0], minlength=n_items)).astype(np.float64)
    total = shown.sum()
    if total == 0:
        return 0.0
    place = np.arange(1, n_items + 1)
    return float((2 * place - n_items - 1) @ shown / (n_items * total))


def novelty(lists: np.ndarray, popularity: np.ndarray, n_users: int) -> float:
    """Mean self-information -log2(share of users who have the item), in bits; an item that nobody has counts as one.

    Zhou et al. 2010.
    """
    information = -np.log2(np.maximum(popularity, 1) / n_users)
    return _mean(information[lists[lists >= 0]])


def average_popularity(lists: np.ndarray, popularity: np.ndarray) -> float:
    """Mean number of training interactions of the recommended items."""
    return _mean(popularity[lists[lists >= 0]])


def tail_share(lists: np.ndarray, popularity: np.ndarray) -> float:
    """Share of the recommendations outside the head, the fifth of the items with most interactions."""
    return _mean(~head(popularity)[lists[lists >= 0]])


def head(popularity: np.ndarray) -> np.ndarray:
    """(items,) whether an item is among the fifth with most interactions."""
    chosen = np.zeros(len(popularity), bool)
    chosen[np.argsort(-popularity, kind="stable")[: max(1, round(HEAD_SHARE * len(popularity)))]] = True
    return chosen


def diversity(lists: np.ndarray, features: sparse.csr_matrix, batch: int = 4096) -> float:
    """Mean over users of 1 - mean cosine of two items of a list, by their features; nan without lists of two.

    Uses |sum x|^2 = k + sum of the cosines, so that no pair is looked at.
    """
    norms = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)).ravel())
    unit = sparse.csr_matrix(sparse.diags(1 / np.maximum(norms, 1e-12)) @ features)
    values = []
    for start in range(0, len(lists), batch):
        part = lists[start : start + batch]
        there = part >= 0
        rows = np.repeat(np.arange(len(part)), there.sum(axis=1))
        members = sparse.csr_matrix((np.ones(len(rows)), (rows, part[there])), shape=(len(part), len(norms)))
        counts, described = there.sum(axis=1), members @ (norms > 0)
        total = members @ unit
        squared = np.asarray(total.multiply(total).sum(axis=1)).ravel()
        several = counts > 1
        cosine = (squared - described)[several] / (counts * (counts - 1))[several]
        values.append(1 - cosine)
    found = np.concatenate(values) if values else np.empty(0)
    return float(found.mean()) if len(found) else float("nan")


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
