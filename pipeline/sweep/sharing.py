"""Stages that no dimension touches: run once in the driver, and handed to the trials through Ray's object store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.errors import StageError
from pipeline.records import Metrics, Run
from pipeline.runner import Emit, Result, Runner
from pipeline.step import RunPlan
from pipeline.store import Store
from pipeline.sweep.request import Request


@dataclass
class Shared(Mapping[str, Result]):
    """Results by cache key; a value is fetched from the object store when it is first needed, and then kept."""

    results: Mapping[str, Result]
    references: Mapping[str, Any]
    _fetched: dict[str, Result] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Result:
        if key not in self._fetched:
            import ray

            self._fetched[key] = replace(self.results[key], value=ray.get(self.references[key]))
        return self._fetched[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)


def untouched(runs: Sequence[RunPlan], touched: frozenset[str]) -> list[RunPlan]:
    """The parts of ``runs`` that no dimension touches, each once."""
    parts = {}
    for run in runs:
        steps = tuple(step for step in run.steps if step.name not in touched)
        if steps:
            variants = {name: v for name, v in run.variants.items() if name not in touched}
            parts[(tuple(variants.items()), run.seed)] = replace(run, variants=variants, steps=steps)
    return list(parts.values())


def shared_runs(request: Request) -> list[RunPlan]:
    """What the driver runs before the first trial."""
    runs = [replace(run, seed=seed) for seed in request.seeds for run in request.plan.runs]
    return untouched(runs, request.touched)


def compute_shared(request: Request, store: Store, parent: Run, emit: Emit, fresh: bool = False) -> dict[str, Result]:
    """Run the untouched stages under the parent's run; StageError if one fails.

    Pictures and tables stay with the parent: repeated in each trial they would only be the same again.
    """
    results: dict[str, Result] = {}
    shown: set[str] = set()

    def tell(hook: str, /, **arguments: Any) -> None:
        # The parent is begun and ended by the sweep; under several seeds an unseeded stage would be told repeatedly.
        if hook not in ("pipeline_run_started", "pipeline_run_finished"):
            name = arguments.get("stage") or arguments["outcome"].name
            if name not in shown:
                emit(hook, **arguments)
            if hook == "pipeline_stage_finished":
                shown.add(name)

    runner = Runner(store, tell, fresh, redact=request.plan.source.redact)
    for run in shared_runs(request):
        outcome = runner.run(parent, run)
        if outcome.status != "finished":
            raise StageError(outcome.failed_stage or "", outcome.error or outcome.status,
                             outcome.documents.get("traceback.txt", ""))  # fmt: skip
        for stage in outcome.stages:
            if stage.key in results:
                continue
            entry = store.get(stage.key)
            if entry is None:
                continue
            records = tuple(record for record in entry.records() if isinstance(record, Metrics))
            results[stage.key] = Result(stage.key, stage.digest, records, stage.seconds, value=store.load(entry))
    return results


def put(results: Mapping[str, Result]) -> Shared:
    """The results with their values in Ray's object store."""
    import ray

    references = {key: ray.put(result.value) for key, result in results.items()}
    return Shared({key: replace(result, value=None) for key, result in results.items()}, references)
