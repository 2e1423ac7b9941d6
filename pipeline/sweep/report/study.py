"""What a report is made from: trial records and the names of what was searched; nothing that needs the pipeline."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pipeline.sweep.objective import Objective, pareto_front
from pipeline.sweep.records import TrialRecord

# From this ratio of largest to smallest on, positive numbers are shown on a logarithmic scale.
LOGARITHMIC = 50
_CHOICES = ("choice", "grid", "variants")


@dataclass(frozen=True)
class Point:
    """A configuration with its mean values over its seeds.

    spread: the standard deviation of the first objective over the seeds; None where there is one seed.
    stopped: whether a scheduler ended one of its runs. ended: when the last of them did.
    """

    number: int
    configuration: dict[str, Any]
    values: tuple[float, ...]
    spread: float | None
    stopped: bool
    ended: float


@dataclass(frozen=True)
class Column:
    """A dimension over the points: numbers, or indices into ``labels``; NaN where it does not exist."""

    name: str
    values: tuple[float, ...]
    labels: tuple[str, ...] = ()
    log: bool = False

    @property
    def varies(self) -> bool:
        """Whether there is anything to compare."""
        return len({value for value in self.values if not math.isnan(value)}) > 1


@dataclass(frozen=True)
class Study:
    """A sweep's trials, in the order in which they ended.

    space: each dimension as the file writes it, ``{distribution: arguments}``; empty for what others have tracked.
    """

    experiment: str
    search: str
    scheduler: str
    objectives: tuple[Objective, ...]
    dimensions: tuple[str, ...]
    records: tuple[TrialRecord, ...]
    space: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def objective(self) -> Objective:
        """The first objective."""
        return self.objectives[0]

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """Every configuration with values, in the order in which they ended."""
        together: dict[int, list[TrialRecord]] = {}
        for record in self.records:
            together.setdefault(record.number, []).append(record)
        points = []
        for number, records in together.items():
            vectors = [record.values for record in records if record.values is not None]
            if len(vectors) < len(records) or not all(math.isfinite(value) for vector in vectors for value in vector):
                continue
            means = tuple(math.fsum(column) / len(vectors) for column in zip(*vectors, strict=True))
            firsts = [vector[0] for vector in vectors]
            spread = statistics.stdev(firsts) if len(firsts) > 1 else None
            stopped, ended = any(r.state == "stopped" for r in records), max(r.ended for r in records)
            points.append(Point(number, dict(records[0].configuration), means, spread, stopped, ended))
        return tuple(sorted(points, key=lambda point: point.ended))

    @property
    def best(self) -> Point | None:
        """The best configuration in the first objective."""
        return min(self.points, key=lambda p: self.objective.sign * p.values[0], default=None)

    @cached_property
    def running_best(self) -> tuple[float, ...]:
        """The best value of the first objective after each point."""
        best: list[float] = []
        for point in self.points:
            value = point.values[0]
            best.append(value if not best or self.objective.better(value, best[-1]) else best[-1])
        return tuple(best)

    @cached_property
    def front(self) -> frozenset[int]:
        """Numbers of the configurations that no other beats in every objective."""
        return frozenset(pareto_front({point.number: point.values for point in self.points}, self.objectives))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Each dimension over the points."""
        return tuple(
            _column(name, [point.configuration.get(name) for point in self.points], self.space.get(name, {}))
            for name in self.dimensions
        )

    @cached_property
    def saved(self) -> Saved | None:
        """What early stopping saved; None where nothing was stopped."""
        return _saved(self)


@dataclass(frozen=True)
class Saved:
    """Steps that were run and that were not, and how often a stopped trial was ahead of the final best at its step."""

    run: int
    not_run: int
    stopped: int
    ahead: int


def _saved(study: Study) -> Saved | None:
    stopped = [record for record in study.records if record.state == "stopped" and record.curve]
    full = max((record.step or 0 for record in study.records if record.state == "finished"), default=0)
    best = study.best
    if not stopped or not full or best is None:
        return None
    curve = next((record.curve for record in study.records if record.number == best.number), {})
    ahead = 0
    for record in stopped:
        step = max(record.curve)
        if step in curve and study.objective.better(record.curve[step], curve[step]):
            ahead += 1
    return Saved(
        sum(record.step or 0 for record in study.records),
        sum(max(full - (record.step or 0), 0) for record in stopped),
        len(stopped),
        ahead,
    )


def _column(name: str, written: Sequence[Any], distribution: Mapping[str, Any]) -> Column:
    kind, arguments = next(iter(distribution.items()), ("", None))
    present = [value for value in written if value is not None]
    numeric = bool(present) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in present)
    if numeric and kind not in _CHOICES:
        numbers = tuple(math.nan if value is None else float(value) for value in written)
        apart = not kind and min(present) > 0 and max(present) / min(present) >= LOGARITHMIC
        return Column(name, numbers, log=kind.startswith("log") or apart)
    order: list[Any] = list(arguments or ()) if kind in _CHOICES else sorted(present, key=str)
    labels = tuple(dict.fromkeys(map(str, sorted(order) if numeric else order)))
    return Column(
        name, tuple(math.nan if value is None else float(labels.index(str(value))) for value in written), labels
    )
