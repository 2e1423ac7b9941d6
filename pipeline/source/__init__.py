"""Pipeline files as plain data that knows where every value came from; what the values mean is not known here."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, NamedTuple, TypeVar

from pipeline.errors import Origin, Problem, RequestError
from pipeline.source.scalars import interpolate
from pipeline.source.textfile import read_content, refuse_size
from pipeline.source.tree import MAX_DEPTH, Tree
from pipeline.source.tree import Path as Path

_MAX_CHAIN = 20
_SHORTEST_SECRET = 4
COMMAND_LINE = "command line"

V = TypeVar("V")


@dataclass
class Source:
    """A pipeline as it was written.

    data: the plain values. values, keys: where each value, and each key, stands; a list's items have no keys.
    secrets: what was written in place of each value that holds an environment variable.
    files: every file that was read, the one asked for first. problems: what is wrong although the data can be used.
    variables: the environment variables that were filled in.
    """

    data: dict[str, Any]
    values: dict[Path, Origin] = field(default_factory=dict)
    keys: dict[Path, Origin] = field(default_factory=dict)
    secrets: dict[Path, str] = field(default_factory=dict)
    files: tuple[FilePath, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict, repr=False)

    def origin(self, path: Path, key: bool = False) -> Origin | None:
        """Where the value (or the key) of ``path`` stands, or else the nearest value or key around it that stands."""
        tables = (self.keys, self.values) if key else (self.values, self.keys)
        for length in range(len(path), -1, -1):
            for table in tables:
                if path[:length] in table:
                    return table[path[:length]]
        return None

    def merge(self, other: Source) -> None:
        """Lay ``other`` over this: mappings are joined, anything else is replaced."""
        gone: set[Path] = set()
        _lay_over(self.data, other.data, (), gone)
        self._forget(gone)
        self.values |= other.values
        self.keys |= other.keys
        self.secrets |= other.secrets
        self.variables |= other.variables
        self.files = (*other.files, *(file for file in self.files if file not in other.files))
        self.problems += [problem for problem in other.problems if problem not in self.problems]

    def set(self, path: Path, value: Any, origin: Origin) -> None:
        """Put ``value`` at ``path``, making mappings on the way; RequestError where something else is in the way.

        An origin without a line is one word, ``key=value``, its column the value's.
        """
        holder: Any = self.data
        for depth, part in enumerate(path[:-1], 1):
            if holder.get(part) is None:
                holder[part] = {}
                if path[:depth] not in self.values:
                    self._place(path[:depth], {}, origin)
            holder = holder[part]
            if not isinstance(holder, dict):
                kind = "list" if isinstance(holder, list) else "single value"
                inner, outer = ".".join(map(str, path)), ".".join(map(str, path[:depth]))
                message = f"{inner!r} cannot be set, because {outer!r} is a {kind}"
                raise RequestError(Problem(message, origin, None, f"Set it whole: {outer}=..."))
        holder[path[-1]] = value
        self._forget({path})
        self._place(path, value, origin)
        written = "" if origin.line else origin.text[origin.column - 1 :]
        _, used, _ = interpolate(written)
        if used:
            self.secrets[path] = written
            self.variables |= used

    def _forget(self, gone: Collection[Path]) -> None:
        """Drop the places of what stands at or below the paths in ``gone``."""

        def kept(table: dict[Path, V]) -> dict[Path, V]:
            return {
                path: value
                for path, value in table.items()
                if not any(path[:length] in gone for length in range(1, len(path) + 1))
            }

        if gone:
            self.values, self.keys, self.secrets = kept(self.values), kept(self.keys), kept(self.secrets)

    def _place(self, path: Path, value: Any, origin: Origin) -> None:
        self.values[path] = origin
        if isinstance(path[-1], str):
            self.keys[path] = origin if origin.line else origin._replace(column=1)
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for part, item in inner:
            self._place((*path, part), item, origin)

    def redacted(self) -> dict[str, Any]:
        """The data with every secret as it was written."""
        result: dict[str, Any] = _copied(self.data)
        for path, written in self.secrets.items():
            holder: Any = result
            for part in path[:-1]:
                holder = holder[part] if _has(holder, part) else None
            if _has(holder, path[-1]):
                holder[path[-1]] = written
        return result

    def redact(self, text: str) -> str:
        """``text`` with ``${NAME}`` for each environment variable's value of at least four characters."""
        forms = {
            form: f"${{{name}}}"
            for name, value in self.variables.items()
            if len(secret := value.strip()) >= _SHORTEST_SECRET
            for form in (repr(secret)[1:-1], json.dumps(secret)[1:-1], secret)
        }
        if not forms:
            return text
        # The longest first: one secret may be a part of another.
        anyone = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
        return re.sub(anyone, lambda match: forms[match[0]], text)


def read(path: FilePath) -> Source:
    """A pipeline file with everything that it extends; RequestError where nothing of it can be used."""
    return _read(path, None, (), {})


def read_text(text: str, name: str) -> Source:
    """The same for a text; ``name`` stands for the file, in messages and where ``extends`` begins."""
    refuse_size(len(text), name)
    return _extended(_mapping(text, name), FilePath(name), (name,), {})


def _read(path: FilePath, asked: Origin | None, chain: tuple[str, ...], done: dict[str, Source]) -> Source:
    text = read_content(path, asked)
    identity = os.path.realpath(path)
    if identity in chain:
        loop = " -> ".join(os.path.relpath(file) for file in (*chain[chain.index(identity) :], identity))
        raise RequestError(Problem(f"a file extends itself: {loop}", asked, None, "Take one of them out of 'extends'."))
    if len(chain) > _MAX_CHAIN:
        raise RequestError(Problem(f"files extend one another more than {_MAX_CHAIN} deep", asked))
    if identity not in done:
        source = _mapping(text, str(path))
        source.files = (path,)
        done[identity] = _extended(source, path, (*chain, identity), done)
    return done[identity]


