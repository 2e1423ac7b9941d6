"""Whether a formula's units agree: lengths are added to lengths, and a sine is taken of a number.

Units are texts such as ``m``, ``kg*m/s^2``, ``1/s`` or ``1`` for plain numbers; any name that is not known stands for a
base unit of its own (``euro``). A constant may carry whatever unit is missing, unless it is said to be a number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from pipeline.errors import DataError
from plugins.symbolic.programs import Program, arity

Dimension = dict[str, Fraction]
"""Exponents by base unit, none of them 0; a plain number has none."""

_DERIVED = {
    "Hz": "1/s", "N": "kg*m/s^2", "Pa": "kg/m/s^2", "J": "kg*m^2/s^2", "W": "kg*m^2/s^3", "C": "A*s",
    "V": "kg*m^2/s^3/A", "F": "A^2*s^4/kg/m^2", "ohm": "kg*m^2/s^3/A^2", "T": "kg/s^2/A", "Wb": "kg*m^2/s^2/A",
    "H": "kg*m^2/s^2/A^2", "rad": "1",
}  # fmt: skip
"""SI units in base units (BIPM, The International System of Units, 9th edition, table 4)."""
_FACTOR = re.compile(r"(?P<name>[^\W\d]\w*|1)(?:(?:\^|\*\*)(?P<power>-?\d+(?:/\d+)?|\(-?\d+(?:/\d+)?\)))?")
_SAME = frozenset({"add", "sub", "max", "min"})
_NUMBERS = frozenset({"exp", "log", "plog", "sin", "cos", "tan", "tanh", "asin", "acos", "atan"})
_POWERS = {"square": Fraction(2), "sqrt": Fraction(1, 2), "psqrt": Fraction(1, 2), "inv": Fraction(-1),
           "pinv": Fraction(-1), "neg": Fraction(1), "abs": Fraction(1)}  # fmt: skip


def read(text: str) -> Dimension:
    """The dimension of a unit; DataError where the text is none."""
    rest, sign = text.replace(" ", ""), 1
    result: Dimension = {}
    while True:
        match = _FACTOR.match(rest)
        if match is None:
            raise DataError(f"the unit {text!r} cannot be read. Write it like kg*m/s^2, or 1 for a plain number.")
        power = sign * Fraction((match["power"] or "1").strip("()"))
        name = match["name"]
        if name in _DERIVED:
            result = times(result, read(_DERIVED[name]), power)
        elif name != "1":
            result = times(result, {name: Fraction(1)}, power)
        rest = rest[match.end() :]
        if not rest:
            return result
        if rest[0] not in "*/":
            raise DataError(f"the unit {text!r} cannot be read at {rest!r}. Write it like kg*m/s^2.")
        sign, rest = (1 if rest[0] == "*" else -1), rest[1:]


def times(left: Dimension, right: Dimension, power: Fraction | int = 1) -> Dimension:
    """left * right**power."""
    names = {**left, **right}
    found = {name: left.get(name, Fraction(0)) + power * right.get(name, Fraction(0)) for name in names}
    return {name: exponent for name, exponent in found.items() if exponent}


def agree(
    program: Program, variables: Sequence[Dimension | None], target: Dimension | None, free_constants: bool = True
) -> bool:
    """Whether a formula has the target's dimension and nothing in it clashes; None stands for an unknown dimension."""
    try:
        found = _dimension(program, variables, free_constants)
    except _Clash:
        return False
    return found is None or target is None or found == target


class _Clash(Exception):
    """Units that do not go together."""


def _dimension(program: Program, variables: Sequence[Dimension | None], free_constants: bool) -> Dimension | None:
    """The dimension of a formula, None where a constant or an unknown can make it any."""
    stack: list[tuple[Dimension | None, float | None]] = []
    for token in reversed(program):
        if isinstance(token, str):
            stack.append((_of(token, [stack.pop() for _ in range(arity(token))]), None))
        elif isinstance(token, int):
            stack.append((variables[token], None))
        else:
            # Zero has every dimension.
            stack.append((None if free_constants or token == 0 else {}, token))
    return stack[0][0]


def _of(name: str, given: list[tuple[Dimension | None, float | None]]) -> Dimension | None:
    dimensions = [dimension for dimension, _ in given]
    known = [dimension for dimension in dimensions if dimension is not None]
    if name in _SAME:
        if len(known) == 2 and known[0] != known[1]:
            raise _Clash
        return known[0] if known else None
    if name in _NUMBERS:
        if known and known[0]:
            raise _Clash
        return {}
    if name in ("mul", "div", "pdiv"):
        return times(known[0], known[1], 1 if name == "mul" else -1) if len(known) == 2 else None
    if name == "pow":
        return _power(*given)
    return times({}, known[0], _POWERS[name]) if known else None


def _power(
    base: tuple[Dimension | None, float | None], exponent: tuple[Dimension | None, float | None]
) -> Dimension | None:
    if exponent[0]:
        raise _Clash
    if base[0] is None:
        return None
    if exponent[1] is not None:
        return times({}, base[0], Fraction(exponent[1]).limit_denominator(12))
    if base[0]:
        raise _Clash
    return {}
