import os

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from pipeline.errors import DataError
from pipeline.testing import run_stage
from plugins.multitask.stages import Tasks


def tasks_of(tmp_path, columns, targets):
    path = tmp_path / "table.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return run_stage(Tasks(path=path, targets=targets)).value


def test_a_table_of_ones_own_becomes_tasks_of_its_kinds(tmp_path):
    rng = np.random.default_rng(0)
    columns = {
        "size": rng.normal(5, 2, 100),
        "town": rng.choice(["Ulm", "Graz"], 100),
        "price": rng.normal(200, 30, 100),
        "sold": rng.choice([0, 1], 100),
        "owner": rng.choice(["bank", "city", "family"], 100),
    }
    columns["size"][3] = np.nan

    tasks = tasks_of(tmp_path, columns, ("price", "sold", "owner"))

    train = tasks.parts.train
    assert (1, 2, 3) == tasks.classes
    assert [70, 10, 20] == [len(part) for part in (train, tasks.parts.validation, tasks.parts.test)]
    assert (70, 3) == train.inputs.shape
    assert np.isfinite(train.inputs).all()
    assert np.allclose(0, train.targets[:, 0].mean(), atol=1e-5)
    assert {0, 1, 2} == set(train.targets[:, 2])


def test_a_target_that_is_no_column_is_told(tmp_path):
    with pytest.raises(DataError, match=r"table.csv has no column 'prize'. Its columns are price, size"):
        tasks_of(tmp_path, {"price": [1.0] * 30, "size": [2.0] * 30}, ("prize",))


def test_a_target_with_holes_is_told(tmp_path):
    with pytest.raises(DataError, match="the target 'y' is missing in 1 rows"):
        tasks_of(tmp_path, {"x": np.arange(30.0), "y": [np.nan, *range(29)]}, ("y",))


def test_a_target_of_one_value_is_told(tmp_path):
    with pytest.raises(DataError, match="the target 'y' has one value only"):
        tasks_of(tmp_path, {"x": np.arange(30.0), "y": ["same"] * 30}, ("y",))


@pytest.mark.parametrize(
    "given", [{}, {"dataset": "enb", "path": "x.csv"}, {"path": "x.csv"}, {"dataset": "enb", "targets": ("y",)}]
)
def test_a_table_is_named_in_one_way(given):
    with pytest.raises(ValidationError, match="must name"):
        Tasks(**given)


@pytest.mark.skipif("PIPELINE_DATA" not in os.environ, reason="PIPELINE_DATA names no folder with the tables")
@pytest.mark.parametrize(
    ("dataset", "classes", "rows"),
    [("enb", (1, 1), 768), ("wq", (1,) * 14, 1060), ("sf1", (1, 1, 2), 323), ("adult", (2, 2), 48_842)],
)
def test_published_tables_have_their_published_sizes(dataset, classes, rows):
    tasks = run_stage(Tasks(dataset=dataset)).value

    assert classes == tasks.classes
    assert rows == sum(len(part) for part in (tasks.parts.train, tasks.parts.validation, tasks.parts.test))
