"""YAML text -> plain data, with the place of every value and key.

What can be gone around (a duplicate key, a tag, an unset variable) is noted, so that all of a file's problems are told
at once. Nothing here is recursive.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yaml import MappingStartEvent, ScalarEvent

from pipeline.errors import Origin
from pipeline.source.scalars import interpolate, is_text, resolve
from pipeline.source.tree import Path, Tree
from pipeline.source.yaml_events import ENDS, Document, as_written, events, skip


def parse(text: str, where: str) -> Tree:
    """The one document of ``text``, named ``where`` in every Origin; RequestError where nothing can be made of it."""
    return _Builder(Document(text.removeprefix("\ufeff"), where)).build()


def parse_word(text: str, where: str) -> Tree:
    """A text that is one unquoted value, whatever characters it holds."""
    document = Document(text, where)
    builder = _Builder(document)
    builder.tree.data = builder.scalar(text, (), document.origin(0, 0), plain=True)
    return builder.tree


class _Builder:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.tree = Tree(problems=document.problems)

    def build(self) -> Tree:
        tree, document, nodes = self.tree, self.document, events(self.document)
        around: list[tuple[Any, Path]] = []
        holder: Any = None
        at: Path = ()
        path: Path | None = ()
        for event in nodes:
            kind = type(event)
            if kind in ENDS:
                holder, at = around.pop()
                path = None
                continue
            mark = event.start_mark
            origin = document.origin(mark.line, mark.column)
            if event.tag:
                self._complain_of_tag(origin)
            if type(holder) is list:
                path = (*at, len(holder))
            elif path is None:
                path = self._key(event, origin, nodes, holder, at)
                continue
            tree.values[path] = origin
            value: Any
            if kind is ScalarEvent:
                value = self.scalar(event.value, path, origin, plain=not event.style)
            else:
                value = {} if kind is MappingStartEvent else []
            if holder is None:
                tree.data = value
            elif type(holder) is list:
                holder.append(value)
            else:
                holder[path[-1]] = value
            if kind is not ScalarEvent:
                around.append((holder, at))
                holder, at = value, path
            path = None
        return tree

    def scalar(self, text: str, path: Path, origin: Origin, plain: bool) -> Any:
        """The value of a scalar, its variables filled in."""
        if "$" in text:
            text = self._filled(as_written(text), path, origin)
        if not plain:
            return text
        try:
            return resolve(text)
        except ValueError as error:
            self.document.complain(str(error), origin)
            return text

    def _filled(self, text: str, path: Path, origin: Origin) -> str:
        filled, used, wrong = interpolate(text)
        if used:
            self.tree.secrets[path] = text
            self.tree.variables |= used
        for written, problem in wrong:
            column = origin.text.find(written, origin.column - 1) + 1
            place = origin._replace(column=column or origin.column)
            self.document.complain(problem.message, place, problem.hint, problem.suggestion)
        return filled

    def _key(self, event: Any, origin: Origin, nodes: Iterator[Any], holder: dict[str, Any], at: Path) -> Path | None:
        """The path of the key that ``event`` is; or None, the entry skipped, where it cannot be one."""
        complain = self.document.complain
        if type(event) is not ScalarEvent:
            kind = "mapping" if type(event) is MappingStartEvent else "list"
            hint = "If a text begins with '{' or '[', quote it; an environment variable is written ${NAME}."
            complain(f"a key is one word, not a {kind}", origin, hint)
            skip(nodes, 1)
            skip(nodes)
            return None
        key: str = as_written(event.value) if "$" in event.value else event.value
        if key == "<<" and not event.style:
            hint = "To build on another file use 'extends: FILE'; to repeat one value whole use an alias."
            complain("merge keys ('<<') are not part of YAML 1.2", origin, hint)
            skip(nodes)
            return None
        if not event.style and not is_text(key):
            got = _short(key) or "nothing"
            complain(f"a key must be a text. Got {got} instead.", origin, f'Quote it: "{got}".')
        path = (*at, key)
        if key in holder:
            first = self.tree.keys[path].line
            complain(f"the key {_short(key)!r} is given twice, first on line {first}", origin, "Delete one of the two.")
            skip(nodes)
            return None
        self.tree.keys[path] = origin
        return path

    def _complain_of_tag(self, origin: Origin) -> None:
        hint = "Delete it; to write a text that begins with '!', quote it."
        self.document.complain("tags ('!...') are not allowed in a pipeline file", origin, hint)


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
