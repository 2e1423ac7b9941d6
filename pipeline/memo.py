"""What was read off code and installed packages before, kept on disk between processes; all of it can be made again."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any


def recall(kind: str, name: str) -> Any:
    """The document kept under that name, or None where there is none that can be read."""
    try:
        return json.loads((_folder() / kind / name).read_bytes())
    except (OSError, ValueError):
        return None


def keep(kind: str, name: str, document: Any) -> None:
    """Keep a document where that is possible; a reader sees all of it or nothing."""
    path = _folder() / kind / name
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{name}.{os.getpid()}")
        temporary.write_text(json.dumps(document))
        temporary.replace(path)


@cache
def _folder() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("experiment-pipeline")
