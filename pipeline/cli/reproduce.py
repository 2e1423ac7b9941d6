"""``pipeline reproduce``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from pipeline.cli._load import json_option, load_texts, print_json, trust_option


@click.command("reproduce")
@click.argument("run")
@trust_option
@json_option
def command(run: str, trust: bool, as_json: bool) -> int:
    """Run a recorded run again, nothing taken from the cache, and compare every metric; exit status 1 if any differs.

    What is run is the pipeline that MLflow kept with the run: its file is not needed. RUN is its name, its id, or the
    beginning of its id; the parent of several runs stands for all of them.

    \b
    pipeline reproduce 3f2a91
    pipeline reproduce 3f2a91 --json
    """
    from pipeline import reproduce
    from pipeline.interrupt import leave_quickly
    from pipeline.terminal import display
    from pipeline.tracking.history import History

    history = History(Path.cwd())
    recorded = reproduce.reproducible(history, run)
    texts = {
        f"{reproduce.DOCUMENT} of run {each.id[:12]}": reproduce.recorded_pipeline(history, each) for each in recorded
    }
    pipeline = reproduce.together(load_texts(texts, trust))
    with leave_quickly(), display(pipeline.plan, quiet=as_json) as observers:
        result = pipeline.run(fresh=True, command=["pipeline", *sys.argv[1:]], observers=observers)
    if result.status == "interrupted":
        raise click.Abort
    reports = [reproduce.report(history, each, now) for each, now in zip(recorded, result.runs, strict=True)]
    equal = all(report["equal"] for report in reports)
    if as_json:
        print_json({"equal": equal, "runs": reports})
    else:
        for report in reports:
            _print(report)
    return 0 if equal else 1


def _equal(metrics: int) -> str:
    return "its metric is equal" if metrics == 1 else f"all {metrics} metrics are equal"


def _print(report: dict[str, Any]) -> None:
    title = f"{report['name']} ({report['recorded_run_id'][:12]})"
    if report["status"] != "finished":
        click.echo(f"{title}: {report['status']}: {report['error'] or ''}", err=True)
    elif report["equal"]:
        click.echo(f"{title}: reproduced, {_equal(report['metrics'])}")
    else:
        first, count = report["differences"][0], len(report["differences"])
        click.echo(
            f"{title}: not reproduced, {count} of {report['metrics']} metrics differ, first at stage "
            f"{first['stage']!r}: {first['metric']} was {first['recorded']!r}, is {first['now']!r}"
        )
    if report["outputs"]:
        click.echo(f"  what it returned differs first at stage {report['outputs'][0]!r}")
    for library in report["libraries"]:
        was, now = (library[key] or "not installed" for key in ("recorded", "now"))
        click.echo(f"  {library['name']} was {was}, is {now}")
