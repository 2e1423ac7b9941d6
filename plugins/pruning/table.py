"""What `pruning.table` does: rows of numbers with a class each, from a known data set or a file of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.model_selection import train_test_split

from pipeline.errors import DataError
from pipeline.types import Split, Table

if TYPE_CHECKING:
    from plugins.pruning.stages import Table as Stage

KNOWN = {"breast-cancer": load_breast_cancer, "wine": load_wine}


def load(stage: Stage) -> Split[Table]:
    """Read, encode texts as columns of zeros and ones, and split so that each class has its share of every part."""
    frame, target = _known(str(stage.dataset)) if stage.dataset else _read(stage)
    inputs = pd.get_dummies(frame.drop(columns=target)).astype(np.float32)
    if wrong := inputs.columns[~np.isfinite(inputs).all()].tolist():
        raise DataError(
            f"values are missing or not finite in {', '.join(map(str, wrong))}. Mend or leave out those rows."
        )
    classes = frame[target].astype("category")
    if (rare := classes.value_counts()).min() < 3:
        raise DataError(f"class {rare.idxmin()!r} of {target} has {rare.min()} rows, and each class needs 3 or more.")
    whole = inputs.assign(**{target: classes})
    rest, test = train_test_split(whole, test_size=stage.test, stratify=classes, random_state=stage.split_seed)
    share = stage.validation / (1 - stage.test)
    train, validation = train_test_split(rest, test_size=share, stratify=rest[target], random_state=stage.split_seed)
    return Split(*(Table(part.reset_index(drop=True), (target,)) for part in (train, validation, test)))


def _known(name: str) -> tuple[pd.DataFrame, str]:
    bunch = KNOWN[name](as_frame=True)
    return bunch.data.assign(target=bunch.target_names[bunch.target]), "target"


def _read(stage: Stage) -> tuple[pd.DataFrame, str]:
    assert stage.file is not None
    assert stage.target is not None
    try:
        frame = pd.read_csv(stage.file)
    except (OSError, ValueError) as error:
        raise DataError(f"{stage.file} cannot be read as a table: {error}") from error
    if stage.target not in frame:
        raise DataError(f"{stage.file} has no column {stage.target!r}. It has: {', '.join(map(str, frame.columns))}.")
    return frame, stage.target
