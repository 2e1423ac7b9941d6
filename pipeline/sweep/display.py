"""What a person sees of a sweep: one line while it goes on, the best five at the end."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.hooks import hookimpl
from pipeline.records import Run, RunOutcome
from pipeline.terminal import duration, number

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.result import Result
    from pipeline.sweep.session import Session

SHOWN = 5


@dataclass
class Progress:
    """Trials done, running, failed; the best so far and its configuration; the time that is left."""

    session: Session | None = None
    began: float = 0.0
    stage: str = "starting"

    def begin(self, session: Session) -> None:
        """Learn whose progress it is."""
        self.session = session
        self._before = len(session.trials)

    @hookimpl
    def pipeline_stage_started(self, run: Run, stage: str) -> None:
        """Before the first trial, what is being shared."""
        self.stage = f"{stage} (shared by all trials)" if run.parent is None else ""

    @hookimpl
    def pipeline_run_started(self, run: Run) -> None:
        """A trial begins."""
        if run.parent is not None:
            self.stage = ""
            self.began = self.began or time.monotonic()

    def line(self) -> str:
        """The state of things."""
        session = self.session
        if session is None:
            return "starting"
        done, total = len(session.trials), session.agenda.total
        failed = sum(trial.record.state == "failed" for trial in session.trials)
        stopped = sum(trial.record.state == "stopped" for trial in session.trials)
        parts = [f"{done}{f' of {total}' if total else ''} done", f"{len(session.live)} running"]
        parts += [f"{stopped} stopped early"] if stopped else []
        parts += [f"{failed} failed"] if failed else []
        if (best := session.best) is not None:
            value = session.values[best.record.number][0]
            parts.append(
                f"best {session.request.objective.metric} {number(value)} ({_words(best.record.configuration)})"
            )
        new = done - self._before
        if total and new:
            left = (time.monotonic() - self.began) / new * (total - done)
            parts.append(f"{duration(left)} left")
        if self.stage:
            parts.append(self.stage)
        return ", ".join(parts)

    def __rich__(self) -> Any:
        from rich.text import Text

        return Text(self.line(), no_wrap=True, overflow="ellipsis")


class Lines:
    """One dated line for each trial that ended: for logs and pipes."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @hookimpl
    def pipeline_run_finished(self, run: Run, outcome: RunOutcome) -> None:
        """How it stands."""
        if run.parent is not None:
            error = f": {outcome.error}" if outcome.error else ""
            state = outcome.tags.get("pipeline.state", outcome.status)
            text = f"{time.strftime('%H:%M:%S')} {run.name} {state}{error}; {self._progress.line()}"
            print(text, file=sys.stderr, flush=True)


@contextmanager
def display(quiet: bool = False) -> Iterator[tuple[Progress, list[object]]]:
    """Yield the progress and the observers that show it."""
    progress = Progress()
    if quiet:
        yield progress, []
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.live import Live

        with Live(progress, console=Console(stderr=True), refresh_per_second=4, transient=True):
            yield progress, [progress]
    else:
        yield progress, [progress, Lines(progress)]


def print_result(result: Result, file: Path) -> None:
    """The best five, how it ended, and where to look next."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for warning in result.warnings:
        console.print(Text(f"warning: {warning}", "yellow"))
    failed = [run for run in result.runs if run.outcome.error]
    if failed:
        console.print(Text(f"{len(failed)} runs failed; {failed[0].run.name}: {failed[0].outcome.error}", "red"))
    if result.comparison.groups:
        console.print(best_table(result))
    if best := result.extra.get("best"):
        values = ", ".join(f"{metric} {number(value)}" for metric, value in best["values"].items())
        console.print(f"best: trial {best['trial']}, {values}: {_words(best['configuration'])}")
    if "pareto" in result.extra:
        console.print(f"{len(result.extra['pareto'])} configurations on the Pareto front")
    console.print(f"{result.status}: {len(result.runs)} runs")
    if result.mlflow_run_id:
        place = f"MLflow run {result.mlflow_run_id} in experiment {result.experiment!r}"
        console.print(f"{place}: report.html is among its artifacts; open it: pipeline ui")
        console.print(f"run the best: pipeline run {shlex.quote(str(file))} --from {result.mlflow_run_id}")


def best_table(result: Result) -> Any:
    """One row for each of the best five configurations."""
    from rich.table import Table

    directions = result.comparison.directions
    metric, mode = next(iter(directions.items()))
    having = [group for group in result.comparison.groups if metric in group.metrics]
    ranked = sorted(having, key=lambda g: g.metrics[metric].mean * (1 if mode == "min" else -1))[:SHOWN]
    names = list(dict.fromkeys(name for group in ranked for name in group.params))
    table = Table(*directions, *names, box=None, header_style="bold")
    for group in ranked:
        cells = []
        for wanted in directions:
            stats = group.metrics.get(wanted)
            spread = f" ± {stats.std:.2g}" if stats and stats.std is not None else ""
            cells.append(f"{number(stats.mean)}{spread}" if stats else "")
        table.add_row(*cells, *(_shown(group.params.get(name)) for name in names))
    return table


def _words(configuration: dict[str, Any] | Any) -> str:
    return " ".join(f"{name}={_shown(value)}" for name, value in configuration.items())


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
