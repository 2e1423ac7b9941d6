"""Rows of a table as vectors: numbers standardised, categories one-hot, and at the end what was observed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.errors import DataError
from plugins.vae.types import Column

MOST_CATEGORIES = 200


def columns_of(frame: pd.DataFrame) -> tuple[Column, ...]:
    """How each column is to be encoded, by what the training rows hold; DataError where one cannot be."""
    return tuple(_column(str(name), frame[name]) for name in frame.columns)


def encode(frame: pd.DataFrame, columns: Sequence[Column]) -> np.ndarray:
    """(n, width + columns), float32: the encoded values, then for each column 1 where its value is known, else 0."""
    if missing := [column.name for column in columns if column.name not in frame.columns]:
        raise DataError(f"the rows have no column {missing[0]!r}, which the model was trained on.")
    values, known = zip(*(_encode(frame[column.name], column) for column in columns), strict=True)
    return np.concatenate([*values, np.stack(known, 1)], axis=1, dtype=np.float32)


def decode(values: np.ndarray, columns: Sequence[Column]) -> pd.DataFrame:
    """Rows from encoded values (n, width): a category is where its one-hot code is greatest."""
    frame, start = {}, 0
    for column in columns:
        part = values[:, start : start + column.width]
        start += column.width
        if column.categories:
            frame[column.name] = np.array(column.categories, object)[part.argmax(1)]
        else:
            numbers = part[:, 0].astype(np.float64) * column.deviation + column.mean
            frame[column.name] = np.rint(numbers).astype(np.int64) if column.whole else numbers
    return pd.DataFrame(frame)


def _column(name: str, values: pd.Series) -> Column:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(float)
        known = numbers[~np.isnan(numbers)]
        if not np.isfinite(known).all():
            raise DataError(f"the column {name!r} holds infinite numbers. Mend or leave out those rows.")
        if len(known) == 0:
            raise DataError(f"the column {name!r} is empty in the training rows. Leave it out.")
        whole = bool((known == np.rint(known)).all())
        return Column(name, mean=float(known.mean()), deviation=float(known.std()) or 1.0, whole=whole)
    categories = tuple(sorted({str(value) for value in values.dropna()}))
    if len(categories) > MOST_CATEGORIES:
        raise DataError(
            f"the column {name!r} has {len(categories)} different values, more than {MOST_CATEGORIES}: it looks like a "
            "text or a key. Leave it out."
        )
    return Column(name, categories=categories or ("",))


def _encode(values: pd.Series, column: Column) -> tuple[np.ndarray, np.ndarray]:
    if not column.categories:
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(float)
        known = np.isfinite(numbers)
        return np.where(known, (numbers - column.mean) / column.deviation, 0)[:, None], known
    numbers = {category: number for number, category in enumerate(column.categories)}
    codes = values.astype(object).map(lambda value: -1 if pd.isna(value) else numbers.get(str(value), -1)).to_numpy(int)
    return (codes[:, None] == np.arange(len(column.categories))).astype(float), codes >= 0
