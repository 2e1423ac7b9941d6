import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name, path_not_unique

from pipeline.tracking.names import (
    PARAM_LENGTH,
    TAG_LENGTH,
    Names,
    allowed,
    artifact_path,
    originals,
    short_param,
    text_of,
)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("quality/elbo", "quality/elbo"),
        ("quality/ndcg@10", "quality/ndcg_at_10"),
        ("accuracy (%)", "accuracy _percent"),
        ("model[als].factors", "model_als.factors"),
        ("β-VAE/Überlappung", "β-VAE/Überlappung"),
        ("a//b/./../c/", "a/b/_/_/c"),
        ("__private__", "__private__"),
        ("", "_"),
    ],
)
def test_a_name_that_mlflow_refuses_is_replaced_by_a_readable_one(name, shown):
    assert shown == allowed(name)


@given(st.text(max_size=400))
def test_mlflow_takes_every_name(name):
    shown = allowed(name)

    _validate_metric_name(shown)
    assert len(shown) <= 250
    assert allowed(shown) == shown


@given(st.lists(st.text(max_size=8), unique=True))
def test_no_two_names_of_a_run_are_shown_alike_and_all_are_remembered(names):
    run = Names()
    shown = [run.shown(name) for name in names]

    assert len(names) == len(set(shown))
    remembered = originals(run.tags())
    assert names == [remembered.get(name, name) for name in shown]


def test_a_name_that_is_taken_by_a_replaced_one_gets_a_number():
    run = Names()

    assert ["ndcg_at_10", "ndcg_at_10_2"] == [run.shown("ndcg@10"), run.shown("ndcg_at_10")]


def test_many_changed_names_fill_several_tags():
    run = Names()
    names = [f"metric@{number}" for number in range(1000)]
    for name in names:
        run.shown(name)

    tags = run.tags()

    assert len(tags) > 1
    assert max(map(len, tags.values())) <= TAG_LENGTH
    assert set(names) == set(originals(tags).values())


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (1e-3, "0.001"), (True, "true"), (None, "null"), ([1, "é"], '[1, "é"]'), ("a\x00b\ud800", "ab?")],
)
def test_a_value_is_shown_as_in_a_pipeline_file(value, text):
    assert text == text_of(value)


def test_a_long_parameter_is_cut_and_says_where_the_whole_of_it_is():
    cut = short_param("x" * 10_000)

    assert len(cut) == PARAM_LENGTH
    assert cut.endswith("… (10,000 characters, whole in pipeline/long_params.json)")


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (("model", "samples.png"), "model/samples.png"),
        (("model", "../../etc/passwd"), "model/_/_/etc/passwd"),
        (("model", "/abs\\olute?.png"), "model/abs_olute_.png"),
        (("model", "100%: a*b.png"), "model/100__ a_b.png"),
    ],
)
def test_an_artifact_stays_in_its_folder_under_a_name_that_every_file_system_takes(parts, path):
    assert path == artifact_path(*parts)


@given(st.text(), st.text())
def test_every_artifact_path_is_plain_and_short_enough(stage, name):
    path = artifact_path(stage, name)

    assert not path_not_unique(path)
    assert all(0 < len(part.encode()) <= 255 for part in path.split("/"))
    json.dumps(path)
