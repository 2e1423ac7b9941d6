"""The problems that are known by name, and how their rows are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.errors import DataError, closest
from plugins.symbolic.grammar import parse
from plugins.symbolic.problems import benchmarks, feynman, strogatz
from plugins.symbolic.programs import Program, evaluate


@dataclass(frozen=True)
class Points:
    """Where one variable's values lie: ``count`` uniform draws, or a grid of ``step``."""

    low: float
    high: float
    count: int = 0
    step: float = 0.0

    def grid(self) -> np.ndarray:
        """Every point of the grid, both ends included."""
        return self.low + self.step * np.arange(round((self.high - self.low) / self.step) + 1)


@dataclass(frozen=True)
class Law:
    """A known formula: its target, its text and, by variable, where it is trained and tested."""

    name: str
    target: str
    formula: str
    points: Mapping[str, Points]
    tested: Mapping[str, tuple[float, float]]

    @property
    def program(self) -> Program:
        """The formula as a program of its variables."""
        return parse(self.formula, tuple(self.points))

    @property
    def given(self) -> int | None:
        """How many rows its authors train on, or None where they leave it open."""
        if any(points.step for points in self.points.values()):
            return int(np.prod([len(points.grid()) for points in self.points.values()]))
        return next(iter(self.points.values())).count or None


def laws() -> dict[str, Law]:
    """Every known law by its name."""
    found = [*map(_ranged, _lines(feynman.TABLE) + _lines(strogatz.TABLE)), *map(_benchmark, _lines(benchmarks.TABLE))]
    return {law.name: law for law in found}


def law(name: str) -> Law:
    """The law with a name; DataError with the nearest name where there is none."""
    known = laws()
    if name not in known:
        meant = closest(name, known)
        raise DataError(
            f"there is no problem {name!r}."
            + (f" Did you mean {meant!r}?" if meant else "")
            + " Known: Feynman's equations (I.12.1), Nguyen-1, Keijzer-1, Korns-1, Livermore-1, Vladislavleva-1, "
            "Jin-1, Constant-1, R1, Strogatz's systems (lv1)."
        )
    return known[name]


def training_rows(law: Law, count: int | None, rng: np.random.Generator) -> np.ndarray:
    """``count`` rows where the law is trained; by default as many as its authors take, a grid as they lay it."""
    if count is None and any(points.step for points in law.points.values()):
        axes = [points.grid() for points in law.points.values()]
        return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    ranges = {name: (points.low, points.high) for name, points in law.points.items()}
    return uniform_rows(law, ranges, count or law.given or 500, rng)


def uniform_rows(
    law: Law, ranges: Mapping[str, tuple[float, float]], count: int, rng: np.random.Generator
) -> np.ndarray:
    """``count`` rows drawn uniformly from ``ranges`` at which the law is finite; DataError where it hardly ever is."""
    low, high = np.array(list(ranges.values())).T
    kept = np.empty((0, len(ranges)))
    for _ in range(50):
        rows = rng.uniform(low, high, (count, len(ranges)))
        kept = np.concatenate([kept, rows[np.isfinite(evaluate(law.program, rows))]])
        if len(kept) >= count:
            return kept[:count]
    raise DataError(f"the formula of {law.name} is undefined almost everywhere in {dict(ranges)}.")


def outside(law: Law, share: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows at which at least one variable lies outside its training range, which is widened by ``share`` each side.

    A variable that is positive in training stays so: many laws have no meaning beyond.
    """
    inner = np.array([(points.low, points.high) for points in law.points.values()])
    width = share * (inner[:, 1] - inner[:, 0])
    low = np.where(inner[:, 0] > 0, np.maximum(inner[:, 0] - width, inner[:, 0] / 2), inner[:, 0] - width)
    low = np.where(inner[:, 0] == 0, 0.0, low)
    ranges = dict(zip(law.points, zip(low, inner[:, 1] + width, strict=True), strict=True))
    kept = np.empty((0, len(inner)))
    while len(kept) < count:
        rows = uniform_rows(law, ranges, 2 * count, rng)
        kept = np.concatenate([kept, rows[((rows < inner[:, 0]) | (rows > inner[:, 1])).any(axis=1)]])
    return kept[:count]


def _lines(table: str) -> list[str]:
    return table.strip().splitlines()


def _ranged(line: str) -> Law:
    """``name: output = formula; variables in low high; ...``."""
    name, rest = line.split(": ", 1)
    equation, *ranges = rest.split("; ")
    target, formula = equation.split(" = ", 1)
    points = {}
    for part in ranges:
        names, bounds = part.split(" in ")
        low, high = map(float, bounds.split())
        points.update({variable: Points(low, high) for variable in names.split()})
    return Law(name, target, formula, points, {v: (p.low, p.high) for v, p in points.items()})


def _benchmark(line: str) -> Law:
    """``name: variables; formula; points; test range``."""
    name, rest = line.split(": ", 1)
    count, formula, spread, *test = rest.split("; ")
    variables = [f"x{number + 1}" for number in range(int(count))]
    points = dict(
        zip(variables, _repeated([_points(part) for part in spread.split(", ")], len(variables)), strict=True)
    )
    tested = {variable: (p.low, p.high) for variable, p in points.items()}
    if test:
        bounds = [tuple(map(float, part.split())) for part in test[0].removeprefix("test ").split(", ")]
        tested = dict(zip(variables, _repeated(bounds, len(variables)), strict=True))
    return Law(name, "y", formula, points, tested)


def _points(text: str) -> Points:
    kind, low, high, last = text.split()
    if kind == "grid":
        return Points(float(low), float(high), step=float(last))
    return Points(float(low), float(high), count=int(last))


def _repeated(parts: list, count: int) -> list:
    return parts * count if len(parts) == 1 else parts
