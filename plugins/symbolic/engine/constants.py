"""Constants by Levenberg-Marquardt with analytic derivatives, the linear scaling solved exactly at every step.

The scaling makes it a separable least-squares problem (variable projection; Kaufman's (1975) approximation of the
Jacobian): only the constants inside the formula are searched.
"""

from __future__ import annotations

import numpy as np

from plugins.symbolic.programs import Program, constants, gradient, with_constants

_IDLE = 1e-7


def refine(program: Program, x: np.ndarray, y: np.ndarray, iterations: int) -> tuple[Program, float]:
    """The program with better constants, and its 1 - r^2 with ``y``; the same program where nothing was gained."""
    theta = np.array(constants(program))
    state = _linearised(program, theta, x, y)
    if state is None:
        return program, np.inf
    error, residual, jacobian = state
    damping = 1e-3
    for _ in range(iterations):
        if len(theta) == 0 or error < 1e-30:
            break
        normal = jacobian @ jacobian.T
        right = jacobian @ residual
        diagonal = np.diag(normal).copy()
        diagonal[diagonal == 0] = 1.0
        try:
            step = np.linalg.solve(normal + damping * np.diag(diagonal), right)
        except np.linalg.LinAlgError:
            break
        tried = _linearised(program, theta + step, x, y)
        if tried is not None and tried[0] < error:
            gain = 1 - tried[0] / error
            theta = theta + step
            error, residual, jacobian = tried
            damping = max(damping / 10, 1e-12)
            if gain < 1e-4:
                break
        else:
            damping *= 10
            if damping > 1e8:
                break
    return with_constants(program, theta), error


def _linearised(
    program: Program, theta: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray] | None:
    """The relative error, the residuals, and the projected Jacobian; None where the program is not finite."""
    value, slopes = gradient(with_constants(program, theta), x)
    with np.errstate(all="ignore"):
        centred = value - value.mean()
        square = centred @ centred
        if not np.isfinite(square) or square <= 0 or not np.isfinite(slopes).all():
            return None
        centred_y = y - y.mean()
        slope = centred @ centred_y / square
        residual = centred_y - slope * centred
        jacobian = slope * (slopes - slopes.mean(axis=1, keepdims=True))
        lengths = np.linalg.norm(jacobian, axis=1)
        jacobian = jacobian - np.outer(jacobian @ centred / square, centred)
        # A constant that only scales or shifts the whole has nothing left but rounding, which must not steer it.
        jacobian[np.linalg.norm(jacobian, axis=1) < _IDLE * lengths] = 0.0
        error = float(residual @ residual / (centred_y @ centred_y))
    if not np.isfinite(error) or not (np.abs(jacobian) < 1e100).all():
        return None
    return error, residual, jacobian
