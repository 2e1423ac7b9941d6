"""Tables with several targets, read, encoded, standardised and split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.context import Context
from pipeline.datasets import fetch
from pipeline.errors import DataError
from pipeline.types import Split, Table
from plugins.multitask.registry import ADULT, CENSUS, MULTI_TARGET
from plugins.multitask.types import Examples, TaskSet

if TYPE_CHECKING:
    from plugins.multitask import stages

_ADULT_COLUMNS = (
    "age", "workclass", "weight", "education", "education_years", "marital_status", "occupation", "relationship",
    "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "country", "income",
)  # fmt: skip
_CENSUS_COLUMNS, _CENSUS_MARITAL, _CENSUS_WEIGHT, _CENSUS_INCOME = 42, 7, 24, 41


def load(stage: stages.Tasks, context: Context) -> TaskSet:
    """A published table, or one's own, as tasks."""
    if stage.path:
        return task_set(table(stage.path, stage.targets), stage)
    if stage.dataset == "adult":
        files = fetch(ADULT, context)
        context.text("source.md", ADULT.describe())
        return task_set(adult(files["adult.data"]), stage, official_test=adult(files["adult.test"]))
    if stage.dataset == "census-income":
        context.text("source.md", CENSUS.describe())
        return task_set(census(fetch(CENSUS, context)["census-income.test.gz"]), stage)
    dataset, targets = MULTI_TARGET[str(stage.dataset)]
    context.text("source.md", dataset.describe())
    published = arff(fetch(dataset, context)[f"{dataset.name}.arff"], targets)
    if stage.dataset == "enb":
        names = {"Y1": "heating_load", "Y2": "cooling_load"}
        published = Table(published.frame.rename(columns=names), tuple(names.values()))
    return task_set(published, stage)


def table(path: Path, targets: tuple[str, ...]) -> Table:
    """A file with a header; DataError where a target is not among its columns."""
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    if missing := [name for name in targets if name not in frame]:
        raise DataError(
            f"{path.name} has no column {missing[0]!r}. Its columns are {', '.join(map(str, frame.columns[:20]))}."
        )
    return Table(frame, targets)


def adult(path: Path) -> Table:
    """Income over 50,000 and never married from the rest; what gives the latter away is left out (Ma et al. 2018)."""
    frame = pd.read_csv(path, names=_ADULT_COLUMNS, skipinitialspace=True, comment="|").dropna(subset=["income"])
    frame["income_over_50k"] = frame.income.str.startswith(">50K").astype(float)
    frame["never_married"] = (frame.marital_status == "Never-married").astype(float)
    targets = ("income_over_50k", "never_married")
    return Table(frame.drop(columns=["income", "marital_status", "relationship", "weight"]), targets)


def census(path: Path) -> Table:
    """Income over 50,000 and never married (Ma et al. 2018, section 6.2); without the survey's weights."""
    frame = pd.read_csv(path, header=None, skipinitialspace=True, names=range(_CENSUS_COLUMNS), index_col=False)
    frame["income_over_50k"] = frame[_CENSUS_INCOME].str.startswith("50000+").astype(float)
    frame["never_married"] = (frame[_CENSUS_MARITAL] == "Never married").astype(float)
    frame = frame.drop(columns=[_CENSUS_MARITAL, _CENSUS_WEIGHT, _CENSUS_INCOME])
    return Table(frame.rename(columns=str), ("income_over_50k", "never_married"))


def arff(path: Path, targets: int) -> Table:
    """An ARFF file whose last columns are the targets."""
    from scipy.io.arff import loadarff

    data, _ = loadarff(path)
    frame = pd.DataFrame(data)
    for name in frame.select_dtypes(object):
        frame[name] = frame[name].str.decode("utf-8")
    return Table(frame, tuple(frame.columns[-targets:]))


def task_set(table: Table, stage: stages.Tasks, official_test: Table | None = None) -> TaskSet:
    """Encoded by what the training rows hold; the official test rows are the last ones."""
    both = [table.frame] if official_test is None else [table.frame, official_test.frame]
    everything = Table(pd.concat(both, ignore_index=True), table.targets)
    order = np.random.default_rng(stage.split_seed).permutation(len(table))
    sizes = [round(share * len(table)) for share in (stage.validation, 0 if official_test else stage.test)]
    validation, test, train = np.split(order, np.cumsum(sizes))
    if official_test:
        test = np.arange(len(table), len(everything))
    if len(train) < 2 or not len(validation) or not len(test):
        raise DataError(f"{len(table)} rows are too few to train, choose and judge on. Give more rows.")
    inputs = _inputs(everything.features, train)
    kinds, columns = zip(*(_target(everything.frame[name], train) for name in table.targets), strict=True)
    targets = np.stack(columns, 1)
    parts = (Examples(inputs[rows], targets[rows]) for rows in (train, validation, test))
    return TaskSet(table.targets, kinds, Split(*parts))


def _inputs(features: pd.DataFrame, train: np.ndarray) -> np.ndarray:
    """Standardised float32 (n, features): a column for each category, the mean for a number that is missing."""
    values = pd.get_dummies(features, dtype=float).to_numpy(float)
    means = np.nan_to_num(np.nanmean(values[train], axis=0)) if np.isnan(values).any() else 0.0
    return _standardised(np.where(np.isnan(values), means, values), train).astype(np.float32)


def _target(column: pd.Series, train: np.ndarray) -> tuple[int, np.ndarray]:
    """How many classes (1: a number), and float32 values (n,): standardised, or class indices."""
    if missing := int(column.isna().sum()):
        raise DataError(f"the target {column.name!r} is missing in {missing} rows. Drop or fill them first.")
    if pd.api.types.is_numeric_dtype(column) and not column.isin((0, 1)).all():
        return 1, _standardised(column.to_numpy(float)[:, None], train)[:, 0].astype(np.float32)
    indices, classes = pd.factorize(column, sort=True)
    if len(np.unique(indices[train])) < 2:
        raise DataError(f"the target {column.name!r} has one value only: there is nothing to learn. Leave it out.")
    return len(classes), indices.astype(np.float32)


def _standardised(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    deviation = values[rows].std(0)
    return (values - values[rows].mean(0)) / np.where(deviation > 0, deviation, 1)
