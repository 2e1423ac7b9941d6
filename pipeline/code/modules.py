"""Where modules are and which version a library has, without importing anything."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

_DISTRIBUTIONS = {"PIL": "pillow", "bs4": "beautifulsoup4", "cv2": "opencv-python", "skimage": "scikit-image"}
_DISTRIBUTIONS |= {"sklearn": "scikit-learn", "yaml": "PyYAML"}

ABSENT = "absent"


class Module(NamedTuple):
    """A module that was found: its file (None for a namespace package), and where its submodules are if it has any."""

    name: str
    path: str | None
    folders: tuple[str, ...] | None

    @property
    def package(self) -> str:
        """What a relative import in it starts from."""
        return self.name if self.folders is not None else self.name.rpartition(".")[0]


def locate(name: str) -> Module | None:
    """Where the module is: where it was imported from if it was, else where it would be; None where there is none."""
    loaded = sys.modules.get(name)
    file = getattr(loaded, "__file__", None)
    if loaded is not None and file:
        folders = getattr(loaded, "__path__", None)
        return Module(name, file, None if folders is None else tuple(folders))
    parent, _, _ = name.rpartition(".")
    try:
        if parent:
            package = locate(parent)
            spec = None
            if package and package.folders:
                spec = _found(name, package.folders, tuple(map(_changed, package.folders)))
        else:
            spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    folders = spec.submodule_search_locations
    return Module(name, spec.origin if spec.has_location else None, None if folders is None else tuple(folders))


@lru_cache(maxsize=4096)
def _found(name: str, folders: tuple[str, ...], changed: tuple[int, ...]) -> ModuleSpec | None:
    """What a package's folders hold under that name; asked again only where a folder has changed."""
    return PathFinder.find_spec(name, folders)


def _changed(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0


def is_library(top: str) -> bool:
    """Whether a top-level module is installed, or missing; else it is somebody's own code, which changes freely."""
    module = locate(top)
    if module is None or (module.path is None and not module.folders):
        return True
    place = module.path or (module.folders or ("",))[0]
    return "site-packages" in place or "dist-packages" in place


def library_version(top: str) -> str:
    """The version of the distribution that a top-level module belongs to; ``absent`` where there is none."""
    module = locate(top)
    if module is None:
        return ABSENT
    distribution = _DISTRIBUTIONS.get(top, top)
    if place := module.path or next(iter(module.folders or ()), None):
        folder = Path(place).parents[1] if module.path and module.folders is not None else Path(place).parent
        if known := _versions(str(folder)).get(_normal(distribution)):
            return known
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return ", ".join(version(owner) for owner in sorted(set(_owners().get(top, ())))) or ABSENT


@cache
def _owners() -> Mapping[str, list[str]]:
    from importlib.metadata import packages_distributions

    return packages_distributions()  # reads the file list of everything that is installed


@cache
def _versions(folder: str) -> dict[str, str]:
    """Versions by distribution, from the names of ``.dist-info`` folders: reading their metadata costs 1.5 ms each."""
    found = {}
    for entry in os.listdir(folder):
        if entry.endswith(".dist-info"):
            name, _, version = entry.removesuffix(".dist-info").rpartition("-")
            found[_normal(name)] = version
    return found


def _normal(distribution: str) -> str:
    return distribution.lower().replace("-", "_").replace(".", "_")
