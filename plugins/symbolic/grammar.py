"""Formulas as text: a small grammar of our own, so that reading one never runs anything.

sum      = product {("+" | "-") product}
product  = signed {("*" | "/") signed}
signed   = "-" signed | "+" signed | power
power    = atom [("**" | "^") signed]
atom     = number | "pi" | name | "`" any name "`" | function "(" sum {"," sum} ")" | "(" sum ")"

1/x, with this very 1, is the function inv: two nodes instead of three.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from pipeline.errors import DataError, closest
from plugins.symbolic.functions import FUNCTIONS
from plugins.symbolic.programs import Program, Token, arguments

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)|`(?P<quoted>[^`]+)`"
    r"|(?P<sign>\*\*|[-+*/^(),]))"
)
_ALIASES = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "ln": "log"}
_DEEPEST = 100
_BINARY = {"add": (" + ", 1), "sub": (" - ", 1), "mul": ("*", 2), "div": ("/", 2), "pow": ("**", 4)}
_SIGNED = 3


def parse(text: str, variables: Sequence[str]) -> Program:
    """The program of a formula; DataError says where the text is not one, or names what it does not know."""
    return _Reader(text, variables).program()


def write(program: Program, variables: Sequence[str], digits: int | None = None) -> str:
    """The formula as text that ``parse`` reads again; constants exact, or with so many significant digits."""
    return _written(program, variables, digits)[0]


def brief(text: str, variables: Sequence[str]) -> str:
    """A formula for people to read: its constants in six digits."""
    return write(parse(text, variables), variables, 6)


class _Reader:
    def __init__(self, text: str, variables: Sequence[str]) -> None:
        self.text = text
        self.numbers = {name: number for number, name in enumerate(variables)}
        self.tokens: list[tuple[str, str, int]] = []
        self.next = 0
        self.depth = 0
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise self.error(f"{text[place:].strip()[0]!r} has no meaning", place)
            self.tokens.append((match.lastgroup or "", match[match.lastgroup or 0], match.start(match.lastgroup or 0)))
            place = match.end()
        self.tokens.append(("end", "", len(text)))

    def error(self, what: str, place: int) -> DataError:
        return DataError(f"the formula {self.text!r} cannot be read: {what} at position {place + 1}.")

    def program(self) -> Program:
        result = self.sum()
        kind, text, place = self.tokens[self.next]
        if kind != "end":
            raise self.error(f"{text!r} stands where the formula should end", place)
        return result

    def sign(self, *signs: str) -> str | None:
        kind, text, _ = self.tokens[self.next]
        if kind == "sign" and text in signs:
            self.next += 1
            return text
        return None

    def expect(self, sign: str) -> None:
        if not self.sign(sign):
            _, text, place = self.tokens[self.next]
            raise self.error(f"{sign!r} is missing before {text or 'the end'!r}", place)

    def sum(self) -> Program:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.error(f"it is nested deeper than {_DEEPEST}", self.tokens[self.next][2])
        left = self.product()
        while sign := self.sign("+", "-"):
            left = ("add" if sign == "+" else "sub", *left, *self.product())
        self.depth -= 1
        return left

    def product(self) -> Program:
        one = self.tokens[self.next][1] == "1"
        left = self.signed()
        if one and left == (1.0,) and self.sign("/"):
            below = self.signed()
            left = ("div", *left, *below) if isinstance(below[0], float) else ("inv", *below)
        while sign := self.sign("*", "/"):
            left = ("mul" if sign == "*" else "div", *left, *self.signed())
        return left

    def signed(self) -> Program:
        negative = False
        while sign := self.sign("-", "+"):
            negative ^= sign == "-"
        inner = self.power()
        if negative:
            return (-inner[0],) if len(inner) == 1 and isinstance(inner[0], float) else ("neg", *inner)
        return inner

    def power(self) -> Program:
        base = self.atom()
        if self.sign("**", "^"):
            self.depth += 1
            if self.depth > _DEEPEST:
                raise self.error(f"it is nested deeper than {_DEEPEST}", self.tokens[self.next][2])
            exponent = self.signed()
            self.depth -= 1
            squared = isinstance(exponent[0], float) and exponent[0] == 2
            return ("square", *base) if squared else ("pow", *base, *exponent)
        return base

    def atom(self) -> Program:
        kind, text, place = self.tokens[self.next]
        if self.sign("("):
            inner = self.sum()
            self.expect(")")
            return inner
        self.next += 1
        if kind == "number":
            return (float(text),)
        if kind == "name" and self.tokens[self.next][1] == "(":
            return self.call(_ALIASES.get(text, text), place)
        if kind in ("name", "quoted") and text in self.numbers:
            return (self.numbers[text],)
        if kind == "name" and text == "pi":
            return (math.pi,)
        if kind in ("name", "quoted"):
            meant = closest(text, self.numbers)
            raise self.error(f"there is no variable {text!r}" + (f" (did you mean {meant!r}?)" if meant else ""), place)
        raise self.error(f"a number, a name or '(' is missing before {text or 'the end'!r}", place)

    def call(self, name: str, place: int) -> Program:
        if name not in FUNCTIONS:
            meant = closest(name, FUNCTIONS)
            raise self.error(f"there is no function {name!r}" + (f" (did you mean {meant!r}?)" if meant else ""), place)
        self.expect("(")
        given = [self.sum()]
        while self.sign(","):
            given.append(self.sum())
        self.expect(")")
        wanted = FUNCTIONS[name].arity
        if len(given) != wanted:
            raise self.error(f"{name} takes {wanted} argument{'s' * (wanted > 1)}, not {len(given)}", place)
        return (name, *(token for argument in given for token in argument))


def name(text: str) -> str:
    """A variable as the grammar writes it: in backticks where it is no identifier, or is a function's name."""
    plain = re.fullmatch(r"[^\W\d]\w*", text) and text not in FUNCTIONS and text not in _ALIASES and text != "pi"
    return text if plain else f"`{text.replace('`', chr(39))}`"


def _written(program: Program, variables: Sequence[str], digits: int | None) -> tuple[str, int]:
    """The text and how tightly its outermost sign binds: 1 sum, 2 product, 3 sign, 4 power, 5 atom."""
    head: Token = program[0]
    if isinstance(head, int):
        return name(variables[head]), 5
    if isinstance(head, float):
        text = repr(head).removesuffix(".0") if digits is None else f"{head:.{digits}g}"
        return text, _SIGNED if text.startswith("-") else 5
    parts = [_written(argument, variables, digits) for argument in arguments(program)]
    if head in _BINARY:
        sign, binding = _BINARY[head]
        (left, left_binding), (right, right_binding) = parts
        if head == "div" and left == "1":
            left = "1.0"  # 1/x is the inverse, with a node less
        if left_binding < binding + (head == "pow"):
            left = f"({left})"
        if right_binding < binding + (head != "add") or (head == "pow" and right_binding < 5) or right.startswith("-"):
            right = f"({right})"
        return f"{left}{sign}{right}", binding
    if head == "inv" and not isinstance(program[1], float):
        text, binding = parts[0]
        return f"1/({text})" if binding < _SIGNED or text.startswith("-") else f"1/{text}", 2
    if head == "neg":
        text, binding = parts[0]
        return f"-{text}" if binding > _SIGNED else f"-({text})", _SIGNED
    if head == "square":
        text, binding = parts[0]
        return f"{text if binding == 5 else f'({text})'}**2", 4
    return f"{head}({', '.join(text for text, _ in parts)})", 5
