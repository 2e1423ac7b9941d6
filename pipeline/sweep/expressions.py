"""Constraints between dimensions, such as ``model.hidden >= 2 * model.latent_dim``, parsed and computed by hand.

Nothing of a user's text is ever handed to Python's ``eval``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from pipeline.errors import Origin, Problem, RequestError
from pipeline.sweep.expression_grammar import MAX_BITS, Node, fail, parse

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "in": lambda item, items: item in items,
    "not in": lambda item, items: item not in items,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    "min": (min, 2),
    "max": (max, 2),
    "abs": (abs, 1),
    "log2": (math.log2, 1),
    "log": (math.log, 1),
    "sqrt": (math.sqrt, 1),
}


@dataclass(frozen=True)
class Expression:
    """A constraint; ``names`` are the dimensions that it speaks of."""

    text: str
    names: frozenset[str]
    _root: Node

    @classmethod
    def parse(cls, text: str, origin: Origin | None = None) -> Expression:
        """The expression that ``text`` says; RequestError with the column, in the line of ``origin`` if it is there."""
        try:
            root = parse(text, {name: fewest for name, (_, fewest) in _FUNCTIONS.items()})
        except RequestError as error:
            raise RequestError(_placed(problem, text, origin) for problem in error.problems) from None
        return cls(text, frozenset(_names(root)), root)

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Its value for these values by name, or True where one of its names has none.

        RequestError for what cannot be computed: a division by zero, a text in a sum, a number beyond all bounds.
        """
        if not self.names <= values.keys():
            return True
        return _Evaluation(self.text, values).of(self._root)


def _names(node: Node) -> Iterator[str]:
    if node.kind == "name":
        yield node.value
    for part in node.parts:
        yield from _names(part)


def _placed(problem: Problem, text: str, origin: Origin | None) -> Problem:
    if origin is None or problem.origin is None:
        return problem
    start = origin.text.find(text, max(origin.column - 1, 0))
    column = origin.column if start < 0 else start + problem.origin.column
    return problem._replace(origin=origin._replace(column=column))


class _Evaluation:
    """Computes nodes for given values; recursion is bounded by the depth that the parser allows."""

    def __init__(self, text: str, values: Mapping[str, Any]) -> None:
        self.text, self.values = text, values

    def of(self, node: Node) -> Any:
        match node.kind:
            case "constant":
                return node.value
            case "name":
                return self.values[node.value]
            case "list":
                return [self.of(part) for part in node.parts]
            case "not":
                return not self.of(node.parts[0])
            case "and" | "or":
                return self._first_that_decides(node)
            case "comparison":
                return self._comparison(node)
            case "unary":
                number = self._number(node.parts[0])
                return -number if node.value == "-" else +number
            case "call":
                function, _ = _FUNCTIONS[node.value]
                arguments = [self._number(part) for part in node.parts]
                return self._computed(lambda: function(*arguments), node.value, arguments, node)
            case _:
                return self._arithmetic(node)

    def _first_that_decides(self, node: Node) -> Any:
        value: Any = None
        for part in node.parts:
            value = self.of(part)
            if bool(value) == (node.kind == "or"):
                break
        return value

    def _comparison(self, node: Node) -> Any:
        left, result = self.of(node.parts[0]), True
        for sign, part in zip(node.signs, node.parts[1:], strict=True):
            right = self.of(part)
            try:
                result = _COMPARISONS[sign](left, right)
            except TypeError:
                fail(f"'{sign}' cannot compare {left!r} with {right!r}", self.text, node.column)
            if not result:
                break
            left = right
        return result

    def _arithmetic(self, node: Node) -> Any:
        result = self._number(node.parts[0])
        for sign, part in zip(node.signs, node.parts[1:], strict=True):
            pair = (result, self._number(part))
            # A power is refused before it is computed; this bound is up to four times what the result has.
            if sign == "**" and _bits(pair[0]) * pair[1] > 4 * MAX_BITS:
                fail(f"{_short(pair[0])} ** {_short(pair[1])} is larger than 2**{MAX_BITS}", self.text, node.column)
            compute = _ARITHMETIC[sign]
            result = self._computed(lambda: compute(*pair), sign, list(pair), node)  # noqa: B023  # called at once
        return result

    def _computed(self, compute: Callable[[], Any], what: str, operands: list[Any], node: Node) -> Any:
        """The result of an operation if it is a number within bounds."""
        words = [_short(operand) for operand in operands]
        shown = f"{what}({words[0]})" if len(words) == 1 else f" {what} ".join(words)
        try:
            result = compute()
        except (ArithmeticError, ValueError):
            fail(f"{shown} cannot be computed", self.text, node.column)
        if isinstance(result, complex):
            fail(f"{shown} is not a real number", self.text, node.column)
        if _bits(result) > MAX_BITS:
            fail(f"{shown} is larger than 2**{MAX_BITS}", self.text, node.column)
        return result

    def _number(self, node: Node) -> Any:
        value = self.of(node)
        if not isinstance(value, Real):
            fail(f"a number is expected here. Got {value!r} instead.", self.text, node.column)
        return int(value) if isinstance(value, Integral) else float(value)


def _bits(number: Any) -> int:
    """The length of an integer; other numbers have bounds of their own."""
    return abs(number).bit_length() if isinstance(number, int) and abs(number) > 1 else 0


def _short(number: Any) -> str:
    text = str(number)
    return text if len(text) <= 20 else f"{text[:20]}…"
