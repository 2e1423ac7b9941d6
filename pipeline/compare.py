"""Several runs of one pipeline, judged: mean, deviation and interval per variant, and paired tests against the best.

Small numbers of seeds are the rule, so everything rests on Student's t: the 95 % interval of a mean, and the paired
t-test of two variants over their common seeds, Holm-corrected (Holm 1979) within each metric.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Statistics:
    """A metric over ``n`` runs; ``std`` is the sample's (n - 1), None where one run cannot tell, like ``ci95``."""

    n: int
    mean: float
    std: float | None = None
    ci95: tuple[float, float] | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> Statistics:
        """Mean, standard deviation and t-interval of ``values``."""
        n = len(values)
        mean = math.fsum(values) / n
        if n == 1 or not all(map(math.isfinite, values)):
            return cls(n, mean)
        from scipy.special import stdtrit

        std = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
        half = float(stdtrit(n - 1, 0.975)) * std / math.sqrt(n)
        return cls(n, mean, std, (mean - half, mean + half))


@dataclass(frozen=True)
class Judged:
    """What of one run is compared: what it was, its seed, and its metrics."""

    variants: Mapping[str, str]
    seed: int
    metrics: Mapping[str, float]
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """The runs that differ in nothing but their seed."""

    variants: Mapping[str, str]
    params: Mapping[str, Any]
    runs: tuple[Judged, ...]
    metrics: Mapping[str, Statistics]

    @property
    def name(self) -> str:
        """The chosen variants' names."""
        return " ".join(self.variants.values()) or "all runs"


@dataclass(frozen=True)
class Test:
    """A paired t-test of a group against the best one on a metric; ``p_holm`` is corrected for all tests on it."""

    metric: str
    best: str
    other: str
    n: int
    difference: float
    p: float | None
    p_holm: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Groups side by side: which is best on each metric that has a better end, and how sure that is."""

    groups: tuple[Group, ...]
    directions: Mapping[str, str]
    best: Mapping[str, str]
    tests: tuple[Test, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One row per group and metric, for tables and files."""
        tested = {(test.metric, test.other): test for test in self.tests}
        return [
            {
                "variant": group.name,
                "metric": metric,
                "n": stats.n,
                "mean": stats.mean,
                "std": stats.std,
                "ci95_low": stats.ci95[0] if stats.ci95 else None,
                "ci95_high": stats.ci95[1] if stats.ci95 else None,
                "best": self.best.get(metric) == group.name,
                "p_holm": test.p_holm if (test := tested.get((metric, group.name))) else None,
            }
            for group in self.groups
            for metric, stats in group.metrics.items()
        ]

    def sentences(self) -> Iterator[str]:
        """One for each test: is the best really better?"""
        for test in self.tests:
            if test.p_holm is None:
                continue
            sure = "differs" if test.p_holm < 0.05 else "does not differ"
            yield (
                f"{test.metric}: {test.other} {sure} from the best, {test.best}, at 5 % (difference "
                f"{test.difference:+.3g} over {test.n} paired seeds, paired t-test, Holm p = {test.p_holm:.3g})"
            )


def grouped(runs: Iterable[Judged]) -> tuple[Group, ...]:
    """Runs with the same variants and parameters, brought together in order of first appearance."""
    together: dict[str, list[Judged]] = {}
    for run in runs:
        together.setdefault(json.dumps([run.variants, run.params], sort_keys=True, default=str), []).append(run)
    return tuple(
        Group(
            members[0].variants,
            members[0].params,
            tuple(members),
            {
                name: Statistics.of([run.metrics[name] for run in members if name in run.metrics])
                for name in dict.fromkeys(name for run in members for name in run.metrics)
            },
        )
        for members in together.values()
    )


