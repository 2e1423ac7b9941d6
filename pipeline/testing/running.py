"""The kit that plugin authors test with: run one stage without any pipeline, and a conformance suite for a plugin.

from pipeline.testing import conformance_checks, run_stage

def test_fitting_lowers_the_loss():
    run = run_stage(Fit(epochs=3), images=digits)
    assert run.curve("loss")[-1] < run.curve("loss")[0]

@pytest.mark.parametrize("check", conformance_checks("my_plugin.stages", "example.yaml"), ids=str)
def test_the_plugin_conforms(check):
    check()
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pipeline.conformance import HEAVY_LIBRARIES, Check, checks_of
from pipeline.context import Context
from pipeline.records import File, Metrics, Record
from pipeline.stage import Stage
from pipeline.step import Step

__all__ = ["HEAVY_LIBRARIES", "Check", "StageRun", "check_plugin", "conformance_checks", "run_stage"]


@dataclass(frozen=True)
class StageRun:
    """What a stage did: the value that it returned, and everything that it logged, in order."""

    value: Any
    records: tuple[Record, ...]

    @property
    def metrics(self) -> Mapping[str, float]:
        """The last value of each metric."""
        return {name: value for item in self._metrics() for name, value in item.values.items()}

    def curve(self, metric: str) -> list[float]:
        """The values of a metric that was logged with steps, by step."""
        logged = [(item.step, item.values[metric]) for item in self._metrics() if metric in item.values]
        return [value for step, value in sorted((s, v) for s, v in logged if s is not None)]

    @property
    def files(self) -> Mapping[str, bytes]:
        """The content of each figure, table and text, by its name with its extension."""
        return {item.name: item.content for item in self.records if isinstance(item, File)}

    def _metrics(self) -> Iterator[Metrics]:
        return (item for item in self.records if isinstance(item, Metrics))


def run_stage(stage: Stage, /, seed: int = 0, **inputs: Any) -> StageRun:
    """Run a configured stage on ``inputs``, seeded and watched as in a pipeline; what it raises passes through.

    ``seed`` is what ``context.seed`` gives to a stage that says that it is seeded.
    """
    from pipeline.runner import seed_everything

    name, interface = type(stage).stage_name(), type(stage).interface()
    records: list[Record] = []
    arguments = dict(inputs)
    if interface.context:
        arguments[interface.context] = Context(name, seed if stage.seeded else None, record=records.append)
    seed_everything(seed, Step(name, name, stage, {}))
    value = stage.run(**arguments)  # type: ignore[attr-defined]  # each stage has a run() of its own
    return StageRun(value, tuple(records))


def conformance_checks(
    plugin: str | ModuleType, example: str | os.PathLike[str] | None = None, overrides: Iterable[str] = ()
) -> list[Check]:
    """Everything that a well-behaved plugin satisfies, as named functions that raise AssertionError.

    plugin: its module, or the name of its module or of its entry point.
    example: a pipeline file that uses its stages; with it the suite also runs them, twice, so it should be quick.
    overrides: words such as ``"model.epochs=2"`` that make the example quick.
    """
    return checks_of(plugin, example, tuple(overrides))


def check_plugin(
    plugin: str | ModuleType, example: str | os.PathLike[str] | None = None, overrides: Iterable[str] = ()
) -> None:
    """Run all ``conformance_checks`` and raise one AssertionError that names every failure."""
    failures = []
    for check in conformance_checks(plugin, example, overrides):
        try:
            check()
        except AssertionError as error:
            failures.append(f"{check}: {error}")
    assert not failures, "\n".join(failures)
