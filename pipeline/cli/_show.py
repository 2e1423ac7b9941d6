"""What several subcommands share to show tables; plain text, because a table library would double their start-up."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence

import click

_GAP = "  "
_NARROWEST = 30


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> None:
    """A table without lines; the columns named in ``right`` are aligned there, the last one is folded on a terminal."""
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    before = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    # A pipe has no width: there a line stays a line for grep.
    room = max(shutil.get_terminal_size().columns - before, _NARROWEST) if sys.stdout.isatty() else None
    for number, row in enumerate(cells):
        aligned = [
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(row, widths, header, strict=True)
        ]
        folded = textwrap.wrap(row[-1], room) if room and len(row[-1]) > room else [aligned[-1]]
        lines = [_GAP.join([*aligned[:-1], folded[0]]), *(" " * before + part for part in folded[1:])]
        click.echo(click.style("\n".join(line.rstrip() for line in lines), bold=number == 0))


def size(count: int) -> str:
    """Bytes as a person says them: 812 B, 3.4 MB."""
    number = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def when(seconds: float) -> str:
    """A moment, in seconds since the epoch, as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