def compare(runs: Iterable[Judged], directions: Mapping[str, str]) -> Comparison:
    """Compare groups of runs on the metrics in ``directions`` ("max" or "min")."""
    groups = grouped(runs)
    best: dict[str, str] = {}
    tests: list[Test] = []
    if len(groups) > 1:
        for metric, direction in directions.items():
            having = [g for g in groups if metric in g.metrics and not math.isnan(g.metrics[metric].mean)]
            if not having:
                continue
            leader = (max if direction == "max" else min)(having, key=lambda g: g.metrics[metric].mean)
            best[metric] = leader.name
            tests += holm([paired(metric, leader, other) for other in having if other is not leader])
    return Comparison(groups, directions, best, tuple(tests))


def paired(metric: str, leader: Group, other: Group) -> Test:
    """The two-sided paired t-test over the seeds that both groups have; p is None for fewer than two."""
    ours = {run.seed: run.metrics[metric] for run in leader.runs if metric in run.metrics}
    theirs = {run.seed: run.metrics[metric] for run in other.runs if metric in run.metrics}
    differences = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
    if not differences:
        return Test(metric, leader.name, other.name, 0, math.nan, None)
    n, stats = len(differences), Statistics.of(differences)
    if stats.std is None:
        return Test(metric, leader.name, other.name, n, stats.mean, None)
    if stats.std == 0:
        return Test(metric, leader.name, other.name, n, stats.mean, 1.0 if stats.mean == 0 else 0.0)
    from scipy.special import stdtr

    p = 2 * float(stdtr(n - 1, -abs(stats.mean) / (stats.std / math.sqrt(n))))
    return Test(metric, leader.name, other.name, n, stats.mean, p)


def holm(tests: Sequence[Test]) -> list[Test]:
    """The same tests with Holm's step-down correction of their p-values."""
    known = sorted((test for test in tests if test.p is not None), key=lambda test: test.p or 0.0)
    corrected: dict[str, float] = {}
    largest = 0.0
    for rank, test in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * (test.p or 0.0)))
        corrected[test.other] = largest
    return [Test(t.metric, t.best, t.other, t.n, t.difference, t.p, corrected.get(t.other)) for t in tests]


def figure(comparison: Comparison) -> Any:
    """One panel per metric, two in a row: each run a dot, each group's mean with its 95 % interval."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    metrics = [m for m in comparison.directions if any(m in group.metrics for group in comparison.groups)]
    names = [group.name for group in comparison.groups]
    height = 1.2 + 0.45 * len(names)
    columns = min(len(metrics), 2)
    rows = math.ceil(len(metrics) / columns)
    drawing = Figure(figsize=(4.2 * columns, height * rows), layout="constrained")
    axes = drawing.subplots(rows, columns, squeeze=False).ravel()
    for unused in axes[len(metrics) :]:
        unused.remove()
    for place, (axis, metric) in enumerate(zip(axes, metrics, strict=False)):
        for row, group in enumerate(comparison.groups):
            if metric not in group.metrics:
                continue
            stats, leads = group.metrics[metric], comparison.best.get(metric) == group.name
            colour = "tab:blue" if leads else "0.45"
            axis.plot([r.metrics[metric] for r in group.runs if metric in r.metrics], [row] * stats.n, "o", ms=4,
                      color=colour, alpha=0.35)  # fmt: skip
            if stats.ci95:
                axis.plot(stats.ci95, [row, row], color=colour, lw=2)
            axis.plot([stats.mean], [row], "D", color=colour, ms=6)
        axis.set_yticks(range(len(names)), names if place % columns == 0 else [""] * len(names))
        axis.set_ylim(len(names) - 0.5, -0.5)
        better = "higher" if comparison.directions[metric] == "max" else "lower"
        axis.set_xlabel(f"{metric}  ({better} is better)")
        axis.xaxis.set_major_locator(MaxNLocator(5))  # More would run into each other where numbers are long.
        axis.grid(axis="x", alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    several = any(len(group.runs) > 1 for group in comparison.groups)
    title = "mean and 95 % interval over seeds; dots are runs" if several else "one run each"
    axes[0].set_title(title, loc="left", fontsize=9)
    return drawing
