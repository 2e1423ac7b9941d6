"""YAML text -> libyaml's events, within limits: what is no text, too deep, too large or not YAML ends here.

Aliases are replaced by what they stand for, and counted as often as they are used: a bomb of them is refused early.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

from yaml import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    YAMLError,
)
from yaml._yaml import CParser
from yaml.reader import Reader

from pipeline.errors import Origin, Problem, RequestError, closest
from pipeline.source.scalars import VARIABLE
from pipeline.source.tree import MAX_DEPTH, MAX_NODES
from pipeline.source.yaml_errors import explain

_MAX_PROBLEMS = 100
_MAX_TAG_DIRECTIVES = 100

STARTS = frozenset((MappingStartEvent, SequenceStartEvent))
ENDS = frozenset((MappingEndEvent, SequenceEndEvent))

# libyaml's idea of a line, in which its positions count.
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_CONFLICT = re.compile(r"^<{7}(?: |$)", re.MULTILINE)

# Inside {} and [] a brace ends an unquoted text, so two characters that no text may hold stand for those of ${NAME}.
_OPEN_BRACE, _CLOSE_BRACE = "\ufdd0", "\ufdd1"
_RESERVED = re.compile(f"[{_OPEN_BRACE}{_CLOSE_BRACE}]")


class Document:
    """A text that is to be read, and the problems found in it so far."""

    def __init__(self, text: str, where: str) -> None:
        """RequestError where ``text`` holds what cannot stand in any file; ``where`` names it in every Origin."""
        self.text, self.where = text, where
        self.lines = _LINE_BREAK.split(text)
        self.problems: list[Problem] = []
        if found := Reader.NON_PRINTABLE.search(text) or _RESERVED.search(text):
            hint = "Delete it; between double quotes it can be written as an escape such as \\x07."
            self.fail(f"the character U+{ord(found[0]):04X} is not allowed in a text", *self._position(found), hint)
        if "\n>>>>>>>" in text and (found := _CONFLICT.search(text)):
            hint = "Keep one side, and delete the lines <<<<<<<, ======= and >>>>>>>."
            self.fail("a merge conflict is not resolved here", *self._position(found), hint)
        # libyaml compares each of these with all before it.
        if text.count("%TAG") > _MAX_TAG_DIRECTIVES:
            self.fail("tags are not allowed in a pipeline file", 0, 0)

    def origin(self, line: int, column: int) -> Origin:
        """The place at a line and column that count from 0; the end of the last line for what lies behind it."""
        if line >= len(self.lines):
            line, column = len(self.lines) - 1, len(self.lines[-1])
        return Origin(self.where, line + 1, column + 1, self.lines[line])

    def complain(self, message: str, origin: Origin, hint: str | None = None, suggestion: str | None = None) -> None:
        """Note a problem that reading can go around; RequestError when there are too many."""
        problem = Problem(message, origin, suggestion, hint)
        # What an alias repeats is wrong once.
        if problem not in self.problems:
            self.problems.append(problem)
        if len(self.problems) >= _MAX_PROBLEMS:
            raise RequestError([*self.problems, Problem(f"reading {self.where} stopped after so many problems")])

    def fail(self, message: str, line: int, column: int, hint: str | None = None) -> NoReturn:
        """RequestError with this problem and those noted before."""
        raise RequestError([*self.problems, Problem(message, self.origin(line, column), None, hint)])

    def _position(self, found: re.Match[str]) -> tuple[int, int]:
        before = _LINE_BREAK.split(self.text[: found.start()])
        return len(before) - 1, len(before[-1])


def events(document: Document) -> Iterator[Any]:
    """The events of the first document's nodes, aliases expanded, and no others.

    ``as_written`` gives the text of a scalar back.
    """
    text = document.text
    parser = CParser(VARIABLE.sub(rf"${_OPEN_BRACE}\1{_CLOSE_BRACE}", text) if "${" in text else text)
    seen: list[Any] = []
    opened: list[tuple[Any, int]] = []
    anchors: dict[str, tuple[int, int]] = {}
    documents = nodes = 0
    while True:
        try:
            event: Any = parser.get_event()
        except YAMLError as error:
            flow = next((start for start, _ in reversed(opened) if start.flow_style), None)
            raise RequestError([*document.problems, explain(error, flow, document.lines, document.origin)]) from None
        kind = type(event)
        start = len(seen)
        if kind is ScalarEvent:
            nodes += 1
            seen.append(event)
            if event.anchor:
                anchors[event.anchor] = (start, start + 1)
            yield event
        elif kind in STARTS:
            nodes += 1
            seen.append(event)
            opened.append((event, start))
            _refuse_depth(len(opened), event, document)
            yield event
        elif kind in ENDS:
            seen.append(event)
            begun, start = opened.pop()
            if begun.anchor:
                anchors[begun.anchor] = (start, len(seen))
            yield event
        elif kind is AliasEvent:
            repeated = _aliased(event, seen, anchors, opened, document)
            depth = len(opened)
            for node in repeated:
                nodes += type(node) not in ENDS
                depth += (type(node) in STARTS) - (type(node) in ENDS)
                _refuse_depth(depth, event, document)
            seen += repeated
            yield from repeated
        elif kind is DocumentStartEvent:
            documents += 1
            if documents > 1:
                hint = "Keep one, and put the other into a file of its own."
                mark = event.start_mark
                document.complain("a second document begins here", document.origin(mark.line, mark.column), hint)
                return
        elif kind is StreamEndEvent:
            return
        if nodes > MAX_NODES:
            mark = event.start_mark
            document.fail(f"more than {MAX_NODES:,} values, each use of an alias counted", mark.line, mark.column)


def as_written(text: str) -> str:
    """A scalar's text with the braces of its ``${NAME}``."""
    return text.replace(_OPEN_BRACE, "{").replace(_CLOSE_BRACE, "}")


def skip(nodes: Iterator[Any], depth: int = 0) -> None:
    """Pass over one node, or over the rest of the ``depth`` collections that are open."""
    for event in nodes:
        depth += (type(event) in STARTS) - (type(event) in ENDS)
        if depth == 0:
            return


def _refuse_depth(depth: int, event: Any, document: Document) -> None:
    if depth > MAX_DEPTH:
        mark = event.start_mark
        document.fail(f"nested more than {MAX_DEPTH} levels deep", mark.line, mark.column)


def _aliased(
    alias: Any, seen: list[Any], anchors: dict[str, tuple[int, int]], opened: list[tuple[Any, int]], document: Document
) -> list[Any]:
    """What ``alias`` stands for; its own text where that is nothing."""
    name, mark = alias.anchor, alias.start_mark
    if name in anchors:
        return seen[slice(*anchors[name])]
    origin = document.origin(mark.line, mark.column)
    hint = "To write a text that begins with '*', quote it."
    if any(event.anchor == name for event, _ in opened):
        document.complain(f"the alias {'*' + name!r} stands inside what it repeats", origin, hint)
    else:
        meant = closest(name, anchors)
        document.complain(f"nothing before is marked {'&' + name!r}", origin, hint, f"*{meant}" if meant else None)
    return [ScalarEvent(None, None, (False, True), f"*{name}", mark, mark, style='"')]
