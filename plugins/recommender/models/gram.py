"""The Gram matrix of a sparse matrix: what two columns have in common."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import blas

_VALUES_PER_BLOCK = 1 << 22
_PANEL = 256
_DENSE_SHARE = 1 / 22


def gram(matrix: sparse.csr_matrix) -> np.ndarray:
    """X'X (columns, columns) float32 of X (rows, columns): a sparse product of short rows, a dense one of long rows."""
    columns = matrix.shape[1]
    # A dense product does columns^2 / 2 sums for a row of n entries and a sparse one n^2, each of which takes 250 times
    # as long.
    long = np.diff(matrix.indptr) > _DENSE_SHARE * columns
    short_rows, long_rows = matrix[~long], matrix[long]
    total = (short_rows.T @ short_rows).astype(np.float32).toarray(order="F")
    size = max(1, _VALUES_PER_BLOCK // columns)
    for start in range(0, long_rows.shape[0], size):
        block = long_rows[start : start + size].toarray().astype(np.float32, copy=False)
        total = blas.ssyrk(1.0, block.T, beta=1.0, c=total, overwrite_c=True)
    return mirrored(total).T


def mirrored(upper: np.ndarray) -> np.ndarray:
    """The symmetric matrix (n, n) with the upper triangle of ``upper``, written over it."""
    for start in range(0, len(upper), _PANEL):
        panel = slice(start, start + _PANEL)
        upper[panel, :start] = upper[:start, panel].T
        upper[panel, panel] = np.triu(upper[panel, panel]) + np.triu(upper[panel, panel], 1).T
    return upper
