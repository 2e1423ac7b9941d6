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
        open_: list[int] = []
        for place in range(count - 1, -1, -1):
            token = program[place]
            if isinstance(token, str):
                function = FUNCTIONS[token]
                below = tuple(open_.pop() for _ in range(function.arity))
                children[place] = below
                values[place] = function.compute(*(values[child] for child in below))
            else:
                # A number of numpy's: Python's own raise where these give infinity, as for one over zero.
                values[place] = x[:, token] if isinstance(token, int) else np.float64(token)
            open_.append(place)
        adjoints: list[np.ndarray | float] = [np.float64(1)] * count
        slopes_by_constant = []
        for place, token in enumerate(program):
            if isinstance(token, str):
                below = children[place]
                slopes = FUNCTIONS[token].slopes([values[child] for child in below], values[place])
                for child, slope in zip(below, slopes, strict=True):
                    adjoints[child] = adjoints[place] * slope
            elif isinstance(token, float):
                slopes_by_constant.append(np.broadcast_to(adjoints[place], len(x)))
        value = np.broadcast_to(np.asarray(values[0], float), len(x))
        return value, np.array(slopes_by_constant).reshape(-1, len(x))


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
