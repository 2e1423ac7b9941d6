"""Linear scaling (Keijzer 2003): a formula f is judged by the best a + b f."""

from __future__ import annotations

import numpy as np

LARGEST = 1e100
"""Values beyond this are refused: their squares would overflow."""


def relative_errors(values: np.ndarray, y: np.ndarray) -> np.ndarray:
    """1 - r^2 of each row of ``values``, shape (m, n), with ``y``, shape (n,): the relative error of a + b f.

    Infinite where a row is not finite, or constant.
    """
    with np.errstate(all="ignore"):
        centred_y = y - y.mean()
        centred = values - values.mean(axis=1, keepdims=True)
        squares = np.einsum("ij,ij->i", centred, centred)
        products = centred @ centred_y
        total = centred_y @ centred_y
        errors = 1.0 - products * products / (squares * total)
        level = np.abs(values).max(axis=1)
        usable = (level < LARGEST) & (squares > 1e-24 * len(y) * level * level)
    errors = np.where(usable & np.isfinite(errors), errors, np.inf)
    # The difference above loses its digits where the fit is nearly perfect: there the residuals are summed.
    for row in np.flatnonzero(errors < 1e-6):
        residual = centred_y - products[row] / squares[row] * centred[row]
        errors[row] = residual @ residual / total
    return errors


def scale(values: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The a and b that bring a + b f nearest to y in the least-squares sense; b is 0 where f is constant."""
    with np.errstate(all="ignore"):
        centred = values - values.mean()
        square = float(centred @ centred)
    if not 0 < square < LARGEST**2:
        return float(y.mean()), 0.0
    slope = float(centred @ (y - y.mean())) / square
    return float(y.mean() - slope * values.mean()), slope
