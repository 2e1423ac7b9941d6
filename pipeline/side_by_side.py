"""Recorded runs side by side: the parameters in which they differ, and their metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.compare import Statistics
from pipeline.tracking.history import History, RecordedRun

VARIANT_TAG = "pipeline.variant."


@dataclass(frozen=True)
class Column:
    """One run, or several that are judged together by their means."""

    name: str
    runs: tuple[RecordedRun, ...]

    @property
    def params(self) -> dict[str, str]:
        """Each parameter's value; several values joined where the runs differ."""
        names = dict.fromkeys(name for run in self.runs for name in run.params)
        return {n: " | ".join(dict.fromkeys(run.params[n] for run in self.runs if n in run.params)) for n in names}

    @property
    def metrics(self) -> dict[str, Statistics]:
        """Each metric over the runs that have it."""
        names = dict.fromkeys(name for run in self.runs for name in run.metrics)
        return {n: Statistics.of([run.metrics[n] for run in self.runs if n in run.metrics]) for n in names}


def columns(history: History, references: Iterable[str]) -> list[Column]:
    """A column for each run; a parent stands for its children, one column for each choice of variants."""
    found: list[Column] = []
    for reference in references:
        run = history.run(reference)
        children = history.children(run)
        if children:
            found += [Column(name, tuple(runs)) for name, runs in _by_variants(run, children).items()]
        else:
            found.append(Column(f"{run.name} ({run.id[:8]})", (run,)))
    return found


def _by_variants(parent: RecordedRun, children: Sequence[RecordedRun]) -> Mapping[str, list[RecordedRun]]:
    groups: dict[str, list[RecordedRun]] = {}
    for child in children:
        chosen = " ".join(value for tag, value in sorted(child.tags.items()) if tag.startswith(VARIANT_TAG))
        groups.setdefault(f"{chosen or parent.name} ({parent.id[:8]})", []).append(child)
    return groups


def differing(columns: Sequence[Column]) -> dict[str, list[str | None]]:
    """The parameters that are not the same everywhere, with their value in each column."""
    tables = [column.params for column in columns]
    names = dict.fromkeys(name for table in tables for name in table)
    rows = {name: [table.get(name) for table in tables] for name in names}
    return {name: values for name, values in rows.items() if len(set(values)) > 1}


def metrics(columns: Sequence[Column]) -> dict[str, list[Statistics | None]]:
    """Every metric, with its statistics in each column."""
    tables = [column.metrics for column in columns]
    names = dict.fromkeys(name for table in tables for name in table)
    return {name: [table.get(name) for table in tables] for name in names}


def document(columns: Sequence[Column]) -> dict[str, Any]:
    """The same as data."""
    return {
        "columns": [{"name": column.name, "runs": [run.id for run in column.runs]} for column in columns],
        "params": differing(columns),
        "metrics": {
            name: [None if s is None else {"n": s.n, "mean": s.mean, "std": s.std, "ci95": s.ci95} for s in row]
            for name, row in metrics(columns).items()
        },
    }
