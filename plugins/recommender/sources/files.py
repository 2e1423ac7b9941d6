"""A user's own interactions and features, read from CSV or parquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import DataError, closest, listing
from plugins.recommender.features import FeatureColumns
from plugins.recommender.sources.frames import encode
from plugins.recommender.types import Interactions

if TYPE_CHECKING:
    from plugins.recommender import stages

SUFFIXES = (".csv", ".tsv", ".txt", ".gz", ".parquet")


def load(stage: stages.Interactions, path: Path) -> Interactions:
    """The interactions of a file, with features where the stage names files of features."""
    frame = _columns(read(path), path, stage)
    items = described(stage.items, stage.item_column)
    users = described(stage.users, stage.user_column)
    item_columns = FeatureColumns(stage.item_text, stage.item_categories, stage.item_numbers)
    user_columns = FeatureColumns((), stage.user_categories, stage.user_numbers)
    for rows, columns, file in ((items, item_columns, stage.items), (users, user_columns, stage.users)):
        if rows is not None and file is not None:
            for name in (*columns.text, *columns.categories, *columns.numbers):
                demand(name, rows.columns, file)
    name = stage.item_text[0] if stage.item_text else None
    return encode(frame, f"{path.name}", items, users, item_columns, user_columns, name)


def read(path: Path) -> pd.DataFrame:
    """A CSV (any separator, compressed or not) or parquet file; DataError says what is wrong with it."""
    if not path.is_file():
        raise DataError(f"the file {path} does not exist.")
    if path.suffix not in SUFFIXES:
        raise DataError(f"{path} is neither CSV nor parquet: its name should end in {listing(SUFFIXES)}.")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        separator = "\t" if ".tsv" in path.suffixes else None
        return pd.read_csv(path, sep=separator or ",") if separator or ".csv" in path.suffixes else _sniffed(path)
    except (ValueError, OSError) as error:
        raise DataError(f"the file {path} cannot be read: {str(error).splitlines()[0]}.") from error


def _sniffed(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep=None, engine="python")


def _columns(frame: pd.DataFrame, path: Path, stage: stages.Interactions) -> pd.DataFrame:
    """The frame with the columns user, item, rating and time, all of them sound."""
    wanted = {"user": stage.user_column, "item": stage.item_column}
    wanted |= {"rating": stage.rating_column} if stage.rating_column else {}
    wanted |= {"time": stage.time_column} if stage.time_column else {}
    for name in wanted.values():
        demand(name, frame.columns, path)
    chosen = pd.DataFrame({standard: frame[name] for standard, name in wanted.items()})
    for standard, name in wanted.items():
        if missing := int(chosen[standard].isna().sum()):
            first = int(np.flatnonzero(chosen[standard].isna())[0])
            raise DataError(
                f"the column {name!r} of {path} has no value in {missing:,} of {len(chosen):,} rows, the first in "
                f"data row {first + 1}. Remove these rows, or fill them in."
            )
    if "rating" in chosen:
        chosen["rating"] = _numbers(chosen["rating"], wanted["rating"], path)
    if "time" in chosen:
        chosen["time"] = _seconds(chosen["time"], wanted["time"], path)
    if chosen.empty:
        raise DataError(f"the file {path} holds no interactions.")
    return chosen


def _numbers(column: pd.Series, name: str, path: Path) -> pd.Series:
    values = pd.to_numeric(column, errors="coerce")
    wrong = ~np.isfinite(values.to_numpy(np.float64))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"the column {name!r} of {path} must be numbers. "
            f"Got {column.iloc[first]!r} in data row {first + 1} instead."
        )
    return values


def _seconds(column: pd.Series, name: str, path: Path) -> pd.Series:
    """Seconds since 1970 of a column of numbers or of dates."""
    if pd.api.types.is_numeric_dtype(column):
        return column.astype(np.int64)
    try:
        return pd.Series(
            pd.to_datetime(column, utc=True, format="ISO8601").to_numpy("datetime64[s]").astype(np.int64), column.index
        )
    except (ValueError, TypeError) as error:
        raise DataError(
            f"the column {name!r} of {path} must be times: numbers, or dates such as 2024-05-31 (ISO 8601)."
        ) from error


def described(path: Path | None, id_column: str) -> pd.DataFrame | None:
    """The rows of a file by the id that each is about; DataError where there is no id or one comes twice."""
    if path is None:
        return None
    frame = read(path)
    demand(id_column, frame.columns, path)
    if frame[id_column].isna().any():
        first = int(np.flatnonzero(frame[id_column].isna())[0])
        raise DataError(f"the column {id_column!r} of {path} has no value in data row {first + 1}. Give it an id.")
    if frame[id_column].duplicated().any():
        repeated = frame[id_column][frame[id_column].duplicated()].iloc[0]
        raise DataError(f"the column {id_column!r} of {path} names {repeated} twice: give each a single row.")
    return frame.set_index(id_column)


def demand(name: str, columns: pd.Index, path: Path) -> None:
    """DataError where a file lacks a column, with what was probably meant."""
    if name not in columns:
        known = [str(column) for column in columns]
        meant = closest(name, known)
        hint = f" Did you mean {meant!r}?" if meant else f" It has {listing(known)}."
        raise DataError(f"the file {path} has no column {name!r}.{hint}")
