"""Makes room in the store: what was used longest ago goes first, and nothing that may be in use goes at all."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.store.blobs import Files
from pipeline.store.entry import Entry, entry_name
from pipeline.store.files import Listed, LocalFiles

_GRACE = 3600.0  # seconds that a writer may take between its first blob and its entry
_FOLDERS = ("entries", "objects", "checkpoints", "last", "damaged", "tmp")


@dataclass(frozen=True)
class Freed:
    """What was removed: ``entries`` counts results and abandoned checkpoints, ``bytes`` the files."""

    entries: int
    bytes: int


@dataclass
class _Kept:
    """A result or a checkpoint that may go."""

    name: str
    last_used: float
    size: int
    blobs: Sequence[str] = field(default_factory=tuple)


def prune(files: Files, entries: Sequence[Entry], max_size: int | None, older_than: float | None) -> Freed:
    """Remove what is too old, then what is too much, then what nothing refers to."""
    now = time.time()
    objects = {file.name.rpartition("/")[2]: file for file in files.listing("objects")}
    candidates = sorted([*map(_result, entries), *_checkpoints(files)], key=lambda kept: kept.last_used)
    users = Counter(digest for kept in candidates for digest in kept.blobs)
    total = sum(kept.size for kept in candidates) + sum(objects[digest].size for digest in users if digest in objects)
    removed = freed = 0
    for kept in candidates:
        too_old = older_than is not None and now - kept.last_used > older_than
        too_much = max_size is not None and total > max_size
        if not (too_old or too_much):
            continue
        files.remove(kept.name)
        removed, freed, total = removed + 1, freed + kept.size, total - kept.size
        users.subtract(kept.blobs)
        total -= sum(objects[digest].size for digest in kept.blobs if users[digest] == 0 and digest in objects)
    for file in [*(file for digest, file in objects.items() if users[digest] <= 0), *_leavings(files)]:
        if now - file.modified > _GRACE:
            files.remove(file.name)
            freed += file.size
    _remove_free_locks(files, now - _GRACE)
    return Freed(removed, freed)


def clear(files: Files) -> Freed:
    """Remove everything but the locks, which running processes may hold."""
    removed = freed = 0
    for folder in _FOLDERS:
        listed = list(files.listing(folder))
        removed += sum(file.name.endswith(".json") for file in listed) if folder in ("entries", "checkpoints") else 0
        freed += sum(file.size for file in listed)
        files.remove(folder)
    return Freed(removed, freed)


def _result(entry: Entry) -> _Kept:
    return _Kept(entry_name(entry.key), entry.last_used, entry.overhead, tuple(entry.blobs))


def _checkpoints(files: Files) -> list[_Kept]:
    found: dict[str, _Kept] = {}
    for file in files.listing("checkpoints"):
        folder = "/".join(file.name.split("/")[:2])
        kept = found.setdefault(folder, _Kept(folder, 0.0, 0))
        kept.last_used = max(kept.last_used, file.modified)
        kept.size += file.size
    return list(found.values())


def _leavings(files: Files) -> list[Listed]:
    """What killed processes and damaged results left behind."""
    return [file for folder in ("damaged", "tmp") for file in files.listing(folder)]


def _remove_free_locks(files: Files, before: float) -> None:
    from filelock import FileLock, Timeout

    for file in LocalFiles(files.root).listing("locks"):
        if file.modified < before:
            path = files.root / file.name
            try:
                with FileLock(path, timeout=0):
                    path.unlink(missing_ok=True)
            except Timeout:
                continue
