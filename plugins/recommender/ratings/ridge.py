"""The least-squares step that alternating rating models share."""

from __future__ import annotations

import numpy as np
from scipy import sparse

_VALUES_PER_BLOCK = 1 << 24


def normal_equations(
    pattern: sparse.csr_matrix, targets: np.ndarray, design: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each row of ``pattern`` (n, m): the sums of x x' (n, d, d) and of target * x (n, d) over its entries.

    targets: (entries,) in the order of ``pattern``'s data. design: (m, d), the vectors x of the columns.
    """
    d = design.shape[1]
    ones = sparse.csr_matrix((np.ones(pattern.nnz, design.dtype), pattern.indices, pattern.indptr), pattern.shape)
    size = max(1, _VALUES_PER_BLOCK // len(design))
    products = np.empty((pattern.shape[0], d * d), design.dtype)
    outer = design[:, :, None] * design[:, None, :]
    flat = outer.reshape(len(design), d * d)
    for start in range(0, d * d, size):
        products[:, start : start + size] = ones @ np.ascontiguousarray(flat[:, start : start + size])
    weighted = sparse.csr_matrix((targets.astype(design.dtype), pattern.indices, pattern.indptr), pattern.shape)
    return products.reshape(-1, d, d), weighted @ design


def solve(gram: np.ndarray, moment: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """(n, d) ridge solutions of n systems at once; penalty (d,)."""
    d = gram.shape[1]
    gram[:, np.arange(d), np.arange(d)] += penalty.astype(gram.dtype)
    return np.asarray(np.linalg.solve(gram, moment[..., None])[..., 0])
