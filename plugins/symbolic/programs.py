"""Programs: formulas as gplearn keeps them, flattened in prefix order.

A token is a function's name, a variable's number (int) or a constant (float): ``("add", 0, "sin", 1.5)`` is
x0 + sin(1.5).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from plugins.symbolic.functions import FUNCTIONS

Token = str | int | float
Program = tuple[Token, ...]


def arity(token: Token) -> int:
    """How many arguments follow a token."""
    return FUNCTIONS[token].arity if isinstance(token, str) else 0


def end(program: Program, start: int = 0) -> int:
    """The position behind the subtree that begins at ``start``."""
    missing = 1
    while missing:
        missing += arity(program[start]) - 1
        start += 1
    return start


def arguments(program: Program) -> Iterator[Program]:
    """The subtrees below the root."""
    start = 1
    while start < len(program):
        stop = end(program, start)
        yield program[start:stop]
        start = stop


def evaluate(program: Program, x: np.ndarray) -> np.ndarray:
    """The formula's values, shape (n,), at the rows of ``x``, shape (n, variables); nan or inf where undefined."""
    with np.errstate(all="ignore"):
        stack: list[np.ndarray] = []
        for token in reversed(program):
            if isinstance(token, str):
                function = FUNCTIONS[token]
                stack.append(function.compute(*(stack.pop() for _ in range(function.arity))))
            elif isinstance(token, int):
                stack.append(x[:, token])
            else:
                stack.append(np.full(len(x), token))
        return stack[0].astype(float)


def gradient(program: Program, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values, shape (n,), and their derivatives by each constant in order, shape (constants, n); reverse mode."""
    with np.errstate(all="ignore"):
        count = len(program)
        values: list[np.ndarray | float] = [0.0] * count
        children: list[tuple[int, ...]] = [()] * count
        holds = [False] * count  # whether there is a constant below: the rest needs no derivative
        open_: list[int] = []
        for place in range(count - 1, -1, -1):
            token = program[place]
            if isinstance(token, str):
                function = FUNCTIONS[token]
                below = (open_.pop(), open_.pop()) if function.arity == 2 else (open_.pop(),)
                children[place] = below
                values[place] = function.compute(*[values[child] for child in below])
                holds[place] = holds[below[0]] or holds[below[-1]]
            elif isinstance(token, int):
                values[place] = x[:, token]
            else:
                # A number of numpy's: Python's own raise where these give infinity, as for one over zero.
                values[place] = np.float64(token)
                holds[place] = True
            open_.append(place)
        adjoints: list[np.ndarray | float] = [np.float64(1)] * count
        slopes = np.empty((len(constants(program)), len(x)))
        number = 0
        for place, token in enumerate(program):
            if not holds[place]:
                continue
            if isinstance(token, str):
                below = children[place]
                partials = FUNCTIONS[token].slopes([values[child] for child in below], values[place])
                for child, partial in zip(below, partials, strict=True):
                    if holds[child]:
                        one = isinstance(partial, float) and partial == 1
                        adjoints[child] = adjoints[place] if one else adjoints[place] * partial
            else:
                slopes[number] = adjoints[place]
                number += 1
        return np.broadcast_to(np.asarray(values[0], float), len(x)), slopes


def constants(program: Program) -> list[float]:
    """The constants in order."""
    return [token for token in program if isinstance(token, float)]


def with_constants(program: Program, values: np.ndarray | list[float]) -> Program:
    """The program with other constants, in order."""
    remaining = iter(values)
    return tuple(float(next(remaining)) if isinstance(token, float) else token for token in program)


def variables(program: Program) -> list[int]:
    """The numbers of the variables that occur, in rising order."""
    return sorted({token for token in program if isinstance(token, int)})
