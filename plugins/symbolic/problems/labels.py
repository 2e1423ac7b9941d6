"""Two classes as the numbers 0 and 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def encoded(frame: pd.DataFrame, target: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The frame with a target of two words, or yes and no, as 0 and 1, and the classes; else as it is and none."""
    import pandas as pd

    if target not in frame.columns:
        return frame, ()
    column = frame[target]
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return frame, ()
    levels = sorted(column.dropna().unique(), key=str)
    if len(levels) != 2:
        return frame, ()
    return frame.assign(**{target: column.map({levels[0]: 0.0, levels[1]: 1.0})}), tuple(map(str, levels))
