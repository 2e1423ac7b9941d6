"""What is done with a formula after the search: constants fitted on all rows, idle parts pruned, constants rounded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from plugins.symbolic.engine import constants as least_squares
from plugins.symbolic.engine import scaling
from plugins.symbolic.folding import folded
from plugins.symbolic.programs import Program, arguments, constants, end, evaluate, variables, with_constants

EXACT = 1e-20
"""A relative error that only rounding is left of."""
NOISE = 1e-10
"""A larger relative error is not what a search left of a law without noise."""
FAMILIAR = (1.0, math.pi, 1 / math.pi, math.pi**2, 1 / math.pi**2, math.sqrt(math.pi), math.sqrt(2 * math.pi),
            1 / math.sqrt(2 * math.pi), math.sqrt(2))  # fmt: skip
"""Factors that laws of nature hold beside small fractions."""


def relative_error(program: Program, x: np.ndarray, y: np.ndarray) -> float:
    """The mean squared error over the variance of ``y``; infinite where the formula is not finite."""
    values = evaluate(program, x)
    with np.errstate(all="ignore"):
        error = float(np.mean((values - y) ** 2) / np.var(y))
    return error if math.isfinite(error) else math.inf


def scaled(program: Program, x: np.ndarray, y: np.ndarray) -> Program:
    """a + b f with the best a and b, each left out where it changes nothing beyond rounding."""
    values = evaluate(program, x)
    if len(program) == 1 and isinstance(program[0], float):
        return (float(y.mean()),)
    intercept, slope = scaling.scale(values, y)
    largest = float(np.abs(y).max())
    result = program
    if abs(slope - 1) > 1e-9:
        result = ("mul", slope, *program)
    if abs(intercept) > 1e-9 * largest:
        result = ("add", intercept, *result)
    return folded(result)


def refit(program: Program, x: np.ndarray, y: np.ndarray, iterations: int = 30) -> tuple[Program, float]:
    """The formula with its constants fitted to all rows, and its relative error; never worse than before."""
    fitted, _ = least_squares.refine(program, x, y, iterations)
    candidates = [program, scaled(fitted, x, y)]
    errors = [relative_error(candidate, x, y) for candidate in candidates]
    best = int(np.argmin(errors))
    return candidates[best], errors[best]


def prune(program: Program, x: np.ndarray, y: np.ndarray, slack: float = 1.02) -> tuple[Program, float]:
    """The formula without the parts that do nothing: parts are hoisted or made constant while the error stays.

    The error may grow by the factor ``slack`` in all, and below ``EXACT`` freely.
    """
    program, error = refit(folded(program), x, y)
    allowed = max(error * slack, EXACT)
    shrunk = True
    while shrunk and len(program) > 1:
        shrunk = False
        candidates = {str(shorter): shorter for shorter in _shorter(program, x)}
        for shorter in sorted(candidates.values(), key=lambda p: (len(p), str(p))):
            if len(shorter) >= len(program):
                break
            # Refitting puts an intercept in wherever noise has one: without it may do as well.
            fits = (refit(shorter, x, y, 12), proportional(shorter, x, y))
            good = [fit for fit in fits if fit[1] <= allowed and len(fit[0]) < len(program)]
            if good:
                program, error = min(good, key=lambda fit: len(fit[0]))
                shrunk = True
                break
    return program, error


def proportional(program: Program, x: np.ndarray, y: np.ndarray) -> tuple[Program, float]:
    """b f with the best b, and its relative error."""
    values = evaluate(program, x)
    with np.errstate(all="ignore"):
        slope = float(values @ y / (values @ values))
    if not math.isfinite(slope) or slope == 0:
        return program, math.inf
    result = folded(program if abs(slope - 1) <= 1e-9 else ("mul", slope, *program))
    return result, relative_error(result, x, y)


def steady(program: Program, x: np.ndarray, y: np.ndarray) -> bool:
    """Whether the formula stays finite and near the target's range where variables take one another's rows.

    One with a pole between the rows fits them, and fails at the next (Keijzer 2003 looks for them by intervals).
    """
    rng = np.random.default_rng(0)
    if not (used := variables(program)):
        return True
    mixed = np.concatenate([np.column_stack([rng.permutation(x[:, column]) for column in used]) for _ in range(5)])
    values = evaluate(tuple(used.index(token) if isinstance(token, int) else token for token in program), mixed)
    low, high, spread = y.min(), y.max(), np.ptp(y)
    return bool(np.isfinite(values).all() and low - spread <= values.min() and values.max() <= high + spread)


def _shorter(program: Program, x: np.ndarray) -> Iterator[Program]:
    """The program with one function replaced by one of its arguments, or by a constant."""
    for start, token in enumerate(program):
        if not isinstance(token, str):
            continue
        stop = end(program, start)
        part = program[start:stop]
        for argument in arguments(part):
            yield program[:start] + argument + program[stop:]
        with np.errstate(all="ignore"):
            level = float(np.median(evaluate(part, x)))
        if math.isfinite(level) and variables(part):
            yield (*program[:start], level, *program[stop:])


def rounded(program: Program, x: np.ndarray, y: np.ndarray, slack: float = 1.001) -> Program:
    """The formula with each constant as plain as the error allows: a small fraction, one times pi, or fewer digits."""
    error = relative_error(program, x, y)
    allowed = max(error * slack, EXACT)
    values = constants(program)
    for place in range(len(values)):
        for plain in plainer(values[place], noisy=error > NOISE):
            tried = [*values[:place], plain, *values[place + 1 :]]
            fitted = with_constants(program, tried)
            if relative_error(fitted, x, y) <= allowed:
                values = tried
                break
    return folded(with_constants(program, values))


def plainer(value: float, noisy: bool) -> Iterator[float]:
    """Numbers near a constant, plainest first; it is itself the last resort and not among them.

    Where the constant is known to a few digits only, a multiple of something is always near and says nothing: then it
    may be of pi alone, must be very near, and a simple one.
    """
    familiar = FAMILIAR[:2] if noisy else FAMILIAR
    for largest in (1, 4) if noisy else (1, 4, 12):
        for factor in familiar if largest > 1 else (1.0,):
            near, most = (1e-3, 12) if noisy and factor != 1 else (1e-2, 1000)
            fraction = Fraction(value / factor).limit_denominator(largest)
            if (
                fraction
                and abs(float(fraction) * factor - value) < near * abs(value)
                and abs(fraction.numerator) < most
            ):
                yield float(fraction) * factor
    yield 0.0
    for digits in range(2, 13):
        yield float(f"{value:.{digits}g}")
