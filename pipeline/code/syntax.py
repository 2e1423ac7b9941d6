"""What a Python file says, apart from comments, docstrings and layout, and without running it.

A file becomes its top-level statements, each with a digest of its syntax tree, the names it binds and uses and the
modules it imports. Parsing ten files costs 30 ms, so what was found is kept in the user's cache folder by file content.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import memo
from pipeline.digests import Identity, digest_buffers, digest_text, identity

_FORMAT = f"2-{sys.version_info.major}.{sys.version_info.minor}"  # syntax trees differ between versions of Python

# A module that says one of these finds its definitions in ways that cannot be seen in their names.
_DYNAMIC = frozenset({"globals", "eval", "exec", "__subclasses__", "__init_subclass__"})

_UNSEEN = frozenset({"ctx", "kind", "type_comment"})  # fields that say nothing which the rest does not say
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}


class Import(NamedTuple):
    """``from ..module import name`` (level 2), or ``import module`` where there is no name."""

    module: str
    level: int
    name: str | None


class Statement(NamedTuple):
    """A top-level statement, or one of the names of an import. ``uses`` holds names, with an attribute: ``np.mean``."""

    digest: str
    binds: tuple[str, ...]
    uses: tuple[str, ...]
    imports: tuple[Import, ...]
    decorators: tuple[str, ...] = ()
    is_import: bool = False


class Syntax(NamedTuple):
    """A file. ``for_typing`` maps the names imported under ``if TYPE_CHECKING``, which nothing executes."""

    statements: tuple[Statement, ...]
    for_typing: dict[str, Import]
    dynamic: bool

    @property
    def digest(self) -> str:
        """Of everything that the file executes."""
        return digest_text("".join(statement.digest for statement in self.statements))


_known: dict[str, tuple[Identity, Syntax]] = {}


def read(path: str) -> Syntax:
    """What the file says; read once for each version of it. OSError or SyntaxError where it cannot be."""
    version = identity(os.stat(path))
    known = _known.get(path)
    if known is None or known[0] != version:
        known = _known[path] = version, _read(Path(path).read_bytes())
    return known[1]


def parse(source: str | bytes) -> Syntax:
    """What a source text says; SyntaxError where it is not Python."""
    found = _Found()
    for node in ast.parse(source).body:
        found.add(node)
    return Syntax(tuple(found.statements), found.for_typing, found.dynamic)


def _read(source: bytes) -> Syntax:
    name = digest_buffers([_FORMAT.encode(), source])
    with suppress(ValueError, TypeError):
        return _from_json(memo.recall("syntax", name))
    syntax = parse(source)
    memo.keep("syntax", name, syntax)
    return syntax


def _from_json(document: Any) -> Syntax:
    statements, for_typing, dynamic = document
    return Syntax(
        tuple(
            Statement(
                digest, tuple(binds), tuple(uses), tuple(Import(*i) for i in imports), tuple(decorators), is_import
            )
            for digest, binds, uses, imports, decorators, is_import in statements
        ),
        {name: Import(*imported) for name, imported in for_typing.items()},
        dynamic,
    )


class _Found:
    """The statements of a file as they are met."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.for_typing: dict[str, Import] = {}
        self.dynamic = False

    def add(self, node: ast.stmt) -> None:
        """Take in one top-level statement."""
        if _says_nothing(node) or _is_main_guard(node):
            return
        if isinstance(node, ast.Import | ast.ImportFrom):
            for bound, imported in _imports(node):
                text = f"import {imported.level} {imported.module} {imported.name} as {bound}"
                self.statements.append(Statement(digest_text(text), (bound,), (), (imported,), is_import=True))
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            for inner in node.body:
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    self.for_typing.update(_imports(inner))
            for inner in node.orelse:
                self.add(inner)
        else:
            visitor = _Visitor()
            visitor.visit(node)
            self.dynamic |= not _DYNAMIC.isdisjoint(visitor.uses) or visitor.dynamic
            digest = digest_text("\0".join(visitor.text))
            decorators = [_root(decorator) for decorator in getattr(node, "decorator_list", ())]
            self.statements.append(
                Statement(
                    digest,
                    tuple(sorted(set(_bound(node)))),
                    tuple(sorted(visitor.uses)),
                    tuple(visitor.imports),
                    tuple(name for name in decorators if name),
                )
            )