def _mapping(text: str, where: str) -> Source:
    from pipeline.source.yaml_tree import parse

    tree = parse(text, where)
    if not isinstance(tree.data, dict):
        raise RequestError([*tree.problems, _no_mapping(tree, where)])
    return Source(tree.data, tree.values, tree.keys, tree.secrets, (), tree.problems, tree.variables)


def _no_mapping(tree: Tree, where: str) -> Problem:
    if tree.data is None:
        hint = "A pipeline has at least 'stages:'; 'pipeline new pipeline NAME' writes one to begin with."
        return Problem("the file is empty", Origin(where), None, hint)
    kind = "list" if isinstance(tree.data, list) else "single value"
    hint = "Write 'stages:' and the like at the left edge, with a space or a line break after the ':'."
    return Problem(
        f"a pipeline file is a mapping of keys to values. Got a {kind} instead.", tree.values[()], None, hint
    )


def _extended(source: Source, path: FilePath, chain: tuple[str, ...], done: dict[str, Source]) -> Source:
    """``source`` laid over the files that it extends."""
    if "extends" not in source.data:
        return source
    wanted = source.data.pop("extends")
    if isinstance(wanted, list):
        names = [(name, source.origin(("extends", index))) for index, name in enumerate(wanted)]
    else:
        names = [(wanted, source.origin(("extends",)))]
    source._forget({("extends",)})
    merged = Source({})
    failed: list[Problem] = []
    for name, place in names:
        if not isinstance(name, str):
            source.problems.append(Problem("'extends' must be a file, or a list of files", place))
            continue
        try:
            merged.merge(_read(FilePath(os.path.normpath(path.parent / name)), place, chain, done))
        except RequestError as error:
            failed += error.problems
    if failed:
        raise RequestError([*source.problems, *failed])
    merged.merge(source)
    return merged


def _lay_over(under: dict[str, Any], over: dict[str, Any], at: Path, gone: set[Path]) -> None:
    """Join ``over`` into ``under``; ``gone`` collects the paths whose old value was replaced."""
    for key, value in over.items():
        known = under.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            _lay_over(known, value, (*at, key), gone)
        else:
            if key in under:
                gone.add((*at, key))
            under[key] = _copied(value)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _has(holder: Any, part: str | int) -> bool:
    if isinstance(holder, list):
        return isinstance(part, int) and part < len(holder)
    return isinstance(holder, dict) and part in holder


def parse_value(text: str) -> Any:
    """One value as it stands inside ``[]`` or ``{}``; what begins with no bracket or quote is taken as it is."""
    from pipeline.source.yaml_tree import parse, parse_word

    text = text.strip()
    tree = (parse if text.startswith(("[", "{", '"', "'")) else parse_word)(text, COMMAND_LINE)
    if tree.problems:
        raise RequestError(tree.problems)
    return tree.data


class Override(NamedTuple):
    """One ``key=value`` of the command line.

    ``model[als].factors=8`` has the path (model, factors) and the variant als; a later part keeps its brackets.
    ``origin`` is the value's.
    """

    key: str
    path: tuple[str, ...]
    variant: str | None
    value: Any
    origin: Origin


def _moved(problem: Problem, begin: int, word: str) -> Problem:
    """A problem found in the value of ``word`` at its place in the whole word."""
    within = problem.origin.column if problem.origin and problem.origin.line <= 1 else 1
    return problem._replace(origin=Origin(COMMAND_LINE, 0, begin + max(within, 1), word))


_PART = r"\.[^\s.\[\]]+(?:\[[^\s\[\]]+\])?"
_KEY = re.compile(rf"([^\s.\[\]]+)(?:\[([^\s\[\]]+)\])?((?:{_PART})*)")
_PLAIN_KEY = re.compile(r"([^\s.\[\]]+)(?:\[([^\s\[\]]+)\])?((?:\.[^\s.\[\]]+)*)")


def read_override(word: str) -> Override:
    """The override that ``word`` says; RequestError with the place in the word where it says none."""
    key, equals, text = word.partition("=")
    example = "Write KEY=VALUE, for example model.latent_dim=8 or model[als].factors=8."
    if not equals:
        suggestion = re.sub(r":\s*", "=", word, count=1) if re.match(r"[\w.\[\]]+:", word) else None
        origin = Origin(COMMAND_LINE, 0, len(word) + 1, word)
        raise RequestError(Problem("this override has no '='", origin, suggestion, example))
    # Behind "sweep" stand the names of dimensions, with stages and variants of their own.
    pattern = _KEY if key.startswith("sweep.") else _PLAIN_KEY
    match = pattern.fullmatch(key)
    if not match:
        begun = pattern.match(key)
        origin = Origin(COMMAND_LINE, 0, begun.end() + 1 if begun else 1, word)
        raise RequestError(Problem("the key of this override cannot be read", origin, None, example))
    path = (match[1], *(part[1:] for part in re.findall(_PART, match[3])))
    if len(path) > MAX_DEPTH:
        origin = Origin(COMMAND_LINE, 0, 1, word)
        raise RequestError(Problem(f"the key of this override has more than {MAX_DEPTH} parts", origin, None, example))
    begin = len(word) - len(text.lstrip())
    try:
        value = parse_value(text)
    except RequestError as error:
        raise RequestError(_moved(problem, begin, word) for problem in error.problems) from None
    return Override(key, path, match[2], value, Origin(COMMAND_LINE, 0, begin + 1, word))
