"""Where a session keeps what it makes: the artifact store, and MLflow."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.plugins import Plugins

if TYPE_CHECKING:
    from pipeline.store import Store
    from pipeline.tracking import Tracking

FOLDER = ".pipeline"


def open_store(location: Store | str | Path | None, plugins: Plugins | None = None) -> Store | None:
    """The store at ``location``; ``PIPELINE_STORE`` overrides the default one.

    Without ``plugins`` it can be looked at, but what needs a plugin's codec or classes cannot be loaded.
    """
    from pipeline.store import Store

    if location is None or isinstance(location, Store):
        return location
    if location == FOLDER:
        location = os.environ.get("PIPELINE_STORE", FOLDER)
    if plugins is None:
        return Store.open(location)
    return Store.open(location, codecs=plugins.codecs(), packages=plugins.packages)


def open_tracking() -> Tracking:
    """What tells MLflow of the runs of a session in this working folder."""
    from pipeline.tracking import Tracking

    return Tracking(Path.cwd())


def artifact_loader(store: Store | None) -> Callable[[str], Any] | None:
    """Loads what a stage returned by its cache key; KeyError where it is gone."""
    if store is None:
        return None

    def load(key: str) -> Any:
        entry = store.get(key)
        if entry is None:
            raise KeyError("the artifact is no longer in the store")
        return store.load(entry)

    return load
