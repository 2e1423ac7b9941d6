"""Formulas as one would write them: constants joined and in front, no neutral ones, minus for what is negative."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from plugins.symbolic.programs import Program, arguments, evaluate, variables


def folded(program: Program) -> Program:
    """The same function, never longer: 3.5 + y*x - 2*z for y*x + (3 + (-2*z + 0.5)), x/(2 + z) for 3*x/(6 + 3*z)."""
    token = program[0]
    if not isinstance(token, str):
        return program
    parts = [folded(argument) for argument in arguments(program)]
    result: Program = (token, *(inner for part in parts for inner in part))
    if not variables(result):
        value = float(evaluate(result, np.zeros((1, 1)))[0])
        return (value,) if math.isfinite(value) else result
    if token in ("add", "sub"):
        return _sum(result)
    if token in ("mul", "neg"):
        return _product(result)
    return _quotient(*parts) if token == "div" else result


def _sum(program: Program) -> Program:
    """The constants of a sum as one, before what is added and what is subtracted."""
    constant = 0.0
    added: list[Program] = []
    taken: list[Program] = []
    for sign, part in _terms(program, 1):
        if isinstance(part[0], float):
            constant += sign * part[0]
        elif _factor(part) < 0:
            (taken if sign > 0 else added).append(_times(-1.0, part))
        else:
            (added if sign > 0 else taken).append(part)
    if constant:
        added.insert(0, (constant,))
    if not added:
        # The one that has a constant takes the sign without growing.
        first = max(taken, key=lambda part: _factor(part) != 1)
        taken.remove(first)
        added = [_times(-1.0, first)]
    result = added[0]
    for part in added[1:]:
        result = ("add", *result, *part)
    for part in taken:
        result = ("sub", *result, *part)
    return result


def _terms(program: Program, sign: int) -> Iterator[tuple[int, Program]]:
    """What is added (1) or subtracted (-1) in nested sums."""
    if program[0] not in ("add", "sub", "neg"):
        yield sign, program
        return
    first, *second = arguments(program)
    yield from _terms(first, -sign if program[0] == "neg" else sign)
    for part in second:
        yield from _terms(part, sign if program[0] == "add" else -sign)


def _product(program: Program) -> Program:
    """The constants of a product as one, in front, or within a sum of which every term has a constant anyway."""
    factors = list(_factors(program))
    constant = math.prod(part[0] for part in factors if isinstance(part[0], float))
    first, *others = [part for part in factors if not isinstance(part[0], float)]
    for part in others:
        first = ("mul", *first, *part)
    return _times(constant, first)


def _factors(program: Program) -> Iterator[Program]:
    """What is multiplied in nested products."""
    if program[0] not in ("mul", "neg"):
        yield program
        return
    if program[0] == "neg":
        yield (-1.0,)
    for part in arguments(program):
        yield from _factors(part)


def _quotient(above: Program, below: Program) -> Program:
    """One constant at most, above, or within a sum of which every term has a constant anyway."""
    if isinstance(below[0], float) and _within_reach(below[0]):
        return _product(("mul", 1 / below[0], *above))
    if abs(factor := _factor(below)) != 1 and _within_reach(factor):
        below = _times(1 / factor, below)
        above = (above[0] / factor,) if isinstance(above[0], float) else _times(1 / factor, above)
    factor = above[0] if isinstance(above[0], float) else _factor(above)
    if factor != 1 and _within_reach(factor) and (taken := _absorbed(1 / factor, below)) is not None:
        if isinstance(above[0], float):
            return ("inv", *folded(taken))
        return ("div", *_times(1 / factor, above), *folded(taken))
    return ("div", *above, *below)


def _factor(program: Program) -> float:
    """The constant in front of a product or a quotient; 1 where there is none."""
    if program[0] not in ("mul", "div"):
        return 1.0
    first = next(arguments(program))
    return first[0] if isinstance(first[0], float) else _factor(first)


def _times(constant: float, program: Program) -> Program:
    """The constant times a program that is folded, joined with what it has in front."""
    if constant == 0:
        return (0.0,)
    if math.isclose(constant, 1, rel_tol=1e-15):
        return program
    if _within_reach(constant) and (taken := _absorbed(constant, program)) is not None:
        return folded(taken)
    if constant == -1:
        return _negative(program)
    if program[0] != "mul":
        return ("mul", constant, *program)
    left, right = arguments(program)
    return ("mul", *_times(constant, left), *right)


def _negative(program: Program) -> Program:
    """Minus what has no constant in front."""
    if program[0] == "sub":
        left, right = arguments(program)
        return ("sub", *right, *left)
    return program[1:] if program[0] == "neg" else ("neg", *program)


def _absorbed(factor: float, program: Program) -> Program | None:
    """The factor times the program, put into the constants that it holds already; None where one is missing."""
    token = program[0]
    if not _within_reach(factor):
        return None
    if isinstance(token, float):
        return (factor * token,)
    parts = list(arguments(program))
    if token in ("add", "sub"):
        taken = [_absorbed(factor, part) for part in parts]
        return None if None in taken else (token, *(inner for part in taken for inner in part or ()))
    if token in _ABSORBING and (factor > 0 or token not in ("square", "sqrt")):
        for place, power in enumerate(_ABSORBING[token]):
            if (part := _absorbed(factor**power, parts[place])) is not None:
                parts[place] = part
                return (token, *(inner for part in parts for inner in part))
    return None


_ABSORBING: dict[str, tuple[float, ...]] = {
    "mul": (1, 1), "div": (1, -1), "neg": (1,), "inv": (-1,), "square": (0.5,), "sqrt": (2,),
}  # fmt: skip
"""What becomes of a factor on its way into each argument: it is raised to this power."""


def _within_reach(factor: float) -> bool:
    """Whether its powers neither overflow nor vanish."""
    return 1e-100 < abs(factor) < 1e100
