"""Formulas as one would write them: constants joined and in front, one fraction bar, minus for what is negative."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from plugins.symbolic.programs import Program, arguments, evaluate, variables


def folded(program: Program) -> Program:
    """The same function, never longer: 3.5 + y*x - 2*z for y*x + (3 + (-2*z + 0.5)), x/(2 + z) for 3*(x/(6 + 3*z))."""
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
    return _product(result) if token in ("mul", "div", "neg", "inv") else result


def _sum(program: Program) -> Program:
    """The constants of a sum as one, before what is added and what is subtracted."""
    constant = 0.0
    added: list[Program] = []
    taken: list[Program] = []
    for sign, part in _terms(program, 1):
        if isinstance(part[0], float):
            constant += sign * part[0]
        elif _factor(part) < 0:
            (taken if sign > 0 else added).append(_product(("neg", *part)))
        else:
            (added if sign > 0 else taken).append(part)
    if constant:
        added.insert(0, (constant,))
    if not added:
        # The one that has a constant takes the sign without growing.
        first = max(taken, key=lambda part: _factor(part) != 1)
        taken.remove(first)
        added = [_product(("neg", *first))]
    result = _chain("add", added)
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


def _factor(program: Program) -> float:
    """The constant in front of a product or a quotient; 1 where there is none."""
    while program[0] in ("mul", "div"):
        program = next(arguments(program))
    return program[0] if isinstance(program[0], float) else 1.0


def _product(program: Program) -> Program:
    """What is multiplied over what it is divided by, the constants as one, in front."""
    constant = 1.0
    above: list[Program] = []
    below: list[Program] = []
    for part, over in _factors(program, True):
        if not isinstance(part[0], float):
            (above if over else below).append(part)
        elif over:
            constant *= part[0]
        elif _within_reach(part[0]):
            constant /= part[0]
        else:
            below.append(part)
    if constant == 0:
        return (0.0,)
    constant = _taken_in(constant, above, below)
    if constant == -1 and _turned(above, below):
        constant = 1.0
    front = [(constant,)] if abs(constant) != 1 or (below and not above and constant != 1) else []
    top, bottom = _chain("mul", [*front, *above]), _chain("mul", below)
    result = top if not below else ("div", *top, *bottom) if top else ("inv", *bottom)
    return ("neg", *result) if constant == -1 and not front else result


def _factors(program: Program, over: bool) -> Iterator[tuple[Program, bool]]:
    """The factors of nested products and quotients, and whether they are above the fraction bar."""
    token = program[0]
    if token not in ("mul", "div", "neg", "inv"):
        yield program, over
        return
    if token == "neg":
        yield (-1.0,), True
    first, *second = arguments(program)
    yield from _factors(first, over != (token == "inv"))
    for part in second:
        yield from _factors(part, over != (token == "div"))


def _chain(name: str, parts: Sequence[Program]) -> Program:
    result: Program = ()
    for part in parts:
        result = (name, *result, *part) if result else part
    return result


def _turned(above: list[Program], below: list[Program]) -> bool:
    """Whether one of the factors was a difference, and now has the other sign."""
    for parts in (above, below):
        for place, part in enumerate(parts):
            if part[0] == "sub":
                left, right = arguments(part)
                parts[place] = ("sub", *right, *left)
                return True
    return False


def _taken_in(constant: float, above: list[Program], below: list[Program]) -> float:
    """What is left of the constant: 1 where one of the factors is a sum of which every term has a constant anyway."""
    if math.isclose(constant, 1, rel_tol=1e-15):
        return 1.0
    for parts, factor in ((above, constant), (below, 1 / constant)):
        for place, part in enumerate(parts):
            if (taken := _absorbed(factor, part)) is not None:
                parts[place] = folded(taken)
                return 1.0
    return constant


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
