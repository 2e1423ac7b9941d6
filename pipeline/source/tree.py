"""What a YAML text becomes: plain data, and where each part of it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import Origin, Problem

Path = tuple[str | int, ...]
"""Where a value is in plain data: the keys and list indices that lead to it."""

MAX_DEPTH = 50
MAX_NODES = 100_000


@dataclass(eq=False)
class Tree:
    """Plain data with the places of its values and keys.

    secrets: what was written in place of each value that holds an environment variable; variables: their values.
    problems: what is wrong although the data can be used.
    """

    data: Any = None
    values: dict[Path, Origin] = field(default_factory=dict)
    keys: dict[Path, Origin] = field(default_factory=dict)
    secrets: dict[Path, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict, repr=False)
    problems: list[Problem] = field(default_factory=list)
