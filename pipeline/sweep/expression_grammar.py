"""The grammar of constraints: a text -> its parts. It is a part of Python's, with Python's precedence.

disjunction  a or b              conjunction  a and b            negation  not a
comparison   a < b <= c, a == b, a != b, a in [b, c], a not in [b, c]
sum          a + b, a - b        product      a * b, a / b, a // b, a % b
power        -a, a ** b          value        8, 1e-3, 'text', true, null, model[als].factors, min(a, b), (a)
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pipeline.errors import Origin, Problem, RequestError, closest, listing

_MAX_LENGTH = 1000
_MAX_DEPTH = 25
MAX_BITS = 1024

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number> (?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)? )
    | (?P<text> '[^']*' | "[^"]*" )
    | (?P<keyword> (?:and|or|not|in|true|True|false|False|null|None)(?![\w.]) )
    | (?P<name> [A-Za-z_]\w*(?:\[[A-Za-z0-9_][A-Za-z0-9_.+-]*\])?(?:\.[A-Za-z_]\w*)* )
    | (?P<sign> \*\*|//|<=|>=|==|!=|[-+*/%<>(),\[\]] )
    | (?P<end> $ )
    )""",
    re.VERBOSE | re.ASCII,
)
_INSTEAD = {"=": "Compare with '=='.", "&": "Write 'and'.", "|": "Write 'or'.", "!": "Write 'not'.", "^": "Write '**'."}

_CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}


@dataclass(frozen=True)
class Node:
    """A part of an expression: what is done (a sign, keyword or function), to which parts, and where it is written."""

    kind: str
    column: int
    value: Any = None
    parts: tuple[Node, ...] = ()
    signs: tuple[str, ...] = ()


def parse(text: str, functions: Mapping[str, int]) -> Node:
    """The whole of ``text``; ``functions`` maps each name to its fewest arguments, where one means exactly one.

    RequestError with the column where ``text`` leaves the grammar, is too long or nested too deep.
    """
    return _Parser(text, functions).whole()


def fail(message: str, text: str, column: int, hint: str | None = None, suggestion: str | None = None) -> NoReturn:
    """RequestError at a column of a constraint's text."""
    raise RequestError(Problem(message, Origin("constraint", 0, column, text), suggestion, hint))


