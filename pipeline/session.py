"""One command's worth of runs: the parent above them, one process or several, and the comparison at the end."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline import describe
from pipeline.compare import Comparison, Judged, compare, figure
from pipeline.machine import limit_threads, threads_per_run
from pipeline.plan import Plan
from pipeline.records import File, Metrics, Run, RunOutcome, Status
from pipeline.runner import Runner
from pipeline.step import RunPlan
from pipeline.store import Store
from pipeline.workers import run_in_processes

Elsewhere = Callable[[list[tuple[Run, RunPlan]], int, bool, bool], Iterator[tuple[Run, RunOutcome]]]


@dataclass
class Session:
    """Runs a plan and remembers how each run ended, also when it is interrupted.

    command: the words that started it, for the description in MLflow.
    elsewhere: executes the runs in place of this process, given them, the threads of each, ``fresh`` and ``verify``.
    """

    plan: Plan
    store: Store | None
    fresh: bool = False
    verify: bool = False
    command: Sequence[str] = ()
    elsewhere: Elsewhere | None = None
    parent: Run | None = None
    ended: list[tuple[Run, RunOutcome]] = field(default_factory=list)

    def run(self, parallel: int = 1) -> Status:
        """Execute every run of the plan, ``parallel`` at a time; ends well after Ctrl-C too."""
        runs = [(self._describe(run_plan), run_plan) for run_plan in self.plan.runs]
        if self.parent is not None:
            self.plan.plugins.notify("pipeline_run_started", run=self.parent)
        status: Status = "finished"
        try:
            for run, outcome in self._execute(runs, parallel):
                self.ended.append((run, outcome))
                if outcome.status == "failed":
                    status = "failed"
        except KeyboardInterrupt:
            status = "interrupted"
        order = [run.id for run, _ in runs]
        self.ended.sort(key=lambda ended: order.index(ended[0].id))
        if self.parent is not None:
            self._finish_parent(status)
        return status

    @property
    def comparison(self) -> Comparison:
        """The finished runs compared on the metrics that say which end is better."""
        judged = [
            Judged(run.variants, run.seed or 0, outcome.metrics, run.params)
            for run, outcome in self.ended
            if outcome.status == "finished"
        ]
        return compare(judged, directions(self.plan))

    def _execute(self, runs: list[tuple[Run, RunPlan]], parallel: int) -> Iterator[tuple[Run, RunOutcome]]:
        threads = threads_per_run(len(runs))
        if self.elsewhere is not None:
            yield from self.elsewhere(runs, threads, self.fresh, self.verify)
            return
        if parallel > 1 and len(runs) > 1 and self.store is not None:
            yield from run_in_processes(runs, self.plan, self.store, min(parallel, len(runs)), threads,
                                        fresh=self.fresh, verify=self.verify)  # fmt: skip
            return
        limit_threads(threads)
        runner = Runner(self.store, self._emit, self.fresh, self.verify, redact=self.plan.source.redact)
        for run, run_plan in runs:
            yield run, runner.run(run, run_plan)

    def _emit(self, hook: str, /, **arguments: Any) -> None:
        if hook == "pipeline_run_finished" and arguments["outcome"].status == "interrupted":
            self.ended.append((arguments["run"], arguments["outcome"]))
        self.plan.plugins.notify(hook, **arguments)

    def _describe(self, run_plan: RunPlan) -> Run:
        plan = self.plan
        several = len(plan.runs) > 1
        if several and self.parent is None:
            self.parent = Run(
                _new_id(),
                plan.experiment,
                plan.experiment,
                tags={"pipeline.kind": "comparison"},
                description=describe.parent_description(plan, self.command),
                about=describe.about_experiment(plan),
            )
        return Run(
            _new_id(),
            plan.experiment,
            run_plan.name,
            self.parent.id if self.parent else None,
            dict(run_plan.variants),
            run_plan.seed,
            run_plan.params,
            {"pipeline.kind": "run", "pipeline.seed": str(run_plan.seed)}
            | {f"pipeline.variant.{stage}": name for stage, name in run_plan.variants.items()},
            {
                "pipeline.yaml": describe.resolved_yaml(plan, run_plan),
                "plan.json": describe.plan_document(run_plan),
            },
            describe.run_description(plan, run_plan, self.command),
            describe.about_experiment(plan),
            directions(plan),
        )

    def _finish_parent(self, status: Status) -> None:
        assert self.parent is not None
        notify, comparison = self.plan.plugins.notify, self.comparison
        files: tuple[File, ...] = ()
        description = ""
        if comparison.groups and comparison.directions:
            import io

            import pandas as pd

            picture = io.BytesIO()
            figure(comparison).savefig(picture, format="png", dpi=120, metadata={"Software": None})
            table = pd.DataFrame(comparison.rows()).to_csv(index=False).encode()
            files = (File("comparison.png", picture.getvalue()), File("comparison.csv", table))
            description = f"{self.parent.description}\n\n{describe.comparison_markdown(comparison)}"
            for metric, best in comparison.best.items():
                stage, name = metric.split("/", 1)
                mean = next(group for group in comparison.groups if group.name == best).metrics[metric].mean
                record = Metrics({name: mean}, None, _now())
                notify("pipeline_record", run=self.parent, stage=stage, record=record)
        outcome = RunOutcome(status, files=files, description=description, error=_errors(self.ended))
        notify("pipeline_run_finished", run=self.parent, outcome=outcome)


def directions(plan: Plan) -> dict[str, str]:
    """The metrics that judge a run, with their better end; a training curve judges only where nothing else does."""
    steps = {step.name: step for run in plan.runs for step in run.steps}.values()
    known = {
        f"{step.name}/{name}": (direction, name in step.stage.per_step)
        for step in steps
        for name, direction in step.stage.emits.items()
        if direction is not None
    }
    judging = {metric: direction for metric, (direction, curve) in known.items() if not curve}
    return judging or {metric: direction for metric, (direction, _) in known.items()}


def _errors(ended: Iterable[tuple[Run, RunOutcome]]) -> str | None:
    failed = [f"{run.name}: {outcome.error}" for run, outcome in ended if outcome.error]
    return "\n".join(failed) or None


def _new_id() -> str:
    return uuid.uuid4().hex


def _now() -> float:
    import time

    return time.time()
