"""Formulas that regression finds without any evolution: power laws, and quotients of polynomials.

They join the first population: the power law nearest to the target y, and quotients of polynomials that are exactly
g(y) for a few functions g.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement

import numpy as np
from scipy.linalg import qr, solve_triangular

from plugins.symbolic.engine import semantic
from plugins.symbolic.programs import Program

OUTER: tuple[tuple[str, ...], ...] = ((), ("sqrt",), ("exp",), ("log",), ("square",))
"""Functions around a quotient, the outermost first."""
DEGREES = ((1, 0), (2, 0), (1, 1), (2, 1), (2, 2), (3, 0), (3, 1), (3, 3), (4, 0), (4, 2), (4, 4), (5, 0), (6, 0),
           (6, 2), (9, 0))  # fmt: skip
"""Degrees of numerator and denominator, in the order in which they are tried."""
_MOST_COLUMNS = 230
_NOTHING = 1e-13
"""What is left of a column beside the others, relative to its length, where it depends on them but for rounding."""


def seeds(x: np.ndarray, y: np.ndarray, names: frozenset[str], late: Callable[[], bool]) -> Iterator[Program]:
    """Power laws, and the first quotient of polynomials that is exact, as far as the functions in ``names`` can say.

    ``late`` says when to stop trying.
    """
    if not {"mul", "add", "div"} <= names or len(y) < 8:
        return
    yield from power_laws(x, y)
    targets = {
        outer: wanted for outer in OUTER if set(outer) <= names and (wanted := seen_through(outer, y)) is not None
    }
    for above, below in DEGREES:
        for outer, wanted in targets.items():
            if late():
                return
            program = rational(x, wanted, above, below)
            if program is not None:
                yield (*outer, *program)
                return


def seen_through(outer: tuple[str, ...], y: np.ndarray) -> np.ndarray | None:
    """What stands inside ``outer`` where the whole is y; None where no number does."""
    wanted = y
    with np.errstate(all="ignore"):
        for name in outer:
            wanted, _ = semantic.invert(name, False, wanted, None, np.ones_like(y))
    return wanted if np.isfinite(wanted).all() and np.abs(wanted).max() < 1e12 else None


def power_laws(x: np.ndarray, y: np.ndarray) -> Iterator[Program]:
    """The product of powers of the variables that fits log y best, with exponents that are halves."""
    usable = (x > 0).all(axis=0)
    if not usable.any() or not ((y > 0).all() or (y < 0).all()) or len(y) < usable.sum() + 2:
        return
    columns = np.flatnonzero(usable)
    design = np.column_stack([np.log(x[:, columns]), np.ones(len(y))])
    powers = np.round(2 * np.linalg.lstsq(design, np.log(np.abs(y)), rcond=None)[0][:-1]) / 2
    exponents = {int(column): power for column, power in zip(columns, powers, strict=True) if 0 < abs(power) <= 4}
    if exponents:
        yield product(exponents)


def product(exponents: dict[int, float]) -> Program:
    """A product of powers of variables; exponents are multiples of a half."""
    above = _chain([p for column, power in exponents.items() if power > 0 for p in _powers(column, power)])
    below = _chain([p for column, power in exponents.items() if power < 0 for p in _powers(column, -power)])
    if not below:
        return above or (1.0,)
    return ("div", *above, *below) if above else ("inv", *below)


def _powers(column: int, power: float) -> list[Program]:
    """Factors whose product is a variable to a positive multiple of a half."""
    whole, factors = int(power), []
    if power != whole:
        factors.append(("sqrt", column))
    factors += [("square", "square", column)] * (whole // 4) + [("square", column)] * (whole % 4 // 2)
    return factors + [(column,)] * (whole % 2)


def _chain(factors: list[Program]) -> Program:
    result: Program = ()
    for factor in factors:
        result = ("mul", *result, *factor) if result else factor
    return result


def rational(x: np.ndarray, wanted: np.ndarray, above: int, below: int) -> Program | None:
    """The quotient of two polynomials of these degrees that is ``wanted``; None where there is none, or rows are few.

    wanted = P / Q is linear in the coefficients of P - wanted Q = 0: where the columns x^p and wanted x^q depend on one
    another, the dependence is the law. Columns are taken away as long as the rest still depend.
    """
    rows, count = x.shape
    if math.comb(count + above, above) + math.comb(count + below, below) > min(rows - 4, _MOST_COLUMNS):
        return None
    tops, bottoms = _monomials(count, above), _monomials(count, below)
    some = slice(len(tops) + len(bottoms) + 30)
    columns = np.array(
        [*(_values(x[some], term) for term in tops), *(wanted[some] * _values(x[some], term) for term in bottoms)]
    )
    norms = np.linalg.norm(columns, axis=1)
    if not np.isfinite(norms).all() or (norms == 0).any():
        return None
    found = _dependence(columns / norms[:, None], len(tops))
    if found is None:
        return None
    kept, weights = found
    weights = weights / norms[kept]
    terms = list(zip([([*tops, *bottoms])[place] for place in kept], weights, kept, strict=True))
    unit = max((weight for _, weight, place in terms if place >= len(tops)), key=abs, default=0.0)
    if not unit:
        return None
    numerator = _sum([(term, -weight / unit) for term, weight, place in terms if place < len(tops)])
    denominator = _sum([(term, weight / unit) for term, weight, place in terms if place >= len(tops)])
    if not numerator:
        return None
    return numerator if str(denominator) == "(1.0,)" else ("div", *numerator, *denominator)


def _monomials(count: int, degree: int) -> list[tuple[int, ...]]:
    return [term for size in range(degree + 1) for term in combinations_with_replacement(range(count), size)]


def _values(x: np.ndarray, term: tuple[int, ...]) -> np.ndarray:
    return np.prod(x[:, list(term)], axis=1) if term else np.ones(len(x))


def _dependence(columns: np.ndarray, tops: int) -> tuple[list[int], np.ndarray] | None:
    """Few columns that depend linearly on one another, one of them at least from ``tops`` on, and their weights."""
    kept = list(range(len(columns)))
    weights = _null(columns)
    if weights is None:
        return None
    dropped = len(kept) // 2
    while dropped:
        order = np.argsort(np.abs(weights), kind="stable")
        trial = sorted(kept[place] for place in order[dropped:])
        tried = _null(columns[trial]) if any(place >= tops for place in trial) else None
        if tried is None:
            dropped //= 2
        else:
            kept, weights = trial, tried
            dropped = min(dropped, len(kept) // 2)
    return kept, weights


def _null(columns: np.ndarray) -> np.ndarray | None:
    """A vector that the columns map to nothing, its largest part 1, or None where they are independent."""
    if len(columns) < 2:
        return None
    triangle, order = qr(columns.T, mode="r", pivoting=True, check_finite=False)
    triangle = triangle[: len(columns)]
    level = np.abs(np.diag(triangle))
    if level[-1] > _NOTHING * level[0]:
        return None
    rank = int(np.argmax(level <= _NOTHING * level[0]))
    vector = np.zeros(len(columns))
    vector[order[rank]] = -1.0
    vector[order[:rank]] = solve_triangular(triangle[:rank, :rank], triangle[:rank, rank], check_finite=False)
    return vector / np.abs(vector).max()


def _sum(terms: list[tuple[tuple[int, ...], float]]) -> Program:
    """Weights times products of variables; a weight that is a half-integer but for rounding is written so."""
    result: Program = ()
    for term, weight in terms:
        exponents = {column: float(term.count(column)) for column in dict.fromkeys(term)}
        nearest = round(2 * weight) / 2
        value = nearest if abs(weight - nearest) < 1e-7 and nearest else float(weight)
        if not exponents:
            part: Program = (value,)
        else:
            part = product(exponents) if value == 1 else ("mul", value, *product(exponents))
        result = ("add", *result, *part) if result else part
    return result
