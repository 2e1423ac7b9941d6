"""Whether a formula is the law itself: SRBench's symbolic solution (La Cava et al. 2021), decided without guessing.

A formula is a solution where its difference from the law, or its ratio to it, simplifies to a constant. Constants that
were fitted in floating point are first replaced by the plain numbers that they stand for. Then difference and ratio
are computed at random points of the law's domain in 50 digits: one that is not constant is told apart at once, one that
is agrees in more digits than any coincidence. A simplification by rewriting may miss an identity, and may never end.
Where a formula holds more constants than it needs, they stand for no plain numbers one by one: then it must agree with
the law to the digits of floating point, also far outside the domain, where whatever is fitted parts from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from plugins.symbolic.programs import Program, arity, constants, evaluate
from plugins.symbolic.refinement import FAMILIAR

_DIGITS = 50
_POINTS = 12
_ROUNDING = 1e-8
_AGREE = mpmath.mpf(10) ** -30


def is_equivalent(program: Program, truth: Program, x: np.ndarray) -> bool:
    """Whether the program is the law up to an added or a multiplied constant; ``x`` are rows in the law's domain."""
    rows = x[np.random.default_rng(0).permutation(len(x))[:_POINTS]]
    if not _nearly_constant(program, truth, x, 1e-4):
        return False
    return _precisely_constant(program, truth, rows) or (
        _nearly_constant(program, truth, x, _ROUNDING) and _nearly_constant(program, truth, _widened(x), _ROUNDING)
    )


def _precisely_constant(program: Program, truth: Program, rows: np.ndarray) -> bool:
    """The question in many digits, with the plain numbers that constants stand for."""
    with mpmath.workdps(_DIGITS):
        plain = [plain_number(value) for value in constants(program)]
        lawful = [plain_number(value) for value in constants(truth)]
        found = [_precise(program, plain, row) for row in rows]
        known = [_precise(truth, lawful, row) for row in rows]
        if any(value is None for value in [*found, *known]):
            return False
        differences = [a - b for a, b in zip(found, known, strict=True)]
        if _constant(differences, known):
            return True
        if any(b == 0 for b in known):
            return False
        return _constant([a / b for a, b in zip(found, known, strict=True)], None)


def _widened(x: np.ndarray) -> np.ndarray:
    """Rows in three times the range of each variable; a positive one stays so."""
    low, high = x.min(axis=0), x.max(axis=0)
    beyond = np.where(low >= 0, low / 3, 2 * low - high)
    return np.random.default_rng(1).uniform(beyond, 2 * high - low, (1000, x.shape[1]))


def _nearly_constant(program: Program, truth: Program, x: np.ndarray, tolerance: float) -> bool:
    """The question in floating point, where both are defined: most wrong formulas fail it."""
    found, known = evaluate(program, x), evaluate(truth, x)
    usable = np.isfinite(found) & np.isfinite(known)
    if usable.sum() < _POINTS or usable.sum() < 0.9 * np.isfinite(known).sum():
        return False
    found, known = found[usable], known[usable]
    with np.errstate(all="ignore"):
        difference = np.ptp(found - known) / max(float(np.ptp(known)), 1e-300)
        ratio = found / known
        spread = np.ptp(ratio) / max(abs(float(np.mean(ratio))), 1e-300)
    return bool(difference < tolerance or spread < tolerance)


def plain_number(value: float, tolerance: float = 2e-7) -> Any:
    """The plain number that a fitted constant stands for, in full precision: a fraction, or one times a power of pi."""
    if value == 0:
        return mpmath.mpf(0)
    exact = [mpmath.mpf(1), mpmath.pi, 1 / mpmath.pi, mpmath.pi**2, 1 / mpmath.pi**2, mpmath.sqrt(mpmath.pi),
             mpmath.sqrt(2 * mpmath.pi), 1 / mpmath.sqrt(2 * mpmath.pi), mpmath.sqrt(2)]  # fmt: skip
    for largest in (12, 100, 1000):
        for rough, factor in zip(FAMILIAR, exact, strict=True):
            fraction = Fraction(value / rough).limit_denominator(largest)
            if fraction and math.isclose(float(fraction) * rough, value, rel_tol=tolerance):
                return factor * fraction.numerator / fraction.denominator
    return mpmath.mpf(value)


def _precise(program: Program, numbers: Sequence[Any], row: np.ndarray) -> Any:
    """The value at one row in mpmath's precision; None where it is not real and finite."""
    remaining = list(numbers)  # taken from the end, as the tokens are
    stack: list[Any] = []
    try:
        for token in reversed(program):
            if isinstance(token, str):
                stack.append(_PRECISE[token](*(stack.pop() for _ in range(arity(token)))))
            elif isinstance(token, int):
                stack.append(mpmath.mpf(float(row[token])))
            else:
                stack.append(remaining.pop())
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
    value = stack[0]
    return value if mpmath.isfinite(value) and not isinstance(value, mpmath.mpc) else None


def _constant(values: Sequence[Any], scale: Sequence[Any] | None) -> bool:
    largest = max(abs(value) for value in scale or values)
    return bool(max(values) - min(values) <= _AGREE * max(largest, 1))


def _real(value: Any) -> Any:
    if isinstance(value, mpmath.mpc):
        raise ValueError("not a real number")
    return value


_PRECISE: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pdiv": lambda a, b: a / b,
    "pow": lambda a, b: _real(a**b),
    "neg": lambda a: -a,
    "inv": lambda a: 1 / a,
    "pinv": lambda a: 1 / a,
    "square": lambda a: a * a,
    "sqrt": lambda a: _real(mpmath.sqrt(a)),
    "psqrt": lambda a: mpmath.sqrt(abs(a)),
    "exp": mpmath.exp,
    "log": lambda a: _real(mpmath.log(a)),
    "plog": lambda a: mpmath.log(abs(a)),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "tanh": mpmath.tanh,
    "asin": lambda a: _real(mpmath.asin(a)),
    "acos": lambda a: _real(mpmath.acos(a)),
    "atan": mpmath.atan,
    "abs": abs,
    "max": max,
    "min": min,
}
