"""From data frames to codes: one place where ids become numbers, so that ids of any type come back as they went in."""

from __future__ import annotations

import numpy as np
import pandas as pd

from plugins.recommender.features import FeatureColumns, featurise
from plugins.recommender.types import Catalogue, Feedback, Interactions


def encode(
    frame: pd.DataFrame,
    source: str,
    items: pd.DataFrame | None = None,
    users: pd.DataFrame | None = None,
    item_columns: FeatureColumns | None = None,
    user_columns: FeatureColumns | None = None,
    item_name: str | None = None,
) -> Interactions:
    """Interactions of a frame with the columns user, item and, if there, rating, time and part.

    items, users: frames indexed by id that describe them; rows of ids without an interaction extend the catalogue.
    """
    user_ids, user_codes = _codes(frame["user"], users)
    item_ids, item_codes = _codes(frame["item"], items)
    feedback = Feedback(
        user_codes,
        item_codes,
        frame["rating"].to_numpy(np.float32) if "rating" in frame else None,
        frame["time"].to_numpy(np.int64) if "time" in frame else None,
    )
    described = None if items is None else items.reindex(item_ids)
    names = None
    if described is not None and item_name is not None:
        names = pd.Index(described[item_name].fillna("").astype(str).to_numpy(object))
    catalogue = Catalogue(
        user_ids,
        item_ids,
        source,
        names,
        None if described is None or item_columns is None else featurise(described, item_columns),
        None if users is None or user_columns is None else featurise(users.reindex(user_ids), user_columns),
    )
    return Interactions(catalogue, feedback, frame["part"].to_numpy(np.int8) if "part" in frame else None)


def _codes(column: pd.Series, described: pd.DataFrame | None) -> tuple[pd.Index, np.ndarray]:
    """The ids in order, and each row's position among them."""
    found = pd.Index(column.unique())
    ids = found if described is None else found.union(described.index, sort=False)
    # Ids that cannot be compared with one another keep the order in which they came.
    ids = ids.sort_values() if ids.inferred_type not in ("mixed", "mixed-integer") else ids
    return ids, ids.get_indexer(column).astype(np.int32)
