"""``pipeline reproduce``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli._load import json_option, load_text, print_json, trust_option

if TYPE_CHECKING:
    from pipeline.tracking.history import History, RecordedRun


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
    from pipeline.reproduce import reproducible
    from pipeline.tracking.history import History

    history = History(Path.cwd())
    reports = [_again(history, recorded, trust, as_json) for recorded in reproducible(history, run)]
    equal = all(report["equal"] for report in reports)
    if as_json:
        print_json({"equal": equal, "runs": reports})
    return 0 if equal else 1


def _again(history: History, recorded: RecordedRun, trust: bool, quiet: bool) -> dict[str, Any]:
    from pipeline import reproduce
    from pipeline.environment import requirements
    from pipeline.interrupt import leave_quickly
    from pipeline.terminal import display

    name = f"{reproduce.DOCUMENT} of run {recorded.id[:12]}"
    pipeline = load_text(reproduce.recorded_pipeline(history, recorded), name, trust)
    with leave_quickly(), display(pipeline.plan, quiet=quiet) as observers:
        result = pipeline.run(fresh=True, command=["pipeline", *sys.argv[1:]], observers=observers)
    if result.status == "interrupted":
        raise click.Abort
    (run,) = result.runs
    stages = [step.name for step in pipeline.plan.runs[0].steps]
    different = reproduce.differences(stages, recorded.metrics, run.metrics)
    lock = history.document(recorded, reproduce.LOCK)
    report = {
        "recorded_run_id": recorded.id,
        "mlflow_run_id": result.mlflow_run_id,
        "status": result.status,
        "error": run.outcome.error,
        "equal": result.status == "finished" and not different,
        "metrics": len({*recorded.metrics, *run.metrics}),
        "differences": [asdict(difference) for difference in different],
        "outputs": reproduce.changed_outputs(history.document(recorded, reproduce.STAGES), run.outcome.stages),
        "libraries": [asdict(each) for each in reproduce.changed_libraries(lock, requirements())] if lock else [],
    }
    if not quiet:
        _print(recorded, report)
    return report


def _print(recorded: RecordedRun, report: dict[str, Any]) -> None:
    title = f"{recorded.name} ({recorded.id[:12]})"
    if report["status"] != "finished":
        click.echo(f"{title}: {report['status']}: {report['error'] or ''}", err=True)
    elif report["equal"]:
        click.echo(f"{title}: reproduced, all {report['metrics']} metrics are equal")
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