class _Parser:
    """Recursive descent, one method for each line of the grammar."""

    def __init__(self, text: str, functions: Mapping[str, int]) -> None:
        self.text, self.functions = text, functions
        if len(text) > _MAX_LENGTH:
            fail(f"the expression is longer than {_MAX_LENGTH:,} characters", text, 1)
        self.tokens = list(self._tokens())
        self.depth = 0

    def _tokens(self) -> Iterator[tuple[str, str, int]]:
        position = 0
        while True:
            match = _TOKEN.match(self.text, position)
            if match is None:
                # Only what the pattern passes over: no-break spaces and the like are told.
                column = len(self.text) - len(self.text[position:].lstrip(string.whitespace)) + 1
                character = self.text[column - 1]
                if character in "'\"":
                    fail("the quote that opens here is never closed", self.text, column)
                fail(f"{character!r} means nothing here", self.text, column, _INSTEAD.get(character))
            kind = str(match.lastgroup)
            yield kind, match[kind], match.start(kind) + 1
            if kind == "end":
                return
            position = match.end()

    def whole(self) -> Node:
        root = self._disjunction()
        kind, word, column = self.tokens[0]
        if kind != "end":
            fail(f"an operator such as '<' or 'and' is expected here, not {word!r}", self.text, column)
        return root

    def _take(self, *words: str) -> str | None:
        """The next word, passed over, if it is one of these signs or keywords."""
        kind, word, _ = self.tokens[0]
        if kind in ("sign", "keyword") and word in words:
            self.tokens.pop(0)
            return word
        return None

    def _deeper(self, parse: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            fail(f"nested more than {_MAX_DEPTH} levels deep", self.text, self.tokens[0][2])
        node = parse()
        self.depth -= 1
        return node

    def _chain(self, kind: str, operand: Callable[[], Node], *words: str) -> Node:
        column = self.tokens[0][2]
        parts, signs = [operand()], []
        while sign := self._take(*words):
            signs.append(sign)
            parts.append(operand())
        return Node(kind, column, None, tuple(parts), tuple(signs)) if signs else parts[0]

    def _disjunction(self) -> Node:
        return self._chain("or", self._conjunction, "or")

    def _conjunction(self) -> Node:
        return self._chain("and", self._negation, "and")

    def _negation(self) -> Node:
        column = self.tokens[0][2]
        if self._take("not"):
            return Node("not", column, None, (self._deeper(self._negation),))
        return self._comparison()

    def _comparison(self) -> Node:
        column = self.tokens[0][2]
        parts, signs = [self._sum()], []
        while sign := self._comparison_sign():
            signs.append(sign)
            parts.append(self._list() if sign in ("in", "not in") else self._sum())
        return Node("comparison", column, None, tuple(parts), tuple(signs)) if signs else parts[0]

    def _comparison_sign(self) -> str | None:
        if self.tokens[0][1] == "not" and self.tokens[1][1] == "in":
            self.tokens[:2] = []
            return "not in"
        return self._take("<", "<=", ">", ">=", "==", "!=", "in")

    def _list(self) -> Node:
        column = self.tokens[0][2]
        if not self._take("["):
            fail("'in' is followed by a list: [a, b]", self.text, column)
        return Node("list", column, None, self._items("]"))

    def _items(self, closer: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._take(closer):
            if items and not self._take(","):
                fail(f"',' or '{closer}' is expected here", self.text, self.tokens[0][2])
            items.append(self._deeper(self._disjunction))
        return tuple(items)

    def _sum(self) -> Node:
        return self._chain("arithmetic", self._product, "+", "-")

    def _product(self) -> Node:
        return self._chain("arithmetic", self._unary, "*", "/", "//", "%")

    def _unary(self) -> Node:
        column = self.tokens[0][2]
        if sign := self._take("-", "+"):
            return Node("unary", column, sign, (self._deeper(self._unary),))
        base = self._value()
        if self._take("**"):
            return Node("arithmetic", column, None, (base, self._deeper(self._unary)), ("**",))
        return base

    def _value(self) -> Node:
        kind, word, column = self.tokens.pop(0)
        if kind == "number":
            return Node("constant", column, self._number(word, column))
        if kind == "text":
            return Node("constant", column, word[1:-1])
        if kind == "keyword" and word in _CONSTANTS:
            return Node("constant", column, _CONSTANTS[word])
        if kind == "name":
            if self._take("("):
                return self._call(word, column)
            return Node("name", column, word)
        if word == "(":
            inner = self._deeper(self._disjunction)
            if not self._take(")"):
                fail("the '(' that opens here is not closed", self.text, column)
            return inner
        if kind == "end":
            fail("the expression ends where a value is expected", self.text, column)
        hint = "A list stands only after 'in'." if word == "[" else None
        fail(f"a value is expected here, not {word!r}", self.text, column, hint)

    def _number(self, word: str, column: int) -> int | float:
        if not word.isdigit():
            return float(word)
        if len(word) * math.log2(10) > MAX_BITS:
            fail(f"this number is larger than 2**{MAX_BITS}", self.text, column)
        return int(word)

    def _call(self, name: str, column: int) -> Node:
        if name not in self.functions:
            hint = f"Functions: {listing(self.functions)}."
            fail(f"there is no function {name!r}", self.text, column, hint, closest(name, self.functions))
        arguments, fewest = self._items(")"), self.functions[name]
        if len(arguments) < fewest or len(arguments) > fewest == 1:
            wanted = "one argument" if fewest == 1 else "two arguments or more"
            fail(f"{name}() takes {wanted}. Got {len(arguments)} instead.", self.text, column)
        return Node("call", column, name, arguments)
