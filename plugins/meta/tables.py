"""Tasks from a table: each group of rows (a site, a customer, a country) is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from pipeline.errors import DataError
from pipeline.types import Split
from plugins.meta.episodes import Episodes
from plugins.meta.types import TableTasks

if TYPE_CHECKING:
    from plugins.meta.task_stages import TableGroups


def load(stage: TableGroups) -> TableTasks:
    """Encode a file's columns by what the training groups hold, and split its groups."""
    frame = pd.read_parquet(stage.path) if stage.path.suffix == ".parquet" else pd.read_csv(stage.path)
    for name in (stage.by, stage.target):
        if name not in frame:
            raise DataError(
                f"{Path(stage.path).name} has no column {name!r}. Its columns are {', '.join(map(str, frame))}."
            )
    frame = frame.dropna(subset=[stage.by, stage.target]).reset_index(drop=True)
    groups, names = pd.factorize(frame[stage.by], sort=True)
    column = frame[stage.target]
    numbers = pd.api.types.is_numeric_dtype(column) and not column.isin((0, 1)).all()
    targets, classes = (column.to_numpy(float), ()) if numbers else pd.factorize(column, sort=True)
    needed = stage.shots + stage.queries
    counts = np.zeros((len(names), max(len(classes), 1)), int)
    np.add.at(counts, (groups, 0 if numbers else targets), 1)
    large = np.flatnonzero(counts.min(1) >= needed)
    each = "" if numbers else " of each class"
    if len(large) < 3:
        raise DataError(
            f"{stage.shots} shots and {stage.queries} queries need groups of {needed} rows{each}, and three groups at "
            f"least; column {stage.by!r} has {len(large)}. Lower 'shots' or 'queries', or group by another column."
        )
    parts = _split(large, stage)
    train = np.isin(groups, parts.train)
    inputs = pd.get_dummies(frame.drop(columns=[stage.by, stage.target]), dtype=float).to_numpy(float)
    inputs = _standardised(np.where(np.isnan(inputs), np.nanmean(inputs[train], axis=0), inputs), train)
    if numbers:
        targets = _standardised(targets[:, None], train).astype(np.float32)
    return TableTasks(
        stage.shots, stage.queries, inputs.astype(np.float32), targets, groups.astype(np.int64), parts, len(classes)
    )


def _split(groups: np.ndarray, stage: TableGroups) -> Split[np.ndarray]:
    sizes = [max(1, round(share * len(groups))) for share in (stage.validation, stage.test)]
    shuffled = np.random.default_rng(stage.split_seed).permutation(groups)
    validation, test, train = np.split(shuffled, np.cumsum(sizes))
    return Split(train, validation, test)


def _standardised(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    deviation = values[rows].std(0)
    return np.nan_to_num((values - values[rows].mean(0)) / np.where(deviation > 0, deviation, 1))


class TableSampler:
    """Draws groups, then rows of them; inputs (tasks, n, features)."""

    def __init__(self, tasks: TableTasks, groups: np.ndarray, device: torch.device) -> None:
        self.device, self.ways = device, tasks.ways
        self.inputs, self.targets = (torch.from_numpy(part).to(device) for part in (tasks.inputs, tasks.targets))
        labels = tasks.targets if tasks.ways else np.zeros(len(tasks.groups), np.int64)
        # A pool of rows for each class of each group, or for each group.
        self.pools = [
            [
                torch.from_numpy(np.flatnonzero((tasks.groups == group) & (labels == label))).to(device)
                for label in range(max(tasks.ways, 1))
            ]
            for group in groups
        ]

    def draw(self, tasks: int, shots: int, queries: int, generator: torch.Generator) -> Episodes:
        """New episodes; DataError where a group has fewer rows than ``shots`` and ``queries`` together."""
        smallest = min(len(pool) for pools in self.pools for pool in pools)
        if shots + queries > smallest:
            raise DataError(
                f"{shots} shots and {queries} queries need {shots + queries} rows, but a group has only {smallest}. "
                "Lower 'shots' or 'queries'."
            )

        def chosen(pool: torch.Tensor) -> torch.Tensor:
            return pool[torch.rand(len(pool), generator=generator, device=self.device).topk(shots + queries).indices]

        picked = torch.randint(len(self.pools), (tasks,), generator=generator, device=self.device).tolist()
        rows = torch.stack([torch.stack([chosen(pool) for pool in self.pools[group]]) for group in picked])
        support, query = rows[..., :shots].flatten(1), rows[..., shots:].flatten(1)
        return Episodes(self.inputs[support], self.targets[support], self.inputs[query], self.targets[query])
