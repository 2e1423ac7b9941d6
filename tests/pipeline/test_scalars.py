"""What an unquoted word means (YAML 1.2 core schema), and environment variables inside texts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.source.scalars import interpolate, is_text, resolve


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None),
        ("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False),
        ("0", 0), ("-3", -3), ("+7", 7), ("012", 12), ("0o17", 15), ("0x1F", 31),
        ("1e-3", 0.001), ("1E5", 1e5), (".5", 0.5), ("-1.", -1.0), ("+2.5e+3", 2500.0),
        (".inf", math.inf), ("-.INF", -math.inf), ("+.Inf", math.inf),
    ],
)  # fmt: skip
def test_a_word_of_the_core_schema_has_its_value_and_type(word, value):
    assert (type(value), value) == (type(resolve(word)), resolve(word))


@pytest.mark.parametrize("word", [".nan", ".NaN", ".NAN"])
def test_not_a_number_is_a_float(word):
    assert math.isnan(resolve(word))


@pytest.mark.parametrize(
    "word",
    ["on", "off", "yes", "no", "y", "nULL", "tRUE", "2024-01-01", "12:30:00", "1_000", "0b1", "0O7", "-0x1", "1e", ".",
     "+", "-", "..5", "1.2.3", "e5", "inf", "nan", "-.nan", "١", "1 000", "0x", "1\n", "true\n", "="],
)  # fmt: skip
def test_any_other_word_is_a_text(word):
    assert word == resolve(word)
    assert is_text(word)


@pytest.mark.parametrize("word", ["9" * 1001, "0x" + "f" * 1001])
def test_a_number_that_cannot_be_printed_is_refused(word):
    with pytest.raises(ValueError, match="1,001 digits; 1,000 are allowed"):
        resolve(word)


def test_a_float_that_overflows_is_refused():
    with pytest.raises(ValueError, match="larger than any float"):
        resolve("1e999")


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_that_python_prints_is_read_back(number):
    assert number == resolve(repr(number))


@given(st.text(alphabet="0123456789.eE+-xoXabnfulNULtrsTRUE~_: "))
def test_is_text_agrees_with_resolve(word):
    try:
        assert is_text(word) == isinstance(resolve(word), str)
    except ValueError:
        assert not is_text(word)


def test_variables_are_filled_in_and_named(monkeypatch):
    monkeypatch.setenv("USER_NAME", "ada")
    monkeypatch.setenv("PORT", "80")
    expected = "http://ada:80/$PORT", {"USER_NAME": "ada", "PORT": "80"}, []
    assert expected == interpolate("http://${USER_NAME}:${PORT}/$PORT")


def test_two_dollars_are_a_literal_variable():
    assert ("a ${NAME} $$ ${", {}, []) == interpolate("a $${NAME} $$ $${")


def test_the_value_of_a_variable_is_not_read_again(monkeypatch):
    monkeypatch.setenv("OUTER", "${INNER}")
    assert "${INNER}" == interpolate("${OUTER}")[0]


@pytest.mark.parametrize("text", ["${}", "${", "${1A}", "${a b}", "${A:-1}", "${a.b}"])
def test_what_names_no_variable_is_told(text):
    [(_, problem)] = interpolate(text)[2]
    assert "'${' begins no environment variable" == problem.message


def test_an_unset_variable_is_told_with_the_nearest_name_but_no_value(monkeypatch):
    monkeypatch.setenv("PIPELINE_TOKEN", "s3cret")
    [(written, problem)] = interpolate("x ${PIPELINE_TOKN}")[2]
    assert "${PIPELINE_TOKN}" == written
    assert "the environment variable 'PIPELINE_TOKN' is not set" == problem.message
    assert "PIPELINE_TOKEN" == problem.suggestion
    assert (
        "Set it with: export PIPELINE_TOKN=...; write $${PIPELINE_TOKN} for a plain '${PIPELINE_TOKN}'." == problem.hint
    )
    assert "s3cret" not in problem.render()


def test_a_variable_of_bytes_that_are_no_text_is_told(monkeypatch):
    monkeypatch.setenv("ODD", "\udcff")
    [(_, problem)] = interpolate("${ODD}")[2]
    assert "the environment variable 'ODD' is not UTF-8 text" == problem.message
