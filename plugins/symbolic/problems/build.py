"""What the problem stages do: draw the rows of a known law, or read and split a user's table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.context import Context
from pipeline.datasets import fetch
from pipeline.errors import DataError, closest, listing
from pipeline.types import Table
from plugins.symbolic import units
from plugins.symbolic.grammar import parse
from plugins.symbolic.problems import catalogue
from plugins.symbolic.problems.labels import encoded
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
    known = _units(stage.units, tuple(law.points), law.target, law.name)
    return Problem(law.name, train, test, beyond, law.formula, known)


def from_pmlb(stage: stages.Pmlb, context: Context) -> Problem:
    """A set of PMLB, found or downloaded, and split at random."""
    from plugins.symbolic.problems.pmlb import DATASETS

    if stage.name not in DATASETS:
        meant = closest(stage.name, DATASETS)
        hint = f"Did you mean {meant!r}?" if meant else f"Known: {listing(DATASETS)}."
        raise DataError(f"there is no PMLB set {stage.name!r} here. {hint}")
    dataset = DATASETS[stage.name]
    context.text("source.md", dataset.describe())
    (path,) = fetch(dataset, context).values()
    return divided(clean(read(path), "target", stage.name), "target", stage.name, stage.test, stage.split_seed)


def from_table(stage: stages.Table) -> Problem:
    """A user's file, split at random."""
    where = str(stage.path)
    frame, classes = encoded(read(stage.path).rename(columns=str), stage.target)
    problem = divided(clean(frame, stage.target, where), stage.target, where, stage.test, stage.split_seed)
    if stage.truth is not None:
        parse(stage.truth, problem.variables)
    return replace(
        problem,
        name=stage.path.stem,
        truth=stage.truth,
        classes=classes,
        units=_units(stage.units, problem.variables, stage.target, where),
    )


def _units(given: Mapping[str, str], variables: tuple[str, ...], target: str, where: str) -> tuple[str, ...]:
    """The units in the order of the variables, the target's last; DataError where a name or a unit is wrong."""
    for name, unit in given.items():
        if name not in (*variables, target):
            meant = closest(name, (*variables, target))
            raise DataError(
                f"units are given for {name!r}, which is no column that {where} is left with."
                + (f" Did you mean {meant!r}?" if meant else "")
            )
        units.read(unit)
    return tuple(given.get(name, "") for name in (*variables, target)) if given else ()


def divided(frame: pd.DataFrame, target: str, where: str, share: float, seed: int) -> Problem:
    """Training and test rows at random; DataError where there are too few, or nothing to learn."""
    order = np.random.default_rng(seed).permutation(len(frame))
    held = round(share * len(frame))
    if len(frame) - held < 2 or held < 1:
        raise DataError(
            f"{where} has {len(frame)} usable row{'s' * (len(frame) != 1)}: too few to split into training and test "
            "rows. At least four are needed."
        )
    test, train = frame.iloc[order[:held]], frame.iloc[order[held:]]
    if float(np.ptp(train[target])) == 0:
        raise DataError(f"the target {target!r} of {where} is the same in every training row.")
    train, test = train.reset_index(drop=True), test.reset_index(drop=True)
    return Problem(where, Table(train, (target,)), Table(test, (target,)))


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
        raise DataError(f"the target {target!r} of {where} must be a column of numbers, or of two classes.")
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
