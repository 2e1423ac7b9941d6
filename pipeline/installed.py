"""What the installed distributions offer under an entry point group, remembered until something is installed.

Reading it off everyone's metadata costs a tenth of ``pipeline check``.
"""

from __future__ import annotations

import os
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline import memo

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

ENTRY_POINTS = "entry_points.txt"


class Offer(NamedTuple):
    """An entry point: ``target`` is its module, or an attribute of it (``module:name``).

    missing: requirements of its extras that are not installed; what it needs beyond its distribution is in the extra
        that is named like it, unless it names others.
    """

    name: str
    target: str
    distribution: str
    version: str
    extras: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def module(self) -> str:
        """The module that is imported."""
        return self.target.split(":")[0].strip()

    def load(self) -> Any:
        """Import it."""
        found = import_module(self.module)
        for attribute in filter(None, self.target.partition(":")[2].strip().split(".")):
            found = getattr(found, attribute)
        return found


def offers(group: str) -> list[Offer]:
    """The group's entry points, of all that can be imported from the present path."""
    name = f"{group}-{zlib.crc32(repr(sys.path).encode()):08x}"
    now = [_installed(place) for place in sys.path]
    kept = memo.recall("installed", name)
    with suppress(TypeError, ValueError, KeyError):
        if kept["installed"] == now and all(_changed(file) == time for file, time in kept["files"].items()):
            return [Offer(*row[:-2], *map(tuple, row[-2:])) for row in kept["offers"]]
    found: list[Offer] = []
    files: dict[str, int | None] = {}
    for distribution in _distributions(group):
        if folder := getattr(distribution, "_path", None):
            files[f"{folder}/{ENTRY_POINTS}"] = _changed(f"{folder}/{ENTRY_POINTS}")
        found += [_offer(point, distribution) for point in distribution.entry_points.select(group=group)]
    memo.keep("installed", name, {"installed": now, "files": files, "offers": found})
    return found


def _installed(place: str) -> int | None:
    """Changes when a distribution comes to a place on the path, goes, or is replaced."""
    try:
        with os.scandir(place or ".") as entries:
            infos = [entry for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
            return zlib.crc32(repr(sorted((info.name, info.stat().st_mtime_ns) for info in infos)).encode())
    except OSError:
        return _changed(place)


def _changed(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


def _distributions(group: str) -> Iterator[Distribution]:
    """Those that have entry points in the group."""
    from importlib.metadata import distributions

    seen = set()
    for found in distributions():
        if f"[{group}]" in (found.read_text(ENTRY_POINTS) or ""):
            name = found.metadata["Name"]
            # The first on the path is the one that is imported.
            if name not in seen:
                seen.add(name)
                yield found


def _offer(point: EntryPoint, distribution: Distribution) -> Offer:
    extras = tuple(point.extras) or (point.name,)
    target = point.value.split("[")[0].strip()
    missing = tuple(_missing_requirements(distribution, extras))
    return Offer(point.name, target, distribution.metadata["Name"], distribution.version, extras, missing)


def _missing_requirements(distribution: Distribution, extras: tuple[str, ...]) -> list[str]:
    """Names of the requirements of an entry point's extras that are not installed."""
    markers = {f"extra == {quote}{extra}{quote}" for extra in extras for quote in "'\""}
    wanted = [text for text in distribution.requires or () if any(marker in text for marker in markers)]
    absent = [text for text in wanted if not _is_installed(re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0])]
    if not absent:
        return []
    from packaging.requirements import Requirement

    # Only now is it worth reading the markers: some may not be meant for this machine.
    requirements = [Requirement(text) for text in absent]
    return [r.name for r in requirements if r.marker and any(r.marker.evaluate({"extra": extra}) for extra in extras)]


def _is_installed(name: str) -> bool:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
