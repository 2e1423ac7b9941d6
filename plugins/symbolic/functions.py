"""The functions that an expression may hold: how each is computed, differentiated and written elsewhere.

gplearn's protected functions (``pdiv``, ``psqrt``, ``plog``, ``pinv``) stand beside the mathematical ones, because a
formula that was found with them is another formula without them wherever the protection acts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
PROTECTED_BELOW = 0.001
"""Where gplearn's protected functions take their constant value instead."""


@dataclass(frozen=True)
class Function:
    """A function of one or two arguments.

    compute: the values from the arguments' values.
    slopes: the partial derivatives from the arguments' values and the function's own.
    """

    name: str
    arity: int
    compute: Callable[..., Array]
    slopes: Callable[[Sequence[Array], Array], tuple[Array | float, ...]]


def _protected_divide(a: Array, b: Array) -> Array:
    return np.where(np.abs(b) > PROTECTED_BELOW, np.divide(a, b), 1.0)


def _protected_log(a: Array) -> Array:
    return np.where(np.abs(a) > PROTECTED_BELOW, np.log(np.abs(a)), 0.0)


def _protected_inverse(a: Array) -> Array:
    return np.where(np.abs(a) > PROTECTED_BELOW, 1.0 / a, 0.0)


def _where_free(condition: Array, slope: Array) -> Array:
    """A protected function's slope: none where the protection acts."""
    return np.where(condition, slope, 0.0)


def _power_slopes(args: Sequence[Array], value: Array) -> tuple[Array | float, ...]:
    base, exponent = args
    # Below zero only whole exponents have a value, and so no neighbours: they stay as they are.
    return exponent * np.power(base, exponent - 1), np.where(base > 0, value * np.log(np.abs(base)), 0.0)


FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        Function("add", 2, np.add, lambda x, f: (1.0, 1.0)),
        Function("sub", 2, np.subtract, lambda x, f: (1.0, -1.0)),
        Function("mul", 2, np.multiply, lambda x, f: (x[1], x[0])),
        Function("div", 2, np.divide, lambda x, f: (1 / x[1], -f / x[1])),
        Function("pow", 2, np.power, _power_slopes),
        Function("neg", 1, np.negative, lambda x, f: (-1.0,)),
        Function("inv", 1, np.reciprocal, lambda x, f: (-f * f,)),
        Function("square", 1, np.square, lambda x, f: (2 * x[0],)),
        Function("sqrt", 1, np.sqrt, lambda x, f: (0.5 / f,)),
        Function("exp", 1, np.exp, lambda x, f: (f,)),
        Function("log", 1, np.log, lambda x, f: (1 / x[0],)),
        Function("sin", 1, np.sin, lambda x, f: (np.cos(x[0]),)),
        Function("cos", 1, np.cos, lambda x, f: (-np.sin(x[0]),)),
        Function("tan", 1, np.tan, lambda x, f: (1 + f * f,)),
        Function("tanh", 1, np.tanh, lambda x, f: (1 - f * f,)),
        Function("asin", 1, np.arcsin, lambda x, f: (1 / np.sqrt(1 - x[0] ** 2),)),
        Function("acos", 1, np.arccos, lambda x, f: (-1 / np.sqrt(1 - x[0] ** 2),)),
        Function("atan", 1, np.arctan, lambda x, f: (1 / (1 + x[0] ** 2),)),
        Function("abs", 1, np.abs, lambda x, f: (np.sign(x[0]),)),
        Function("max", 2, np.maximum, lambda x, f: (1.0 * (x[0] >= x[1]), 1.0 * (x[0] < x[1]))),
        Function("min", 2, np.minimum, lambda x, f: (1.0 * (x[0] <= x[1]), 1.0 * (x[0] > x[1]))),
        Function(
            "pdiv",
            2,
            _protected_divide,
            lambda x, f: tuple(_where_free(np.abs(x[1]) > PROTECTED_BELOW, s) for s in (1 / x[1], -f / x[1])),
        ),
        Function("psqrt", 1, lambda a: np.sqrt(np.abs(a)), lambda x, f: (0.5 * np.sign(x[0]) / f,)),
        Function("plog", 1, _protected_log, lambda x, f: (_where_free(np.abs(x[0]) > PROTECTED_BELOW, 1 / x[0]),)),
        Function("pinv", 1, _protected_inverse, lambda x, f: (_where_free(np.abs(x[0]) > PROTECTED_BELOW, -f * f),)),
    )
}
"""Every function by the name that it has in a program and in the grammar."""
