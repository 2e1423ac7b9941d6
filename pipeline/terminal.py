"""What a person sees while runs go on: a live tree on a terminal, plain dated lines elsewhere, then the result."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.hooks import hookimpl
from pipeline.plan import Plan
from pipeline.records import Metrics, Record, Run, RunOutcome, StageOutcome

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pipeline.compare import Comparison, Group
    from pipeline.result import Result

# A session of many runs shows the running ones and the last few that ended.
SHOWN_RUNS = 8
SHOWN_METRICS = 3
SHOWN_ROWS = 20


def number(value: float) -> str:
    """A metric in at most five significant digits."""
    return f"{value:.5g}"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 0.3 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"


@contextmanager
def display(plan: Plan, quiet: bool = False) -> Iterator[list[object]]:
    """Yield the observers that show what goes on: a live tree, lines, or nothing but the errors."""
    if quiet:
        yield []
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.live import Live

        tree = Tree(plan)
        with Live(tree, console=Console(stderr=True), refresh_per_second=8, transient=True):
            yield [tree]
    else:
        yield [Lines()]


class Lines:
    """One dated line for each thing that happens: for logs and pipes."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, str], dict[str, float]] = {}

    def _say(self, run: Run, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {run.name}: {text}", file=sys.stderr, flush=True)

    @hookimpl
    def pipeline_stage_started(self, run: Run, stage: str) -> None:
        """The stage begins."""
        self._say(run, f"{stage} ...")

    @hookimpl
    def pipeline_record(self, run: Run, stage: str, record: Record) -> None:
        """Remember the newest metrics for the line at the stage's end."""
        if isinstance(record, Metrics):
            self._latest.setdefault((run.id, stage), {}).update(record.values)

    @hookimpl
    def pipeline_stage_finished(self, run: Run, outcome: StageOutcome) -> None:
        """The stage ended well."""
        metrics = self._latest.pop((run.id, outcome.name), {})
        shown = "".join(f"  {name} {number(value)}" for name, value in list(metrics.items())[:SHOWN_METRICS])
        self._say(run, f"{outcome.name} {'cached' if outcome.cached else duration(outcome.seconds)}{shown}")

    @hookimpl
    def pipeline_stage_failed(self, run: Run, stage: str, error: str) -> None:
        """The stage raised."""
        self._say(run, f"{stage} failed: {error}")

    @hookimpl
    def pipeline_run_finished(self, run: Run, outcome: RunOutcome) -> None:
        """A run that did not end well is named again."""
        if outcome.status == "interrupted":
            self._say(run, "interrupted")


@dataclass
class _Stage:
    state: str = "waiting"
    began: float = 0.0
    seconds: float = 0.0
    progress: tuple[str, int, int | None] | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    error: str = ""


class Tree:
    """A live tree: each run with its stages, their progress bars and newest metrics."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._total = len(plan.runs)
        self._runs: dict[str, tuple[Run, dict[str, _Stage]]] = {}
        self._ended: dict[str, str] = {}

    def _stage(self, run: Run, name: str) -> _Stage:
        return self._runs.setdefault(run.id, (run, {}))[1].setdefault(name, _Stage())

    @hookimpl
    def pipeline_run_started(self, run: Run) -> None:
        """Show the run with all its stages waiting."""
        if run.seed is None:
            return
        plan = next((p for p in self._plan.runs if p.variants == run.variants and p.seed == run.seed), None)
        self._runs[run.id] = (run, {step.name: _Stage() for step in plan.steps} if plan else {})

    @hookimpl
    def pipeline_stage_started(self, run: Run, stage: str) -> None:
        """Start the stage's clock."""
        shown = self._stage(run, stage)
        shown.state, shown.began = "running", time.monotonic()

    @hookimpl
    def pipeline_progress(self, run: Run, stage: str, label: str, done: int, total: int | None) -> None:
        """Move the stage's bar."""
        self._stage(run, stage).progress = (label, done, total)

    @hookimpl
    def pipeline_record(self, run: Run, stage: str, record: Record) -> None:
        """Show the stage's newest metrics."""
        if isinstance(record, Metrics) and run.seed is not None:
            self._stage(run, stage).metrics.update(record.values)

    @hookimpl
    def pipeline_stage_finished(self, run: Run, outcome: StageOutcome) -> None:
        """Stop the stage's clock."""
        shown = self._stage(run, outcome.name)
        shown.state, shown.seconds = ("cached" if outcome.cached else "finished"), outcome.seconds

    @hookimpl
    def pipeline_stage_failed(self, run: Run, stage: str, error: str) -> None:
        """Show what went wrong."""
        shown = self._stage(run, stage)
        shown.state, shown.error = "failed", error

    @hookimpl
    def pipeline_run_finished(self, run: Run, outcome: RunOutcome) -> None:
        """The run no longer needs its tree."""
        if run.seed is not None:
            self._ended[run.id] = outcome.status

    def __rich__(self) -> RenderableType:
        from rich.text import Text
        from rich.tree import Tree as RichTree

        root = RichTree(Text(self._plan.experiment, style="bold"))
        running = [run_id for run_id in self._runs if run_id not in self._ended]
        for run_id in list(self._ended)[-(SHOWN_RUNS - len(running)) :]:
            run, stages = self._runs[run_id]
            failed = [stage.error for stage in stages.values() if stage.error]
            mark = Text("✗ ", "red") if failed or self._ended[run_id] != "finished" else Text("✓ ", "green")
            root.add(mark + Text(f"{run.name}  {_metrics(_judging(stages))}", "dim") + Text("".join(failed), "red"))
        for run_id in running:
            run, stages = self._runs[run_id]
            branch = root.add(Text(run.name, "bold"))
            for name, stage in stages.items():
                branch.add(_line(name, stage))
        if self._total > 1:
            root.add(Text(f"{len(self._ended)} of {self._total} runs done", "dim"))
        return root


def _judging(stages: Mapping[str, _Stage]) -> Mapping[str, float]:
    """The metrics of the last stage that logged any."""
    logged = [stage.metrics for stage in stages.values() if stage.metrics]
    return logged[-1] if logged else {}


def _metrics(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {number(value)}" for name, value in list(metrics.items())[:SHOWN_METRICS])


def _line(name: str, stage: _Stage) -> RenderableType:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    style = {"waiting": "dim", "running": "cyan", "cached": "green", "finished": "green", "failed": "red"}[stage.state]
    mark = {"waiting": "·", "running": "▸", "cached": "✓", "finished": "✓", "failed": "✗"}[stage.state]
    row = Table.grid(padding=(0, 1))
    cells: list[RenderableType] = [Text(f"{mark} {name}", style)]
    if stage.state == "running":
        cells.append(Text(duration(time.monotonic() - stage.began), "dim"))
        if stage.progress:
            label, done, total = stage.progress
            if total:
                cells.append(ProgressBar(total=total, completed=done, width=24))
            cells.append(Text(f"{done}/{total or '?'} {label}", "dim"))
    elif stage.state == "cached":
        cells.append(Text("cached", "dim"))
    elif stage.state == "finished":
        cells.append(Text(duration(stage.seconds), "dim"))
    cells.append(Text(stage.error, "red") if stage.error else Text(_metrics(stage.metrics)))
    row.add_row(*cells)
    return row


def print_result(result: Result) -> None:
    """How the session ended: errors, the comparison or the metrics, and where to look next."""
    from rich.console import Console
    from rich.text import Text

    # A pipe has no width: a table in a log is better wide than cut.
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
    for run in result.runs:
        if run.outcome.error:
            stage = f" at stage {run.outcome.failed_stage!r}" if run.outcome.failed_stage else ""
            console.print(Text(f"{run.run.name} {run.outcome.status}{stage}: ", "red") + Text(run.outcome.error))
    for warning in result.warnings:
        console.print(Text(f"warning: {warning}", "yellow"))
    if len(result.runs) > 1 and result.comparison.groups:
        console.print(comparison_table(result))
        for sentence in result.comparison.sentences():
            console.print(sentence)
    elif result.runs and result.metrics:
        console.print(metrics_table(result.metrics))
    for line in sentences(result):
        console.print(line, markup=False)
    done = sum(run.outcome.status == "finished" for run in result.runs)
    cached = sum(stage.cached for run in result.runs for stage in run.outcome.stages)
    stages = sum(len(run.outcome.stages) for run in result.runs)
    console.print(f"{result.status}: {done} of {len(result.runs)} runs, {stages} stages ({cached} cached)")
    if registered := result.extra.get("registered"):
        console.print(f"registered as version {registered['version']} of {registered['name']!r}: {registered['uri']}")
    if result.mlflow_run_id:
        console.print(f"MLflow run {result.mlflow_run_id} in experiment {result.experiment!r}; open it: pipeline ui")


def sentences(result: Result) -> list[str]:
    """What stages said in one line each; what all of several runs said alike is told once."""
    told: dict[tuple[str, str], list[str]] = {}
    for run in result.runs:
        for place, text in run.outcome.sentences.items():
            told.setdefault((place, text), []).append(run.run.name)
    lines = []
    for (place, text), names in told.items():
        who = "" if len(names) == len(result.runs) else f"{names[0]}{f' and {len(names) - 1} more' * (len(names) > 1)} "
        lines.append(f"{who}{place}: {text}")
    if len(lines) > SHOWN_ROWS:
        lines[SHOWN_ROWS:] = [f"and {len(lines) - SHOWN_ROWS} more such lines, kept with their runs"]
    return lines


def metrics_table(metrics: Mapping[str, float]) -> Any:
    """One row for each metric, the first ones where there are many."""
    from rich.table import Table

    table = Table("metric", "value", box=None, header_style="bold")
    table.columns[1].justify = "right"
    for name, value in list(metrics.items())[:SHOWN_ROWS]:
        table.add_row(name, number(value))
    if len(metrics) > SHOWN_ROWS:
        table.add_row(f"and {len(metrics) - SHOWN_ROWS} more", "")
    return table


def comparison_table(result: Result) -> Any:
    """The groups side by side on each metric that judges; the best in bold with a star. The longer side goes down."""
    from rich.table import Table

    comparison = result.comparison
    having = [m for m in comparison.directions if any(m in group.metrics for group in comparison.groups)]
    metrics = having or list(comparison.groups[0].metrics)[:SHOWN_ROWS]
    heads = {m: m + {"max": " ↑", "min": " ↓"}.get(comparison.directions.get(m, ""), "") for m in metrics}
    cells = {(g.name, m): _cell(comparison, g, m) for g in comparison.groups for m in metrics}
    table = Table(
        header_style="bold", title="mean ± standard deviation [95 % interval] over runs", title_justify="left"
    )
    if len(metrics) <= len(comparison.groups):
        table.add_column("variant")
        table.add_column("runs", justify="right")
        for metric in metrics:
            table.add_column(heads[metric], justify="right")
        for group in comparison.groups:
            table.add_row(group.name, str(len(group.runs)), *(cells[group.name, metric] for metric in metrics))
    else:
        table.add_column("metric")
        for group in comparison.groups:
            table.add_column(f"{group.name} ({len(group.runs)})", justify="right")
        for metric in metrics:
            table.add_row(heads[metric], *(cells[group.name, metric] for group in comparison.groups))
    return table


def _cell(comparison: Comparison, group: Group, metric: str) -> str:
    stats = group.metrics.get(metric)
    text = "" if stats is None else number(stats.mean)
    if stats and stats.std is not None and stats.ci95:
        text += f" ± {stats.std:.2g} \\[{number(stats.ci95[0])}, {number(stats.ci95[1])}]"
    return f"[bold]{text} ★[/bold]" if comparison.best.get(metric) == group.name else text
