"""What `data.table` does: read, sample, split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import DataError
from pipeline.types import Split, Table
from plugins.data.split import sample, split

if TYPE_CHECKING:
    from plugins.data import stages


def load(stage: stages.Table) -> Split[Table]:
    """The rows that the stage asks for, in three parts; DataError where that cannot be."""
    table = read(stage.file) if stage.file is not None else _named(stage.dataset or "")
    frame, targets = table.frame, table.targets
    if stage.targets is not None:
        if missing := [name for name in stage.targets if name not in frame.columns]:
            raise DataError(
                f"the table has no column {missing[0]!r}. Its columns are {', '.join(map(str, frame.columns))}."
            )
        targets = stage.targets
    frame = frame.dropna(axis=1, how="all")
    same = np.zeros(len(frame), np.int64)
    if stage.limit is not None:
        frame = frame.iloc[sample(same, stage.limit, np.random.default_rng(stage.split_seed))]
    parts = split(np.zeros(len(frame), np.int64), [stage.validation, stage.test], stage.split_seed)
    return Split(*(Table(frame.iloc[rows].reset_index(drop=True), targets) for rows in parts))


def read(path: Path) -> Table:
    """A CSV file with a header (separator found by itself), or a Parquet file; DataError where it is neither."""
    if not path.is_file():
        raise DataError(f"the file {path} does not exist.")
    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, sep=None, engine="python")
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise DataError(
            f"the table {path} cannot be read ({error}). Give a CSV file with a header, or Parquet."
        ) from error
    if len(frame) == 0:
        raise DataError(f"the table {path} has no rows.")
    return Table(frame)


def _named(name: str) -> Table:
    from sklearn import datasets

    bunch = {"iris": datasets.load_iris, "wine": datasets.load_wine}[name](as_frame=True)
    classes = [str(label) for label in bunch.target_names]
    return Table(bunch.data.assign(kind=[classes[target] for target in bunch.target]), ("kind",))
