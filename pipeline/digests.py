"""Content digests: xxh3, 128 bits, as hexadecimal. They find change and damage, and are no defence against malice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.errors import DataError

Identity = tuple[int, int, int]
"""What tells one version of a file from another without reading it."""

_known: dict[str, tuple[Identity, str]] = {}


def identity(status: os.stat_result) -> Identity:
    """Time of the last change in nanoseconds, size and inode."""
    return status.st_mtime_ns, status.st_size, status.st_ino


def digest_buffers(parts: Iterable[bytes | memoryview]) -> str:
    """The digest of a concatenation."""
    from xxhash import xxh3_128

    state = xxh3_128()
    for part in parts:
        state.update(part)
    return state.hexdigest()


def digest_text(text: str) -> str:
    """The digest of a text's UTF-8."""
    return digest_buffers([text.encode("utf-8", "surrogatepass")])


def remember_digest(path: Path, digest: str) -> None:
    """Take it as known that the file, as it is now, has this digest."""
    _known[str(path)] = identity(os.stat(path)), digest


def file_digest(path: Path) -> str:
    """The digest of a file's content, read once for each version of the file (OSError where it cannot be)."""
    name = str(path)
    with open(path, "rb") as file:
        version = identity(os.fstat(file.fileno()))
        known = _known.get(name)
        if known and known[0] == version:
            return known[1]
        from xxhash import xxh3_128

        digest = hashlib.file_digest(file, xxh3_128).hexdigest()
    _known[name] = version, digest
    return digest


def content_digest(path: Path) -> str:
    """The digest of a file, or of a folder's file names and contents; DataError where they cannot be read."""
    try:
        if not path.is_dir():
            return file_digest(path)
        return digest_text("".join(f"{name}\0{file_digest(path / name)}\n" for name in sorted(_files(path))))
    except FileNotFoundError as error:
        raise DataError(f"{error.filename} does not exist") from error
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}") from error


def _files(folder: Path) -> Iterator[str]:
    """Names of the files below a folder, linked ones too; a folder that is linked into itself is entered once."""
    seen: set[tuple[int, int]] = set()
    for current, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(current)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        for name in files:
            path = Path(current, name)
            if path.is_file():
                yield path.relative_to(folder).as_posix()
