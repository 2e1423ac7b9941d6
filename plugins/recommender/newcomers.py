"""Items that came after fitting: a file describes them by the columns that describe the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
from scipy import sparse

from pipeline.errors import DataError, listing
from plugins.recommender.features import described
from plugins.recommender.sources import files
from plugins.recommender.types import Catalogue, TextColumn


def extended(catalogue: Catalogue, path: Path, id_column: str) -> tuple[Catalogue, sparse.csr_matrix]:
    """The catalogue with a file's items appended, and their features (new, d); DataError where these cannot be had."""
    features = catalogue.item_features
    if features is None or not features.columns:
        raise DataError(
            f"'new_items' needs features that describe items, but {catalogue.source} has none. "
            "Give 'items' with text, categories or numbers to 'recommender.interactions'."
        )
    frame = files.described(path, id_column)
    assert frame is not None
    if frame.empty:
        raise DataError(f"the file {path} holds no items.")
    for column in features.columns:
        files.demand(column.name, frame.columns, path)
    if known := [item for item in frame.index if item in catalogue.item_ids]:
        raise DataError(f"{path} is to describe new items, but {listing(known[:3])} is in {catalogue.source} already.")
    rows = described(frame, features.columns)
    if not rows.nnz:
        raise DataError(f"no item of {path} shares a word, category or number with the items of {catalogue.source}.")
    names = catalogue.item_names
    if names is not None:
        text = next((column.name for column in features.columns if isinstance(column, TextColumn)), None)
        shown = frame.index if text is None else frame[text].fillna("")
        names = names.append(pd.Index(shown.astype(str).to_numpy(object)))
    whole = sparse.csr_matrix(sparse.vstack([features.matrix, rows], format="csr"))
    return (
        replace(
            catalogue,
            item_ids=catalogue.item_ids.append(frame.index.rename(None)),
            item_names=names,
            item_features=replace(features, matrix=whole),
        ),
        rows,
    )
