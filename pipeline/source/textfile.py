"""Text files that a user names: their content, or what is wrong with the name or the bytes."""

from __future__ import annotations

import codecs
import itertools
import os
import stat
from pathlib import Path

from pipeline.errors import Origin, Problem, RequestError, closest, listing

MAX_BYTES = 5_000_000


def read_content(path: Path, asked: Origin | None = None) -> str:
    """The text of a file of at most MAX_BYTES of UTF-8, or a RequestError; ``asked`` is where the file was named."""
    return _decoded(_content(path, asked), str(path))


def refuse_size(count: int, where: str, asked: Origin | None = None) -> None:
    """RequestError where ``count`` bytes or characters are too many."""
    if count > MAX_BYTES:
        hint = "Keep data in files of their own, and name them here."
        raise RequestError(Problem(f"{where!r} is larger than {MAX_BYTES // 1_000_000} MB", asked, None, hint))


def _content(path: Path, asked: Origin | None) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            files = _pipeline_files(path)
            hint = f"Name a file in it: {listing(files)}." if files else "There is no pipeline file in it."
            raise RequestError(Problem(f"{str(path)!r} is a folder", asked, None, hint))
        if not stat.S_ISREG(mode):
            raise RequestError(Problem(f"{str(path)!r} is not a regular file", asked))
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise RequestError(_missing(path, asked)) from None
    except OSError as error:
        raise RequestError(Problem(f"{str(path)!r} cannot be read: {error.strerror}", asked)) from None
    refuse_size(len(content), str(path), asked)
    return content


def _missing(path: Path, asked: Origin | None) -> Problem:
    absent = path
    while not os.path.isdir(absent.parent) and absent.parent != absent.parent.parent:
        absent = absent.parent
    if absent == path:
        names, kind = _pipeline_files(path.parent), "file"
        same_stem = [name for name in names if Path(name).stem == path.stem]
        match = next(iter(same_stem), None) or closest(path.name, names)
    else:
        names, kind = [], "folder"
        match = closest(absent.name, (name for name, is_folder in _entries(absent.parent) if is_folder))
    suggestion = str(absent.with_name(match) / path.relative_to(absent)) if match else None
    hint = f"Pipeline files there: {listing(names)}." if names and not match else None
    return Problem(f"there is no {kind} {str(absent)!r}", asked, suggestion, hint)


def _pipeline_files(folder: Path) -> list[str]:
    return sorted(
        name
        for name, is_folder in _entries(folder)
        if not is_folder and name.endswith((".yaml", ".yml")) and not name.startswith(".")
    )


def _entries(folder: Path, most: int = 1000) -> list[tuple[str, bool]]:
    try:
        with os.scandir(folder) as entries:
            return [(entry.name, entry.is_dir()) for entry in itertools.islice(entries, most)]
    except OSError:
        return []


def _decoded(content: bytes, where: str) -> str:
    hint = "Save it as UTF-8 text."
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE))
    if wide or max(content[0::2].count(0), content[1::2].count(0)) > len(content) / 4:
        raise RequestError(Problem(f"{where} is UTF-16 or UTF-32 text, not UTF-8", Origin(where), None, hint))
    if b"\0" in content:
        raise RequestError(Problem(f"{where} is not a text file", Origin(where), None, "It holds NUL bytes."))
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        start = content.rfind(b"\n", 0, error.start) + 1
        line = content[start:].split(b"\n", 1)[0].decode(errors="replace")
        column = len(content[start : error.start].decode()) + 1
        origin = Origin(where, content.count(b"\n", 0, start) + 1, column, line)
        raise RequestError(Problem(f"byte 0x{content[error.start]:02x} is not UTF-8", origin, None, hint)) from None
