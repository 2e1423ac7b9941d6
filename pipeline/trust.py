"""Which local plugin files may run: trust is given once, for one content of a file."""

from __future__ import annotations

import json
import os
from pathlib import Path


def _ledger() -> Path:
    import platformdirs

    return platformdirs.user_config_path("experiment-pipeline") / "trusted.json"


def _entries() -> dict[str, str]:
    try:
        return dict(json.loads(_ledger().read_text()))
    except (OSError, ValueError):
        return {}


def _digest(path: Path) -> str:
    from pipeline.code import source_digest

    return source_digest(path)


def is_trusted(path: Path) -> bool:
    """Whether this very content of the file, and of the neighbours it imports, has been trusted before."""
    return _digest(path) in _entries()


def remember(path: Path) -> None:
    """Trust this content of the file from now on, for this user."""
    ledger = _ledger()
    ledger.parent.mkdir(parents=True, exist_ok=True)
    temporary = ledger.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(_entries() | {_digest(path): str(path)}, indent=1))
    temporary.replace(ledger)