class _Visitor:
    """Writes a syntax tree as text, four times faster than ``ast.dump``, and notes names and imports on the way."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.uses: set[str] = set()
        self.imports: list[Import] = []
        self.dynamic = False
        self._owner: ast.Name | None = None  # the name in ``name.attribute``, noted with its attribute

    def visit(self, node: ast.AST) -> None:
        """Write a node and all below it."""
        cls = node.__class__
        write = self.text.append
        write(cls.__name__)
        if note := _NOTES.get(cls):
            note(self, node)
        for name in _fields(cls):
            value = getattr(node, name, None)
            kind = value.__class__
            if kind is str:
                write(value)  # type: ignore[arg-type]  # its class has just been compared
            elif kind is list:
                write("[")
                for item in value:  # type: ignore[union-attr]  # the same
                    if not isinstance(item, ast.AST):
                        write(repr(item))
                    elif not _says_nothing(item):
                        self.visit(item)
                write("]")
            elif isinstance(value, ast.AST):
                self.visit(value)
            else:
                write(repr(value))

    def note_name(self, node: Any) -> None:
        if node is not self._owner:
            self.uses.add(node.id)

    def note_import(self, node: Any) -> None:
        self.imports += [imported for _, imported in _imports(node)]

    def note_call(self, node: Any) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("import_module", "__import__") and node.args and isinstance(node.args[0], ast.Constant):
            name = node.args[0].value
            if isinstance(name, str) and name and not name.startswith("."):
                self.imports.append(Import(name, 0, None))

    def note_attribute(self, node: Any) -> None:
        self.dynamic |= node.attr in _DYNAMIC and node.attr.startswith("__")
        if isinstance(node.value, ast.Name):
            self._owner = node.value
            self.uses.add(f"{node.value.id}.{node.attr}")

    def note_function(self, node: Any) -> None:
        self.dynamic |= node.name in _DYNAMIC
        self._note_annotation(node.returns)

    def note_annotated(self, node: Any) -> None:
        self._note_annotation(node.annotation)

    def _note_annotation(self, annotation: ast.expr | None) -> None:
        """Names in annotations that are written as text: ``-> "Split[Images]"``."""
        for part in ast.walk(annotation) if annotation else ():
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                self.uses.update(re.findall(r"[^\W\d]\w*", part.value))


_NOTES: dict[type[ast.AST], Callable[[_Visitor, Any], None]] = {
    ast.Name: _Visitor.note_name,
    ast.Import: _Visitor.note_import,
    ast.ImportFrom: _Visitor.note_import,
    ast.Call: _Visitor.note_call,
    ast.Attribute: _Visitor.note_attribute,
    ast.FunctionDef: _Visitor.note_function,
    ast.AsyncFunctionDef: _Visitor.note_function,
    ast.AnnAssign: _Visitor.note_annotated,
    ast.arg: _Visitor.note_annotated,
}


def _fields(cls: type[ast.AST]) -> tuple[str, ...]:
    known = _FIELDS.get(cls)
    if known is None:
        known = _FIELDS[cls] = tuple(name for name in cls._fields if name not in _UNSEEN)
    return known


def _says_nothing(node: ast.AST) -> bool:
    """A docstring, or another constant that stands alone."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def _is_type_checking(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in (getattr(test, "id", None), getattr(test, "attr", None))


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Import]]:
    """What an import statement binds, and to what."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0], Import(alias.name, 0, None)
    elif node.module != "__future__":
        for alias in node.names:
            yield alias.asname or alias.name, Import(node.module or "", node.level, alias.name)


def _bound(node: ast.AST) -> Iterator[str]:
    """The names that a top-level statement binds or changes, those in nested blocks too."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (name for name, _ in _imports(node))
    elif isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
    elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        if root := _root(node):
            yield root
    elif not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _bound(child)


def _root(node: ast.expr) -> str | None:
    """The name that an expression such as ``a.b[0](c)`` begins with."""
    inner: Any = node
    while isinstance(inner, ast.Attribute | ast.Subscript | ast.Call):
        inner = inner.func if isinstance(inner, ast.Call) else inner.value
    return inner.id if isinstance(inner, ast.Name) else None
