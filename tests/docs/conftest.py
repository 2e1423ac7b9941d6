"""The pages of the manual, and the blocks that stand in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md"))

# A comment before a block says how its commands are tested; without one, runs and sweeps are checked, others executed.
_BLOCK = re.compile(
    r"(?:^<!-- (?P<how>.+?) -->\n)?^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
HOW = re.compile(r"run|fails|parsed|not run: .+")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file that it stands for, and how its commands are tested."""

    language: str
    title: str
    text: str
    how: str


def blocks(page: Path) -> list[Block]:
    """In the order of the page."""
    return [
        Block(found["language"], found["title"] or "", found["text"], found["how"] or "")
        for found in _BLOCK.finditer(page.read_text())
    ]
