"""``pipeline report``."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli._load import json_option, print_json


@click.command("report")
@click.argument("run")
@click.option(
    "--to", type=click.Path(path_type=Path), metavar="FOLDER", help="Where to write it; report-RUN by default."
)
@click.option("--metric", metavar="NAME", help="What to judge by, for runs that something else has tracked.")
@click.option("--mode", type=click.Choice(["min", "max"]), help="Which end of the metric is better, for the same.")
@json_option
def command(run: str, to: Path | None, metric: str | None, mode: str | None, as_json: bool) -> int:
    """Make a sweep's report again from what MLflow has recorded of it.

    RUN is the parent's name or id; for what other tools have tracked also the name of an experiment.

    \b
    pipeline report 3f2a91
    pipeline report my-experiment --metric val_loss --mode min
    """
    from pipeline.sweep.past import past_study
    from pipeline.sweep.report import write

    study = past_study(run, metric=metric, mode=mode)
    folder = to or Path(f"report-{run[:12] if len(run) == 32 else run}")
    written = []
    for file in write(study):
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        written.append(str(path))
    best = study.best
    if as_json:
        document = {
            "experiment": study.experiment,
            "runs": len(study.records),
            "best": None if best is None else {"trial": best.number, "configuration": best.configuration,
                                               "values": dict(zip((o.metric for o in study.objectives), best.values,
                                                                  strict=True))},
            "files": written,
        }  # fmt: skip
        print_json(document)
    else:
        click.echo(f"{written[0]}: {len(study.records)} runs")
    return 0
