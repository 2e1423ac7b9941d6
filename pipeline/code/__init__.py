"""The code that a class reaches: what must be the same for its results to be the same.

A class reaches its own definition, the definitions of its module that this one uses by name, and from there every
module that is imported anywhere, also inside functions. Modules count whole, as they may do anything with what they
hold, but for the class's own and those of the framework, which count by definition. Installed libraries count by their
version, the standard library not at all. Comments, docstrings and layout do not matter, nor what is imported for type
checkers only. Nothing is imported to find this out.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import all_suffixes
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import memo
from pipeline.code import modules, syntax
from pipeline.code.modules import Module
from pipeline.code.syntax import Import, Statement, Syntax
from pipeline.digests import Identity, digest_text, file_digest, identity

# What an error says, and how a record is kept, changes no result.
_INSIGNIFICANT = frozenset({"pipeline.errors", "pipeline.records"})


@dataclass(frozen=True)
class Code:
    """What a class reaches.

    modules: name of a module, or ``module:Definition``, to the digest of its syntax tree.
    libraries: top-level name of an installed library to its version.
    """

    modules: dict[str, str]
    libraries: dict[str, str]

    @cached_property
    def digest(self) -> str:
        """One digest of it all."""
        return digest_text(json.dumps([self.modules, self.libraries], sort_keys=True))


_reached: weakref.WeakKeyDictionary[type, tuple[dict[str, Identity | None], Code]] = weakref.WeakKeyDictionary()


def reach(cls: type) -> Code:
    """The code that a class reaches, as its files are now."""
    known = _reached.get(cls)
    if known is None or not _as_they_were(known[0]):
        known = _reached[cls] = _recalled(cls) or _walked(cls)
    return known[1]


def _as_they_were(versions: Mapping[str, Identity | None]) -> bool:
    return all(_version(path) == version for path, version in versions.items())


def _walked(cls: type) -> tuple[dict[str, Identity | None], Code]:
    walk = _Walk(cls)
    code = walk.code()
    files = {path: _version(path) for path in walk.files}
    if not walk.live:
        # A file that appears can stand before another: the folders, too, must be as they were.
        folders = {folder: _version(folder) for path in files for folder in _folders(path)}
        memo.keep("reach", _memo_name(cls), [files, folders, code.modules, [*code.libraries]])
    return files, code


def _recalled(cls: type) -> tuple[dict[str, Identity | None], Code] | None:
    """What an earlier process has found, if every file and folder that it looked at is as it was."""
    kept = memo.recall("reach", _memo_name(cls))
    if kept is None:
        return None
    files, folders, reached, libraries = kept
    files, folders = ({path: v and tuple(v) for path, v in versions.items()} for versions in (files, folders))
    if not (_as_they_were(files) and _as_they_were(folders)):
        return None
    return files, Code(reached, {top: modules.library_version(top) for top in libraries})


def _memo_name(cls: type) -> str:
    """Tells apart classes, and what decides which file an import means; another version of this room knows nothing."""
    here = [_version(module.__file__ or "") for module in (sys.modules[__name__], modules, syntax)]
    home = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return digest_text(json.dumps([cls.__module__, cls.__qualname__, home, sys.path, sys.version, here]))


def _folders(path: str) -> tuple[str, str]:
    """A file's folder and the one above it: where another of its name, or of its package's, could appear."""
    folder = os.path.dirname(path)
    return folder, os.path.dirname(folder)


def source_digest(path: Path) -> str:
    """The sha256 of a local plugin file and of the files beside it that it imports: what trust is given to.

    Here every byte counts. OSError where a file cannot be read.
    """
    folder = path.absolute().parent
    seen: dict[Path, str] = {}
    waiting = [path.absolute()]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            content = current.read_bytes()
            seen[current] = hashlib.sha256(content).hexdigest()
            waiting += _neighbours(content, folder, current)
    lines = sorted(f"{file.relative_to(folder).as_posix()} {digest}" for file, digest in seen.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class _File(NamedTuple):
    """A module of our own: ``binds`` maps the names that it defines to the statements that bind or change them."""

    module: Module
    syntax: Syntax
    binds: dict[str, list[int]]


class _Walk:
    """Follows names and imports from a class."""

    def __init__(self, cls: type) -> None:
        self.files: set[str] = set()
        self._home = cls.__module__
        self._whole: dict[str, str] = {}
        self._parts: dict[str, set[int]] = {}
        self.live: dict[str, str] = {}
        self._libraries: set[str] = set()
        self._opened: dict[str, _File | None] = {}
        self._installed: dict[str, bool] = {cls.__module__.partition(".")[0]: False, "pipeline": False}
        if not self._definition(cls.__module__, cls.__qualname__.partition(".")[0]):
            self._without_file(cls)
        for base in cls.__mro__[1:]:  # however its bases were named
            if self._is_own(base.__module__):
                self._definition(base.__module__, base.__qualname__.partition(".")[0])

    def code(self) -> Code:
        """What was found."""
        found = {name: digest for name, digest in self._whole.items() if digest} | self.live
        for name, indices in self._parts.items():
            if file := self._open(name):
                statements = [file.syntax.statements[index] for index in sorted(indices)]
                if name == self._home:
                    found |= _by_definition(name, statements)
                elif statements:
                    found[name] = digest_text("".join(statement.digest for statement in statements))
        libraries = {top: modules.library_version(top) for top in sorted(self._libraries)}
        return Code(dict(sorted(found.items())), libraries)

    def _follow(self, module: Module, imported: Import) -> None:
        """Reach what an import in ``module`` names."""
        name = _absolute(module, imported)
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or name in _INSIGNIFICANT:
            return
        if not self._is_own(top):
            # What the framework's engine imports when asked to (torch for a device, pandas for a table) would else be
            # every stage's; the methods of its types are different, they compute.
            if module.name.partition(".")[0] != "pipeline" or module.name == "pipeline.types":
                self._libraries.add(top)
        elif imported.name in (None, "*"):
            self._all_of(name)
        else:
            if modules.locate(f"{name}.{imported.name}"):
                self._all_of(f"{name}.{imported.name}")
            self._definition(name, imported.name)

    def _is_own(self, name: str) -> bool:
        """Whether a module is not the standard library's and not installed."""
        top = name.partition(".")[0]
        if top not in self._installed:
            self._installed[top] = top in sys.stdlib_module_names or modules.is_library(top)
        return not self._installed[top]

    def _in_parts(self, name: str) -> bool:
        """Whether a module counts by definition: where a class sits beside others, and in the framework."""
        return name == self._home or name.partition(".")[0] == "pipeline"

    def _open(self, name: str) -> _File | None:
        """A module and what its file says; None where it has no file of Python."""
        if name not in self._opened:
            self._opened[name] = self._read(name)
        return self._opened[name]

    def _read(self, name: str) -> _File | None:
        module = modules.locate(name)
        if module is None or module.path is None or not os.path.isfile(module.path):
            return None
        self.files.add(module.path)
        try:
            found = syntax.read(module.path)
        except (SyntaxError, ValueError):
            self._whole[name] = file_digest(Path(module.path))  # compiled, or not for this version of Python
            return None
        binds: dict[str, list[int]] = {}
        for index, statement in enumerate(found.statements):
            for bound in statement.binds:
                binds.setdefault(bound, []).append(index)
        return _File(module, found, binds)

    def _import(self, name: str) -> None:
        """Reach what importing a module does, its packages' own modules first."""
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            self._execute(".".join(parts[:end]))

    def _execute(self, name: str) -> None:
        if name in self._whole or name in self._parts or (file := self._open(name)) is None:
            return
        if self._in_parts(name) and not file.syntax.dynamic:
            self._parts[name] = set()
            self._statements(file, self._unconditional(file))
        else:
            self._whole[name] = file.syntax.digest if file.syntax.statements else ""
            for statement in file.syntax.statements:
                self._imports(file, statement)

    def _all_of(self, name: str) -> None:
        """Reach a whole module."""
        self._import(name)
        if name in self._parts and (file := self._open(name)):
            self._statements(file, range(len(file.syntax.statements)))

    def _definition(self, name: str, wanted: str) -> bool:
        """Reach one definition of a module; whether it could be found."""
        self._import(name)
        file = self._open(name)
        if file is None:
            return False
        if wanted in file.binds:
            if name in self._parts:
                self._statements(file, file.binds[wanted])
            return True
        if wanted in file.syntax.for_typing:
            # A package that imports its names on first use says for type checkers where they come from.
            self._follow(file.module, file.syntax.for_typing[wanted])
            return True
        value = vars(sys.modules[name]).get(wanted) if name in sys.modules else None
        origin = getattr(value, "__module__", None)
        return isinstance(origin, str) and origin != name and self._is_own(origin) and self._definition(origin, wanted)

    def _statements(self, file: _File, indices: Iterable[int]) -> None:
        """Reach statements of a module, and those that bind the names that they use."""
        reached = self._parts[file.module.name]
        waiting = [*indices]
        while waiting:
            index = waiting.pop()
            if index in reached:
                continue
            reached.add(index)
            statement = file.syntax.statements[index]
            self._imports(file, statement)
            for used in statement.uses:
                name, _, attribute = used.partition(".")
                for other in file.binds.get(name, ()):
                    target = self._framework_module(file, file.syntax.statements[other]) if attribute else None
                    if target is None or not self._definition(target, attribute):
                        waiting.append(other)

    def _framework_module(self, file: _File, statement: Statement) -> str | None:
        """The module of the framework that an import binds a name to: ``from pipeline import types``."""
        if not statement.is_import:
            return None
        imported = statement.imports[0]
        parts = [_absolute(file.module, imported), *([imported.name] if imported.name else [])]
        name = ".".join(parts)
        return name if parts[0].partition(".")[0] == "pipeline" and modules.locate(name) else None

    def _imports(self, file: _File, statement: Statement) -> None:
        for imported in statement.imports:
            self._follow(file.module, imported)

    def _unconditional(self, file: _File) -> list[int]:
        """Statements that do something whenever the module is imported, such as entering a function in a registry."""
        own = {
            name
            for statement in file.syntax.statements
            if not statement.is_import or self._is_plugins(_absolute(file.module, statement.imports[0]))
            for name in statement.binds
        }
        return [
            index
            for index, statement in enumerate(file.syntax.statements)
            if not statement.binds or statement.binds == ("*",) or not own.isdisjoint(statement.decorators)
        ]

    def _is_plugins(self, name: str) -> bool:
        return self._is_own(name) and name.partition(".")[0] != "pipeline"

    def _without_file(self, value: Any) -> None:
        """Reach a class or function that has no file, such as one defined in a notebook, through what it refers to."""
        import inspect
        import textwrap

        name = f"{value.__module__}:{value.__qualname__}"
        if name in self.live:
            return
        self.live[name] = ""
        try:
            found = syntax.parse(textwrap.dedent(inspect.getsource(value)))
        except (OSError, TypeError, SyntaxError):
            codes = [*_code_objects(value)]
            self.live[name] = digest_text("".join(map(_code_text, codes)))
            uses = {used for code in codes for used in code.co_names}
        else:
            self.live[name] = found.digest
            for statement in found.statements:
                for imported in statement.imports:
                    self._follow(Module(value.__module__, None, None), imported)
            uses = {used.partition(".")[0] for statement in found.statements for used in statement.uses}
        scope = vars(sys.modules[value.__module__]) if value.__module__ in sys.modules else {}
        for used in sorted(uses & scope.keys()):
            self._global(f"{value.__module__}:{used}", scope[used])

    def _global(self, name: str, value: Any) -> None:
        here = Module(self._home, None, None)
        if isinstance(value, type(sys)):
            self._follow(here, Import(value.__name__, 0, None))
        elif isinstance(getattr(value, "__module__", None), str) and hasattr(value, "__qualname__"):
            if modules.locate(value.__module__) or value.__module__ in sys.stdlib_module_names:
                self._follow(here, Import(value.__module__, 0, value.__qualname__.partition(".")[0]))
            else:
                self._without_file(value)
        elif type(value) in (int, float, str, bool, bytes, tuple, type(None)):
            self.live[name] = digest_text(repr(value))


