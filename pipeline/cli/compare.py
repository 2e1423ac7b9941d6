"""``pipeline compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli._load import json_option, print_json
from pipeline.cli._show import print_table

if TYPE_CHECKING:
    from pipeline.compare import Statistics


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@json_option
def command(runs: tuple[str, ...], as_json: bool) -> int:
    """Recorded runs side by side: the parameters in which they differ, and their metrics.

    The parent of several runs stands for them: one column for each of its variants, with means and standard deviations
    over their seeds.

    \b
    pipeline compare 3f2a91 77b0c4
    pipeline compare 3f2a91 --json
    """
    from pipeline import side_by_side
    from pipeline.tracking.history import History

    columns = side_by_side.columns(History(Path.cwd()), runs)
    if as_json:
        print_json(side_by_side.document(columns))
        return 0
    names = [column.name for column in columns]
    if params := side_by_side.differing(columns):
        print_table(["param", *names], [[name, *(value or "" for value in row)] for name, row in params.items()])
        click.echo()
    rows = [[name, *map(_cell, row)] for name, row in side_by_side.metrics(columns).items()]
    print_table(["metric", *names], rows, right=names)
    return 0


def _cell(stats: Statistics | None) -> str:
    from pipeline.terminal import number

    if stats is None:
        return ""
    return number(stats.mean) if stats.std is None else f"{number(stats.mean)} ± {stats.std:.2g} (n={stats.n})"
