"""One stage run without any pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.context import Context
from pipeline.records import File, Metrics, Record
from pipeline.stage import Stage
from pipeline.step import Step


@dataclass(frozen=True)
class Sketch:
    """A figure that nobody has looked at yet."""

    name: str
    figure: Any


@dataclass(frozen=True)
class StageRun:
    """What a stage did: the value that it returned, and everything that it logged, in order.

    A figure is drawn when ``records`` or ``files`` are first asked for: drawing takes longer than most stages that a
    test runs, and most tests look at no figure.
    """

    value: Any
    logged: tuple[Record | Sketch, ...]

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """Everything that was logged, the figures drawn."""
        records: list[Record] = []
        context = Context(record=records.append)
        for item in self.logged:
            if isinstance(item, Sketch):
                context.figure(item.name, item.figure)
            else:
                records.append(item)
        return tuple(records)

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
        return (item for item in self.logged if isinstance(item, Metrics))


class _Sketching(Context):
    def __init__(self, stage: str, seed: int | None, logged: list[Record | Sketch]) -> None:
        super().__init__(stage, seed, record=logged.append)
        self._logged = logged

    def figure(self, name: str, figure: Any) -> None:
        self._logged.append(Sketch(name, figure))


def run_stage(stage: Stage, /, seed: int = 0, **inputs: Any) -> StageRun:
    """Run a configured stage on ``inputs``, seeded and watched as in a pipeline; what it raises passes through.

    ``seed`` is what ``context.seed`` gives to a stage that says that it is seeded.
    """
    from pipeline.runner import seed_everything

    name, interface = type(stage).stage_name(), type(stage).interface()
    logged: list[Record | Sketch] = []
    arguments = dict(inputs)
    if interface.context:
        arguments[interface.context] = _Sketching(name, seed if stage.seeded else None, logged)
    seed_everything(seed, Step(name, name, stage, {}))
    value = stage.run(**arguments)  # type: ignore[attr-defined]  # each stage has a run() of its own
    return StageRun(value, tuple(logged))
