"""What is written is read back as it was, whatever the texts look like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.source import read_text
from pipeline.source.writer import Written, to_yaml

numbers = ["1e-3", "012", "0o7", "0x1F", "12:30:00"]
words = ["on", "null", "~", "", "${HOME}", "$${HOME}", "$", "#", "!x", "- a", "a: b", "a\nb", "x\u2028y", "\x85"]
texts = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=20) | st.sampled_from(numbers + words)
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
data = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


@given(data)
def test_plain_data_comes_back_as_it_was(value):
    assert {"value": value} == read_text(to_yaml({"value": value}), "test.yaml").data


@given(data)
def test_one_line_is_one_line_and_means_the_same(value):
    text = to_yaml(value, one_line=True)

    assert "\n" not in text
    assert {"value": value} == read_text(f"value: {text}", "test.yaml").data


def test_a_written_text_is_left_to_name_environment_variables(monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cret")

    source = read_text(to_yaml({"token": Written("${TOKEN}"), "literal": "${TOKEN}"}), "test.yaml")

    assert {"token": "s3cret", "literal": "${TOKEN}"} == source.data


@pytest.mark.parametrize(("value", "text"), [("digits", "digits"), (16, "16"), ([1, "a"], "[1, a]"), (1e-5, "1.0e-05")])
def test_nothing_is_quoted_that_need_not_be(value, text):
    assert text == to_yaml(value, one_line=True)
