"""libyaml's complaints in plain words: what is wrong, at the place of its cause, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from yaml import CollectionStartEvent, SequenceStartEvent

from pipeline.errors import Origin, Problem


class Place(Protocol):
    """A position in a text; both count from 0."""

    line: int
    column: int


class _Told(NamedTuple):
    message: str
    hint: str | None
    place: Place | None


class _Syntax:
    """One syntax error: libyaml's words, its marks, and the text around them.

    ``here`` is where libyaml gave up, ``start`` where the thing began that it was reading, ``flow`` where the innermost
    ``[`` or ``{`` stands that was open.
    """

    def __init__(self, error: Exception, opened: CollectionStartEvent | None, lines: Sequence[str]) -> None:
        self.words = str(getattr(error, "problem", None) or error).partition("\n")[0]
        self.context = str(getattr(error, "context", None) or "")
        self.here: Place | None = getattr(error, "problem_mark", None)
        self.start: Place | None = getattr(error, "context_mark", None) or self.here
        self.flow: Place | None = opened.start_mark if opened else None
        self.opener = "[" if isinstance(opened, SequenceStartEvent) else "{"
        row = self.here.line if self.here else len(lines)
        self.line = lines[row] if row < len(lines) else ""
        self.before = self.line[: self.here.column] if self.here else ""
        self.character = self.line[len(self.before) :][:1]
        self.line_above = next((line for line in reversed(lines[:row]) if _content(line)), "")
        self.at_end = not any(_content(line) for line in [self.line[len(self.before) :], *lines[row + 1 :]])


def explain(
    error: Exception,
    opened: CollectionStartEvent | None,
    lines: Sequence[str],
    origin: Callable[[int, int], Origin],
) -> Problem:
    """The Problem of a ``yaml.YAMLError``.

    ``opened`` is the innermost ``[`` or ``{`` that was open, ``origin`` makes an Origin of a line and column from 0.
    """
    syntax = _Syntax(error, opened, lines)
    tell = next((tell for words, tell in _TELLERS if words in f"{syntax.context}: {syntax.words}"), _not_yaml)
    told = tell(syntax)
    return Problem(told.message, origin(told.place.line, told.place.column) if told.place else None, None, told.hint)


def _content(line: str) -> str:
    return line.strip() if not line.lstrip().startswith("#") else ""


def _not_yaml(syntax: _Syntax) -> _Told:
    return _Told(f"this is not YAML: {syntax.words}", None, syntax.here)


def _second_colon(syntax: _Syntax) -> _Told:
    if re.search(r":\s", syntax.before):
        hint = "Quote the text after the first ':', or begin the inner mapping on a line of its own."
        return _Told("a second ':' on this line", hint, syntax.here)
    if re.search(r":\s+\S", syntax.line_above):
        hint = "Begin it in the column of the key above, or take that key's value away."
        return _Told("this key is indented below one that already has a value", hint, syntax.here)
    return _Told("a key begins here, but the line above has no ':'", _COLON, syntax.here)


def _no_colon(syntax: _Syntax) -> _Told:
    return _Told("this line has no ':' after its key", _COLON, syntax.start)


def _odd_start(syntax: _Syntax) -> _Told:
    if syntax.character == "\t":
        return _tab(syntax)
    return _quote(syntax)


def _quote(syntax: _Syntax) -> _Told:
    begins = syntax.line[syntax.start.column :][:1] if syntax.start else ""
    return _Told(f"a text cannot begin with {begins!r}", "Quote the whole text.", syntax.start)


def _tab(syntax: _Syntax) -> _Told:
    return _Told("a tab stands where YAML wants spaces", "Indent with spaces only.", syntax.here)


def _list_on_line(syntax: _Syntax) -> _Told:
    hint = "Begin the list on the next line, or write it as [a, b]; quote a text that begins with '- '."
    return _Told("a list cannot begin with '- ' here", hint, syntax.here)


def _question_mark(syntax: _Syntax) -> _Told:
    return _Told("'? ' begins a key, which cannot stand here", "Quote the whole text.", syntax.here)


def _no_key(syntax: _Syntax) -> _Told:
    if syntax.before.strip():
        if syntax.character in ("]", "}"):
            return _stray(syntax)
        hint = "Quote the value as a whole; write a quote inside single quotes twice."
        return _Told("there is more text after the end of the value", hint, syntax.here)
    if syntax.character in ("]", "}"):
        return _stray(syntax)
    if syntax.character == ":":
        return _Told("a key is missing before this ':'", _COLON, syntax.here)
    if re.match(r"-(\s|$)", syntax.line[len(syntax.before) :]):
        hint = "Items of one list begin in the same column, no less deep than the key that they belong to."
        return _Told("a list item stands among the keys of a mapping", hint, syntax.here)
    hint = "The keys of one mapping begin in the same column."
    return _Told("the indentation of this line fits none above", hint, syntax.here)


def _no_dash(syntax: _Syntax) -> _Told:
    if syntax.before.strip():
        return _no_key(syntax)
    hint = "Every item begins with '- ' in the same column; indent what belongs to an item deeper."
    return _Told("an item of the list above is expected here", hint, syntax.here)


def _unclosed(syntax: _Syntax) -> _Told:
    if syntax.flow and (syntax.at_end or (syntax.here and syntax.here.line != syntax.flow.line)):
        closer = "]" if syntax.opener == "[" else "}"
        hint = f"Close it with '{closer}', and separate what is inside with commas."
        return _Told(f"the '{syntax.opener}' that opens here is not closed", hint, syntax.flow)
    opener = "list" if syntax.opener == "[" else "mapping"
    hint = "Separate items with commas, write 'key: value', and quote a text with any of , : [ ] { } in it."
    return _Told(f"a ',' or the end of the {opener} is missing here", hint, syntax.here)


def _no_content(syntax: _Syntax) -> _Told:
    if syntax.flow and syntax.at_end:
        return _unclosed(syntax)
    if syntax.flow:
        hint = "Take the extra comma away, or quote the text."
        return _Told(f"a value is missing before '{syntax.character}'", hint, syntax.here)
    return _stray(syntax)


def _stray(syntax: _Syntax) -> _Told:
    if syntax.character in ("]", "}"):
        hint = "Delete it, or quote the text that it belongs to."
        return _Told(f"a '{syntax.character}' that closes nothing", hint, syntax.here)
    return _Told(f"a value cannot begin with '{syntax.character}'", "Quote the whole text.", syntax.here)


def _unclosed_quote(syntax: _Syntax) -> _Told:
    return _Told("the quote that opens here is never closed", "Close it at the end of the text.", syntax.start)


def _escape(syntax: _Syntax) -> _Told:
    hint = r"Between double quotes write \\ for a backslash, or use single quotes, which know no escapes."
    return _Told("a backslash that begins no escape", hint, syntax.here)


def _after_block_sign(syntax: _Syntax) -> _Told:
    hint = "Begin the text on the next line, indented; or quote it if it begins with '|' or '>'."
    return _Told("only a line break may follow '|' or '>'", hint, syntax.here)


def _colon_in_flow(syntax: _Syntax) -> _Told:
    return _Told(
        "a ':' inside '[...]' or '{...}' that follows no key", "Quote the text that it belongs to.", syntax.here
    )


def _directive(syntax: _Syntax) -> _Told:
    return _Told("a line that begins with '%' is not understood", "Delete it, or quote the text.", syntax.start)


def _tag(syntax: _Syntax) -> _Told:
    hint = "Delete it; to write a text that begins with '!', quote it."
    return _Told("tags ('!...') are not allowed in a pipeline file", hint, syntax.start)


def _after_end(syntax: _Syntax) -> _Told:
    return _Told("there is more text after the end of the document", "One file holds one mapping.", syntax.here)


_COLON = "Write 'key: value', with a space after the ':'."

# What libyaml 0.2 says (context, then problem), by the part that tells it from the others; the first that fits counts.
_TELLERS: list[tuple[str, Callable[[_Syntax], _Told]]] = [
    ("mapping values are not allowed", _second_colon),
    ("could not find expected ':'", _no_colon),
    ("block sequence entries are not allowed", _list_on_line),
    ("mapping keys are not allowed", _question_mark),
    ("character that cannot start any token", _odd_start),
    ("found a tab character", _tab),
    ("directive", _directive),
    ("incompatible YAML document", _directive),
    ("tag", _tag),
    ("an anchor:", _quote),
    ("an alias:", _quote),
    ("block scalar: did not find expected comment or line break", _after_block_sign),
    ("indentation indicator", _after_block_sign),
    ("quoted scalar: found unexpected", _unclosed_quote),
    ("quoted scalar:", _escape),
    ("found unexpected ':'", _colon_in_flow),
    ("did not find expected key", _no_key),
    ("did not find expected '-' indicator", _no_dash),
    ("did not find expected ',' or", _unclosed),
    ("did not find expected node content", _no_content),
    ("did not find expected <document start>", _after_end),
]
