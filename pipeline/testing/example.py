"""The part of the conformance suite that runs an example pipeline: what the stages do must be what they declare."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from pipeline.api import Pipeline
from pipeline.describe import resolved_yaml
from pipeline.hooks import hookimpl
from pipeline.keeping import open_store
from pipeline.plugins import Plugins
from pipeline.records import Metrics, Record, Run
from pipeline.result import Result, RunResult
from pipeline.source import read_text
from pipeline.store import Store


def example_checks(
    plugins: Plugins, file: str | os.PathLike[str], overrides: tuple[str, ...]
) -> list[tuple[str, Callable[[], None]]]:
    """Titles and functions; the example is run once for all of them, and once more for those that compare."""
    example = _Example(plugins, file, overrides)
    return [
        ("runs its example", example.runs),
        ("logs the metrics that it declares", example.logs_what_it_declares),
        ("gives the same again", example.gives_the_same_again),
        ("can be run again from its record", example.is_recorded_whole),
        ("makes artifacts that survive the store", example.survives_the_store),
        ("is cached when run again", example.is_cached),
    ]


class _Metrics:
    """Remembers which metrics each stage logged, and whether with a step."""

    def __init__(self) -> None:
        self.logged: set[tuple[str, str | None, str, bool]] = set()

    @hookimpl
    def pipeline_record(self, run: Run, stage: str, record: Record) -> None:
        """Remember the names of metrics."""
        if isinstance(record, Metrics):
            variant = run.variants.get(stage)
            self.logged |= {(stage, variant, name, record.step is not None) for name in record.values}


class _Example:
    def __init__(self, plugins: Plugins, file: str | os.PathLike[str], overrides: tuple[str, ...]) -> None:
        self.plugins, self.file, self.overrides = plugins, file, overrides
        self.metrics = _Metrics()

    @cached_property
    def pipeline(self) -> Pipeline:
        return Pipeline.load(self.file, self.overrides, plugins=self.plugins)

    @cached_property
    def store(self) -> Store:
        return self._new_store()

    @cached_property
    def first(self) -> Result:
        result = self.pipeline.run(track=False, store=self.store, observers=[self.metrics])
        for run in result.runs:
            details = run.outcome.documents.get("traceback.txt", "")
            assert run.outcome.error is None, f"stage {run.outcome.failed_stage}: {run.outcome.error}\n{details}"
        return result

    def _new_store(self) -> Store:
        folder = Path(tempfile.mkdtemp(prefix="pipeline-conformance-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        store = open_store(folder, self.plugins)
        assert store is not None
        return store

    def runs(self) -> None:
        assert self.first.status == "finished"

    def logs_what_it_declares(self) -> None:
        assert self.first
        steps = {(step.name, step.variant): step for run in self.pipeline.plan.runs for step in run.steps}
        for stage, variant, metric, with_step in sorted(self.metrics.logged, key=str):
            step = steps[stage, variant]
            assert metric in step.stage.emits, f"{step.uses} logs {metric!r}, which is not in its emits"
            if with_step:
                told = metric in step.stage.per_step
                assert told, f"{step.uses} logs {metric!r} with a step, but it is not in its per_step"
        for (stage, variant), step in steps.items():
            silent = [name for name in step.stage.per_step if (stage, variant, name, True) not in self.metrics.logged]
            # Which of them are logged may depend on the data; that none is cannot be meant.
            none = bool(silent) and len(silent) == len(step.stage.per_step)
            assert not none, f"{step.uses} never logs {', '.join(silent)} with a step, although per_step says so"

    def gives_the_same_again(self) -> None:
        again = self.pipeline.run(track=False, store=self._new_store())
        for before, after in zip(self.first.runs, again.runs, strict=True):
            for one, other in zip(before.outcome.stages, after.outcome.stages, strict=True):
                advice = "use context.seed or context.rng, and say 'seeded: ClassVar = True'"
                assert one.digest == other.digest, f"{one.uses} returned something else when run again: {advice}"
            same = self._repeatable(before) == self._repeatable(after)
            assert same, "the metrics were others when run again"

    def _repeatable(self, run: RunResult) -> dict[str, float]:
        """The run's metrics but for those that measure time or memory."""
        steps = {step.name: step.stage for plan in self.pipeline.plan.runs for step in plan.steps}
        split = {name: name.split("/", 1) for name in run.metrics}
        return {
            name: run.metrics[name] for name, (stage, metric) in split.items() if metric not in steps[stage].measured
        }

    def is_recorded_whole(self) -> None:
        plan = self.pipeline.plan
        for run in plan.runs:
            text = resolved_yaml(plan, run)
            again = Pipeline.from_source(read_text(text, "its record"), plugins=self.plugins).plan.runs[0]
            for step, recorded in zip(run.steps, again.steps, strict=True):
                same = step.stage == recorded.stage and dict(step.inputs) == dict(recorded.inputs)
                assert same, f"the configuration of {step.uses} is another when it is read back from:\n{text}"

    def survives_the_store(self) -> None:
        for run in self.first.runs:
            for outcome in run.outcome.stages:
                entry = self.store.get(outcome.key)
                assert entry is not None, f"what {outcome.uses} returned is not in the store"
                same = entry.digest == self.store.digest_of(self.store.load(entry))
                assert same, f"what {outcome.uses} returned comes out of the store changed"

    def is_cached(self) -> None:
        assert self.first
        again = self.pipeline.run(track=False, store=self.store)
        computed = {o.uses for run in again.runs for o in run.outcome.stages if not o.cached}
        assert not computed, f"run again without a change, computed again: {', '.join(sorted(computed))}"
