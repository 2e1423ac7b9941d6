"""Everything that can go wrong and that a user can mend.

    PipelineError                exit status 1
    ├── RequestError             2: the request is wrong: file, arguments, plugins; carries every Problem found
    ├── StageError               1: a stage raised, timed out or lacks a library
    ├── StoreError               1: the artifact store cannot be read or written
    └── DataError                1: a data set is missing, damaged or not as described

Whatever is not one of these is a defect of ours, and the only thing ever shown with a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Origin(NamedTuple):
    """Where a value came from: a place in a file, a word on the command line, or a default.

    ``line`` and ``column`` count from 1. ``text`` is the line itself (or the command-line word), kept so that an error
    can show it even after the file has changed.
    """

    where: str
    line: int = 0
    column: int = 0
    text: str = ""

    def __str__(self) -> str:
        return f"{self.where}:{self.line}:{self.column}" if self.line else self.where


class Problem(NamedTuple):
    """One thing that is wrong: where it is, what is wrong, what was meant, what to do next."""

    message: str
    origin: Origin | None = None
    suggestion: str | None = None
    hint: str | None = None

    def render(self) -> str:
        """At most six lines of plain text, the offending line with a caret among them."""
        place = f"{self.origin}: " if self.origin else ""
        lines = [f"{place}{self.message}"]
        if self.origin and self.origin.text.strip():
            lines += _excerpt(self.origin)
        if self.suggestion:
            lines.append(f"  Did you mean {self.suggestion!r}?")
        if self.hint:
            lines.append(f"  {self.hint}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, str | int | None]:
        """The same as data, for ``--json``."""
        origin = self.origin or Origin("")
        return {
            "message": self.message,
            "file": origin.where or None,
            "line": origin.line or None,
            "column": origin.column or None,
            "suggestion": self.suggestion,
            "hint": self.hint,
        }


def _excerpt(origin: Origin, width: int = 100) -> list[str]:
    """The offending line and a caret under its column; a long line is cut around the caret."""
    start = max(0, origin.column - 1 - width // 2) if len(origin.text) > width else 0
    # A terminal must not obey what a file holds: what cannot be printed is shown as one sign.
    shown = "".join(
        c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in origin.text[start : start + width]
    )
    gutter = f"  {origin.line} | " if origin.line else "  "
    before = shown[: max(origin.column - 1 - start, 0)]
    return [gutter + shown.rstrip(), " " * (len(gutter) + sum(map(_cells, before))) + "^"]


def _cells(character: str) -> int:
    """How many columns of a terminal a character takes."""
    if character.isascii():
        return 1
    import unicodedata

    return 0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1


class PipelineError(Exception):
    """Base of every error that a user can mend; shown as its message, never with a traceback."""

    exit_status = 1


class RequestError(PipelineError):
    """The request cannot be carried out as it stands: nothing has been run."""

    exit_status = 2

    def __init__(self, problems: Problem | str | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(problem.render() for problem in self.problems))

    def __reduce__(self) -> tuple[type[RequestError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class StageError(PipelineError):
    """A stage could not do its work; ``stage`` is its name in the pipeline, ``details`` the traceback as text."""

    def __init__(self, stage: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.stage, self.message, self.details = stage, message, details

    def __reduce__(self) -> tuple[type[StageError], tuple[str, str, str]]:
        return type(self), (self.stage, self.message, self.details)


class StoreError(PipelineError):
    """The artifact store cannot be read or written."""


class DataError(PipelineError):
    """A data set is missing, damaged, or not of the form that was asked for."""


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that ``word`` was probably meant to be, or None."""
    import difflib

    choices = list(candidates)
    folded = {choice.lower().replace("-", "_"): choice for choice in choices}
    matches = difflib.get_close_matches(word.lower().replace("-", "_"), list(folded), n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def listing(names: Sequence[str] | Iterable[str], limit: int = 12) -> str:
    """Names as one readable phrase: ``a, b, c and 4 more``."""
    shown = sorted(names)
    if len(shown) <= limit:
        return ", ".join(shown)
    return ", ".join(shown[:limit]) + f" and {len(shown) - limit} more"
