"""What the problem stages do: draw the rows of a known law, or read and split a user's table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import DataError, closest, listing
from pipeline.types import Table
from plugins.symbolic.grammar import parse
from plugins.symbolic.problems import catalogue
from plugins.symbolic.programs import evaluate
from plugins.symbolic.types import Problem

if TYPE_CHECKING:
    import pandas as pd

    from plugins.symbolic import stages

_SMALLEST_SPREAD = 1e-12


def from_law(stage: stages.Problem) -> Problem:
    """The rows of a named law or of a formula in the stage's own words."""
    law = catalogue.law(stage.name)
    rng = np.random.default_rng(stage.sample_seed)
    train = _table(law, catalogue.training_rows(law, stage.rows, rng))
    test = _table(law, catalogue.uniform_rows(law, law.tested, stage.test_rows, rng))
    beyond = _table(law, catalogue.outside(law, stage.beyond, stage.test_rows, rng)) if stage.beyond else None
    if stage.noise:
        spread = float(train.target.to_numpy().std())
        train.frame[law.target] += rng.normal(0, stage.noise * spread, len(train))
    return Problem(law.name, train, test, beyond, law.formula)


def from_table(stage: stages.Table) -> Problem:
    """A user's file, split at random; rows beyond the 90 % range of the first principal feature may be held out."""
    frame = clean(read(stage.path), stage.target, str(stage.path))
    order = np.random.default_rng(stage.split_seed).permutation(len(frame))
    held = round(stage.test * len(frame))
    if len(frame) - held < 2 or held < 1:
        raise DataError(
            f"{stage.path} has {len(frame)} usable row{'s' * (len(frame) != 1)}: too few to split into training and "
            "test rows. At least four are needed."
        )
    test, train = frame.iloc[order[:held]], frame.iloc[order[held:]]
    if float(np.ptp(train[stage.target])) == 0:
        raise DataError(f"the target {stage.target!r} of {stage.path} is the same in every training row.")
    targets = (stage.target,)
    truth = stage.truth
    if truth is not None:
        parse(truth, tuple(frame.columns.drop(stage.target)))
    return Problem(
        stage.path.stem,
        Table(train.reset_index(drop=True), targets),
        Table(test.reset_index(drop=True), targets),
        truth=truth,
    )


def read(path: Path) -> pd.DataFrame:
    """A table of numbers from CSV, TSV (also gzipped) or parquet; DataError where it cannot be read."""
    import pandas as pd

    if not path.exists():
        raise DataError(f"the file {path} does not exist.")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        separator = "\t" if ".tsv" in path.suffixes else ","
        return pd.read_csv(path, sep=separator)
    except (OSError, ValueError) as error:
        raise DataError(f"the file {path} cannot be read as a table ({error}).") from error


def clean(frame: pd.DataFrame, target: str, where: str) -> pd.DataFrame:
    """Numbers only: text columns and constant ones are left out, rows with holes too; the target comes last.

    DataError where the target is missing or is no number, or where nothing is left.
    """
    import pandas as pd

    frame = frame.rename(columns=str)
    if target not in frame.columns:
        meant = closest(target, frame.columns)
        hint = f"Did you mean {meant!r}?" if meant else f"Its columns are {listing(list(frame.columns))}."
        raise DataError(f"{where} has no column {target!r}. {hint}")
    numbers = frame.select_dtypes(include="number").astype(float).replace([np.inf, -np.inf], np.nan)
    if target not in numbers:
        raise DataError(f"the target {target!r} of {where} must be a column of numbers.")
    empty = [name for name in numbers if name != target and numbers[name].isna().all()]
    numbers = numbers.drop(columns=empty).dropna()
    if len(numbers) == 0:
        raise DataError(f"no row of {where} is complete: every one has a missing or infinite value.")
    largest = float(np.abs(numbers[target]).max())
    if largest > 1e100:
        raise DataError(f"the target {target!r} of {where} reaches {largest:.3g}: its square overflows. Rescale it.")
    features = numbers.drop(columns=target)
    spread = features.max() - features.min()
    kept = features.loc[:, spread > _SMALLEST_SPREAD * features.abs().max()]
    if kept.shape[1] == 0 and len(numbers) > 1:
        raise DataError(f"no column of {where} but the target varies.")
    return pd.concat([kept, numbers[[target]]], axis="columns")


def _table(law: catalogue.Law, rows: np.ndarray) -> Table:
    import pandas as pd

    frame = pd.DataFrame(rows, columns=list(law.points))
    frame[law.target] = evaluate(law.program, rows)
    return Table(frame, (law.target,))
