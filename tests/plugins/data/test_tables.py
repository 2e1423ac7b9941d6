import pandas as pd
import pytest
from pydantic import ValidationError

from pipeline.context import Context
from pipeline.errors import DataError
from plugins.data.stages import Table


def load(**configuration):
    return Table(**configuration).run(Context("table", seed=None))


def write(path, n=20, sep=","):
    pd.DataFrame({"a": range(n), "b": list("xy") * (n // 2)}).to_csv(path, index=False, sep=sep)
    return path


@pytest.mark.parametrize(("name", "n"), [("iris", 150), ("wine", 178)])
def test_known_tables_come_in_three_parts_with_their_target(name, n):
    parts = load(dataset=name)

    assert n == sum(len(part) for part in (parts.train, parts.validation, parts.test))
    assert ("kind",) == parts.train.targets


@pytest.mark.parametrize("sep", [",", ";", "\t"])
def test_a_file_is_read_whatever_separates_its_columns(tmp_path, sep):
    parts = load(file=write(tmp_path / "rows.csv", sep=sep), targets=("b",))

    assert [14, 2, 4] == [len(part) for part in (parts.train, parts.validation, parts.test)]
    assert ["a"] == list(parts.train.features.columns)
    every = pd.concat([part.frame for part in (parts.train, parts.validation, parts.test)])
    assert list(range(20)) == sorted(every["a"])


def test_parquet_is_read_and_a_limit_is_kept(tmp_path):
    pd.DataFrame({"a": range(50)}).to_parquet(tmp_path / "rows.parquet")

    parts = load(file=tmp_path / "rows.parquet", limit=10)

    assert 10 == sum(len(part) for part in (parts.train, parts.validation, parts.test))


def test_files_that_are_no_tables_are_refused(tmp_path):
    (tmp_path / "empty.csv").write_text("a,b\n")
    (tmp_path / "odd.parquet").write_text("no parquet")

    for name, message in (
        ("none.csv", "does not exist"),
        ("empty.csv", "has no rows"),
        ("odd.parquet", "cannot be read"),
    ):
        with pytest.raises(DataError, match=message):
            load(file=tmp_path / name)
    with pytest.raises(DataError, match=r"no column 'c'. Its columns are a, b"):
        load(file=write(tmp_path / "rows.csv"), targets=("c",))


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({}, "either a dataset or a file"),
        ({"dataset": "iris", "validation": 0.6, "test": 0.5}, "something to train on"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(configuration, message):
    with pytest.raises(ValidationError, match=message):
        Table(**configuration)
