"""The k largest values of every row of a matrix: what ranking and neighbourhoods spend their time on."""

from __future__ import annotations

import numpy as np


def largest(values: np.ndarray, k: int) -> np.ndarray:
    """(n, k) columns of the k largest values of each row, in falling order; which of equal ones is left open.

    The k largest are within the k groups of columns with the largest maxima: after one pass over the maxima of groups
    only k groups have to be looked into.
    """
    n, columns = values.shape
    width = round((columns / k) ** 0.5)
    groups = columns // max(width, 1)
    if groups < 2 * k:
        found = _largest(values, k)
    else:
        grouped = values[:, : width * groups].reshape(n, width, groups)
        chosen = _largest(grouped.max(axis=1), k)
        members = (chosen[:, None] + groups * np.arange(width)[:, None]).reshape(n, -1)
        over = np.broadcast_to(np.arange(width * groups, columns), (n, columns - width * groups))
        members = np.concatenate([members, over], axis=1)
        picked = _largest(np.take_along_axis(values, members, axis=1), k)
        found = np.take_along_axis(members, picked, axis=1)
    falling = np.argsort(-np.take_along_axis(values, found, axis=1), axis=1)
    return np.take_along_axis(found, falling, axis=1)


def _largest(values: np.ndarray, k: int) -> np.ndarray:
    """(n, k) columns of the k largest values of each row, in any order."""
    n, columns = values.shape
    # Sorting values takes a fraction of what sorting their positions takes; equal values need the latter.
    threshold = np.sort(values, axis=1)[:, columns - k, None]
    at = np.flatnonzero(values >= threshold)
    if len(at) == n * k:
        return at.reshape(n, k) - columns * np.arange(n)[:, None]
    return np.argpartition(values, columns - k, axis=1)[:, columns - k :]
