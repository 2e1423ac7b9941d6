"""``pipeline sweep``."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli._load import file_argument, json_option, load, overrides_argument, print_json, trust_option

if TYPE_CHECKING:
    from pipeline.plan import Plan


@click.command("sweep")
@file_argument
@overrides_argument
@click.option("--trials", type=click.IntRange(1), metavar="N", help="How many configurations to try.")
@click.option("--resume", is_flag=True, help="Go on with the same sweep, after an interruption or with more trials.")
@click.option("--address", metavar="RAY", help="A Ray cluster: auto or HOST:PORT; RAY_ADDRESS too.")
@click.option(
    "--from", "earlier_runs", multiple=True, metavar="RUN", help="Learn from an earlier sweep's trials first."
)
@click.option("--fresh", is_flag=True, help="Compute again what is cached.")
@trust_option
@json_option
def command(
    file: Path,
    overrides: tuple[str, ...],
    trials: int | None,
    resume: bool,
    address: str | None,
    earlier_runs: tuple[str, ...],
    fresh: bool,
    trust: bool,
    as_json: bool,
) -> int:
    """Search the hyperparameters of the pipeline in FILE, as its sweep: section says.

    \b
    pipeline sweep pipelines/sweep/quickstart.yaml
    pipeline sweep vae.yaml sweep.search=random --trials 100
    pipeline sweep vae.yaml --resume --trials 200
    """
    from pipeline.sweep.display import display, print_result
    from pipeline.sweep.tracked import tracked_sweep

    plan = load(file, overrides, trust, sweep=True).plan
    resume = resume or _go_on(plan, trials, quiet=as_json)
    # Ray and a stage may print; only the document goes to standard output.
    with redirect_stdout(sys.stderr), display(quiet=as_json) as (progress, observers):
        result = tracked_sweep(
            plan,
            trials=trials,
            resume=resume,
            address=address,
            fresh=fresh,
            warm_start=earlier_runs,
            command=["pipeline", *sys.argv[1:]],
            observers=observers,
            started=progress.begin,
        )
    if as_json:
        print_json(result.as_dict())
    else:
        print_result(result, file)
    if result.status == "finished" and any(run.outcome.status == "failed" for run in result.runs):
        return 1
    return {"finished": 0, "failed": 1, "interrupted": 130}[result.status]


def _go_on(plan: Plan, trials: int | None, quiet: bool) -> bool:
    """Whether to take up the same sweep where it was left; asked on a terminal, else said."""
    from pipeline.sweep import earlier

    before = earlier(plan, trials)
    if before is None or before.complete:
        return False
    sentence = f"This sweep was begun before and has not finished: {before.ended} runs are done."
    if sys.stdin.isatty() and sys.stderr.isatty() and not quiet:
        return click.confirm(f"{sentence} Go on with it?", default=True, err=True)
    if not quiet:
        click.echo(f"{sentence} It begins anew; --resume goes on with it.", err=True)
    return False
