"""Lists that are less of the same: maximal marginal relevance (Carbonell & Goldstein 1998)."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def maximal_marginal_relevance(
    candidates: np.ndarray, relevance: np.ndarray, unit: sparse.csr_matrix, count: int, diversity: float
) -> np.ndarray:
    """(n, count) item codes chosen one by one for (1 - diversity) relevance - diversity * likeness to those before.

    candidates: (n, c) item codes, -1 where there are fewer. relevance: (n, c), brought to 0..1 within each row.
    unit: (items, d), rows of length 1 whose product is the likeness of two items.
    """
    there = candidates >= 0
    low = np.where(there, relevance, np.inf).min(axis=1, keepdims=True)
    high = np.where(there, relevance, -np.inf).max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = np.where(there, np.nan_to_num((relevance - low) / (high - low), nan=1.0), -np.inf)
    n, c = candidates.shape
    likest = np.zeros((n, c))
    chosen = np.full((n, count), -1, np.int64)
    rows = np.arange(n)
    for place in range(min(count, c)):
        pick = np.argmax((1 - diversity) * scaled - diversity * likest, axis=1)
        chosen[:, place] = np.where(np.isneginf(scaled[rows, pick]), -1, candidates[rows, pick])
        picked, others = unit[candidates[rows, pick]], unit[candidates.ravel()]
        repeated = picked[np.repeat(rows, c)]
        likeness = np.asarray(others.multiply(repeated).sum(axis=1)).reshape(n, c)
        likest = likeness if place == 0 else np.maximum(likest, likeness)
        scaled[rows, pick] = -np.inf
    return chosen


def unit_rows(features: sparse.csr_matrix) -> sparse.csr_matrix:
    """The rows scaled to length 1; empty rows stay empty."""
    norms = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)).ravel())
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(norms, 1e-12)) @ features)
