import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from pipeline.errors import DataError
from pipeline.testing import run_stage
from plugins.recommender import stages


def interactions(path, **configuration):
    return run_stage(stages.Interactions(file=path, **configuration)).value


def write(folder, frame, name="clicks.csv"):
    path = folder / name
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if ".tsv" in name else ",")
    return path


CLICKS = pd.DataFrame({"user": ["ann", "ann", "bob", "bob", "cyd"], "item": [7, 9, 7, 3, 9], "rating": [5, 2, 4, 1, 3]})
CLICKS["when"] = ["2024-01-0" + day for day in "12345"]


@pytest.mark.parametrize("name", ["clicks.csv", "clicks.parquet", "clicks.csv.gz", "clicks.tsv"])
def test_a_file_keeps_ids_of_any_type(tmp_path, name):
    data = interactions(write(tmp_path, CLICKS, name), rating_column="rating", time_column="when")

    assert ["ann", "bob", "cyd"] == data.catalogue.user_ids.tolist()
    assert [3, 7, 9] == data.catalogue.item_ids.tolist()
    assert [5, 2, 4, 1, 3] == data.feedback.ratings.tolist()
    assert [86400] * 4 == np.diff(data.feedback.times).tolist()


def test_of_repeated_interactions_the_last_in_time_is_kept(tmp_path):
    repeated = pd.concat([CLICKS, CLICKS.iloc[[0]].assign(rating=1, when="2023-12-31")])

    data = interactions(write(tmp_path, repeated), rating_column="rating", time_column="when")

    assert 5 == len(data.feedback)
    assert 5 == data.feedback.ratings[0]


def test_low_ratings_and_rare_users_and_items_are_left_out(tmp_path):
    path = write(tmp_path, CLICKS)

    assert 3 == len(interactions(path, rating_column="rating", minimum_rating=3).feedback)
    core = interactions(path, user_core=2)
    assert ["ann", "bob"] == core.catalogue.user_ids.tolist()


def test_features_of_items_are_named_and_scaled(tmp_path):
    items = pd.DataFrame(
        {"item": [3, 7, 9], "title": ["red car", "red hat", "blue car"], "kind": ["a|b", "a", ""], "year": [1, 2, 3]}
    )

    data = interactions(
        write(tmp_path, CLICKS), items=write(tmp_path, items, "items.csv"),
        item_text=("title",), item_categories=("kind",), item_numbers=("year",),
    )  # fmt: skip

    features = data.catalogue.item_features
    assert ("title:car", "title:red", "kind=a", "kind=b", "year") == features.names
    assert [np.sqrt(0.5), np.sqrt(0.5), 1, 0] == pytest.approx(
        [*features.matrix.toarray()[0, 2:4], *features.matrix.toarray()[1, 2:4]], abs=1e-6
    )
    assert ["red car", "red hat", "blue car"] == data.catalogue.show(np.arange(3))


def broken(**changes):
    return CLICKS.assign(**changes)


@pytest.mark.parametrize(
    ("frame", "configuration", "message"),
    [
        (CLICKS, {"user_column": "usr"}, "has no column 'usr'. Did you mean 'user'"),
        (CLICKS, {"user_column": "zzz"}, "has no column 'zzz'. It has item, rating, user, when"),
        (broken(rating=[5, None, 4, None, 3]), {"rating_column": "rating"},
         "the column 'rating' of .* has no value in 2 of 5 rows, the first in data row 2"),
        (broken(rating=["5", "good", "4", "1", "3"]), {"rating_column": "rating"},
         "must be numbers. Got 'good' in data row 2"),
        (broken(when=["yesterday"] * 5), {"time_column": "when"}, "must be times: numbers, or dates"),
        (broken(user="ann"), {}, r"holds 1 user\(s\) and 3 item\(s\) after filtering"),
        (CLICKS.iloc[:0], {}, "holds no interactions"),
        (CLICKS, {"rating_column": "rating", "minimum_rating": 9}, "no interaction of .* is left after filtering"),
        (CLICKS, {"minimum_rating": 3}, "'minimum_rating' needs ratings"),
        (CLICKS, {"user_core": 9}, "no interaction of .* is left after filtering"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_says_why(tmp_path, frame, configuration, message):
    with pytest.raises(DataError, match=message):
        interactions(write(tmp_path, frame), **configuration)


def test_a_file_that_is_not_there_or_of_another_kind_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nothing.csv does not exist"):
        interactions(tmp_path / "nothing.csv")
    (tmp_path / "clicks.xlsx").write_text("x")
    with pytest.raises(DataError, match=r"neither CSV nor parquet"):
        interactions(tmp_path / "clicks.xlsx")


def test_an_item_described_twice_is_refused(tmp_path):
    items = pd.DataFrame({"item": [3, 3], "title": ["a", "b"]})

    with pytest.raises(DataError, match="names 3 twice"):
        interactions(write(tmp_path, CLICKS), items=write(tmp_path, items, "items.csv"), item_text=("title",))


def test_a_split_that_leaves_nothing_to_judge_on_is_refused(tmp_path):
    single = pd.DataFrame({"user": ["a", "b", "c"], "item": [1, 2, 3]})
    data = interactions(write(tmp_path, single))

    with pytest.raises(DataError, match=r"leaves the test part empty: clicks.csv has 3 interactions of 3 users"):
        run_stage(stages.Split(), data=data)
    with pytest.raises(DataError, match="comes without parts of its own"):
        run_stage(stages.Split(by="given"), data=data)
    with pytest.raises(DataError, match="has no ratings to predict"):
        run_stage(stages.Folds(), data=data)


def test_shares_that_leave_nothing_to_fit_on_are_refused_before_anything_runs():
    with pytest.raises(ValidationError, match="must leave something to fit on"):
        stages.Split(validation=0.5, test=0.5)
