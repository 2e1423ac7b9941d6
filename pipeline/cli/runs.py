"""``pipeline runs``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli._load import json_option, print_json
from pipeline.cli._show import print_table, when

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.tracking.history import RecordedRun


@click.command("runs")
@click.option("--experiment", metavar="NAME", help="Only the runs of this experiment.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@json_option
def command(experiment: str | None, limit: int, as_json: bool) -> int:
    """Recorded runs, newest first.

    \b
    pipeline runs
    pipeline runs --experiment vae-digits --limit 100
    """
    from pipeline.tracking.history import History

    runs = History(Path.cwd()).runs(experiment, limit)
    if as_json:
        print_json({"runs": [run_document(run) for run in runs]})
    elif runs:
        print_runs(runs)
    else:
        click.echo("nothing has been recorded here yet; `pipeline run FILE` does", err=True)
    return 0


def run_document(run: RecordedRun) -> dict[str, Any]:
    """A recorded run as data."""
    return {
        "id": run.id,
        "name": run.name,
        "experiment": run.experiment,
        "status": run.status,
        "started": run.started,
        "seconds": run.seconds,
        "parent": run.parent,
        "params": dict(run.params),
        "metrics": dict(run.metrics),
    }


def print_runs(runs: Iterable[RecordedRun]) -> None:
    """One line for each run."""
    from pipeline.terminal import duration

    rows = [
        [
            run.id[:12],
            when(run.started),
            run.status,
            "" if run.seconds is None else duration(run.seconds),
            run.experiment,
            run.name,
            (run.parent or "")[:12],
        ]
        for run in runs
    ]
    print_table(["run", "started", "status", "took", "experiment", "name", "below"], rows, right=["took"])