def _by_definition(module: str, statements: list[Statement]) -> dict[str, str]:
    """Digests by what statements define; a module's imports count together, and so does what binds nothing."""
    texts: dict[str, str] = {}
    for statement in statements:
        name = "import" if statement.is_import else ",".join(statement.binds) or "module"
        texts[f"{module}:{name}"] = texts.get(f"{module}:{name}", "") + statement.digest
    return {name: digest_text(text) for name, text in texts.items()}


def _absolute(module: Module, imported: Import) -> str:
    if not imported.level:
        return imported.module
    package = module.package
    for _ in range(imported.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{imported.module}" if imported.module else package


def _version(path: str) -> Identity | None:
    try:
        return identity(os.stat(path))
    except OSError:
        return None


def _code_objects(value: Any) -> Iterator[Any]:
    # A class may complete itself while it is looked at.
    members = list(vars(value).values()) if isinstance(value, type) else [value]
    for member in members:
        function = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
        if code := getattr(function, "__code__", None):
            yield code


def _code_text(code: Any) -> str:
    """A function's instructions and constants, without where they stand in a file."""
    constants = [_code_text(item) if hasattr(item, "co_code") else repr(item) for item in code.co_consts]
    return repr((code.co_name, code.co_code.hex(), code.co_names, code.co_varnames, constants))


def _neighbours(content: bytes, folder: Path, current: Path) -> Iterator[Path]:
    """The files below ``folder`` that a file imports."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        names: list[str] = []
        base = folder
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = current.parents[min(node.level, len(current.parents)) - 1] if node.level else folder
            stem = node.module or ""
            names = [stem, *(f"{stem}.{alias.name}".lstrip(".") for alias in node.names)]
        for name in filter(None, names):
            yield from _files_of(base, name.split("."), folder)


def _files_of(base: Path, parts: list[str], folder: Path) -> Iterator[Path]:
    """The files that importing ``a.b.c`` from ``base`` executes, as far as they are there."""
    if not base.is_relative_to(folder):
        return
    for end in range(1, len(parts) + 1):
        place = base.joinpath(*parts[:end])
        for suffix in all_suffixes():  # compiled modules too: Python prefers them
            for file in (place / f"__init__{suffix}", place.with_name(place.name + suffix)):
                if file.is_file():
                    yield file
