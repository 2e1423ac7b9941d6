"""For whom and for what a model works: users by activity, and the relevant items by how well they are known."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from plugins.recommender.evaluation import metrics
from plugins.recommender.evaluation.beyond import head


def user_slices(activity: np.ndarray) -> dict[str, np.ndarray]:
    """(n,) masks: users without history, and thirds of the others by the length of their history."""
    slices = {"cold_users": activity == 0}
    warm = activity[activity > 0]
    if len(warm):
        lower, upper = np.quantile(warm, [1 / 3, 2 / 3])
        slices["little_active"] = (activity > 0) & (activity <= lower)
        slices["fairly_active"] = (activity > lower) & (activity <= upper)
        slices["very_active"] = activity > upper
    return {name: mask for name, mask in slices.items() if mask.any()}


def item_slices(popularity: np.ndarray) -> dict[str, np.ndarray]:
    """(items,) masks: items without a training interaction, the head, and the tail between them."""
    known, top = popularity > 0, head(popularity)
    slices = {"cold_items": ~known, "tail_items": known & ~top, "head_items": known & top}
    return {name: mask for name, mask in slices.items() if mask.any()}


def table(
    lists: np.ndarray,
    relevant: sparse.csr_matrix,
    per_user: dict[str, np.ndarray],
    activity: np.ndarray,
    popularity: np.ndarray,
    k: int,
) -> list[dict[str, object]]:
    """One row for each slice: how many users have something to find in it, NDCG and recall at k.

    For a slice of items only the relevant items in it count, and only users who have any.
    """
    rows: list[dict[str, object]] = []
    for name, mask in user_slices(activity).items():
        values = {metric: float(per_user[f"{metric}_at_{k}"][mask].mean()) for metric in ("ndcg", "recall")}
        rows.append({"slice": name, "users": int(mask.sum()), **values})
    for name, mask in item_slices(popularity).items():
        within = sparse.csr_matrix(relevant.multiply(mask[None, :].astype(np.float32)))
        within.eliminate_zeros()
        counts = np.diff(within.indptr)
        if not counts.any():
            continue
        judged = metrics.per_user(metrics.hits_of(lists, within), counts, (k,))
        values = {metric: float(judged[f"{metric}_at_{k}"][counts > 0].mean()) for metric in ("ndcg", "recall")}
        rows.append({"slice": name, "users": int((counts > 0).sum()), **values})
    return rows
