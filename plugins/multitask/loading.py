"""Tables with several targets, encoded, standardised and split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.context import Context
from pipeline.datasets import fetch
from pipeline.errors import DataError
from pipeline.types import Split, Table
from plugins.multitask.registry import ADULT, MULTI_TARGET
from plugins.multitask.types import Examples, TaskSet

if TYPE_CHECKING:
    from plugins.multitask import stages

_ADULT_COLUMNS = (
    "age", "workclass", "weight", "education", "education_years", "marital_status", "occupation", "relationship",
    "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "country", "income",
)  # fmt: skip


def named(stage: stages.Tasks, context: Context) -> TaskSet:
    """A published table as tasks."""
    if stage.dataset == "adult":
        files = fetch(ADULT, context)
        context.text("source.md", ADULT.describe())
        train, test = adult(files["adult.data"]), adult(files["adult.test"])
        return task_set(train, stage, official_test=test)
    dataset, targets = MULTI_TARGET[stage.dataset]
    context.text("source.md", dataset.describe())
    return task_set(arff(fetch(dataset, context)[f"{stage.dataset}.arff"], targets), stage)


def adult(path: Path) -> Table:
    """Income over 50,000 and never married from the rest; what gives the latter away is left out (Ma et al. 2018)."""
    frame = pd.read_csv(path, names=_ADULT_COLUMNS, skipinitialspace=True, comment="|").dropna(subset=["income"])
    frame["income_over_50k"] = frame.income.str.startswith(">50K").astype(float)
    frame["never_married"] = (frame.marital_status == "Never-married").astype(float)
    targets = ("income_over_50k", "never_married")
    return Table(frame.drop(columns=["income", "marital_status", "relationship", "weight"]), targets)


def arff(path: Path, targets: int) -> Table:
    """An ARFF file whose last columns are the targets."""
    from scipy.io.arff import loadarff

    data, _ = loadarff(path)
    frame = pd.DataFrame(data)
    for name in frame.select_dtypes(object):
        frame[name] = frame[name].str.decode("utf-8")
    return Table(frame, tuple(frame.columns[-targets:]))


def task_set(table: Table, stage: stages.Tasks, official_test: Table | None = None) -> TaskSet:
    """Encoded by what the training rows hold; a target of 0 and 1 is a yes-or-no task."""
    rng = np.random.default_rng(stage.split_seed)
    order = rng.permutation(len(table))
    sizes = [round(share * len(table)) for share in (stage.validation, 0 if official_test else stage.test)]
    validation, test, train = np.split(order, np.cumsum(sizes))
    features = pd.concat([table.features, official_test.features]) if official_test else table.features
    targets = pd.concat([table.target, official_test.target]) if official_test else table.target
    if official_test:
        test = np.arange(len(table), len(features))
    if len(train) < 2 or not len(validation) or not len(test):
        raise DataError(f"{len(table)} rows are too few to train, choose and judge on. Give more rows.")
    inputs = _standardised(pd.get_dummies(features, dtype=float).to_numpy(float), train)
    values = targets.to_numpy(float)
    binary = tuple(bool(np.isin(column, (0, 1)).all()) for column in values.T)
    answers = np.where(binary, values, _standardised(values, train))
    parts = (Examples(inputs[rows].astype(np.float32), answers[rows].astype(np.float32)) for rows in
             (train, validation, test))  # fmt: skip
    return TaskSet(table.targets, binary, Split(*parts))


def _standardised(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    deviation = values[rows].std(0)
    return (values - values[rows].mean(0)) / np.where(deviation > 0, deviation, 1)
