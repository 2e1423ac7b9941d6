"""Every syntax error: the place of its cause, and what to do, in plain words."""

import pytest

from pipeline.errors import RequestError
from pipeline.source import read_text


def wrong(text):
    """Line, column and message of each problem of ``text``."""
    try:
        problems = read_text(text, "f.yaml").problems
    except RequestError as error:
        problems = error.problems
    assert all(len(problem.render().splitlines()) <= 6 for problem in problems)
    return [(p.origin.line, p.origin.column, p.message) for p in problems]


CASES = [
    # colons
    ("a: b: c", 1, 5, "a second ':' on this line"),
    ("a: 1\n b: 2\n", 2, 3, "this key is indented below one that already has a value"),
    ("a: x\nb\nc: 1", 2, 1, "this line has no ':' after its key"),
    ("a: x\nb\n", 2, 1, "this line has no ':' after its key"),
    ("a\nb: 1", 2, 2, "a key begins here, but the line above has no ':'"),
    ("a:b\nc: 1", 2, 2, "a key begins here, but the line above has no ':'"),
    ("a: 1\n: d\n", 2, 1, "a key is missing before this ':'"),
    ("a: [b:[c]]", 1, 6, "a ':' inside '[...]' or '{...}' that follows no key"),
    # lists
    ("key: - a", 1, 6, "a list cannot begin with '- ' here"),
    ("a: 1\n- b\n", 2, 1, "a list item stands among the keys of a mapping"),
    ("a:\n  - x\n - y", 3, 2, "a list item stands among the keys of a mapping"),
    ("- a\nb: 1", 2, 1, "an item of the list above is expected here"),
    ("a: ? b", 1, 4, "'? ' begins a key, which cannot stand here"),
    # indentation
    ("a:\n  b: 1\n c: 2", 3, 2, "the indentation of this line fits none above"),
    ("a:\n\tb: 1", 2, 1, "a tab stands where YAML wants spaces"),
    ("a:\n  b: 1\n\tc: 1", 3, 1, "a tab stands where YAML wants spaces"),
    ("a: |\n\tx", 2, 1, "a tab stands where YAML wants spaces"),
    # brackets
    ("a: [1, 2", 1, 4, "the '[' that opens here is not closed"),
    ("a: [1, 2\nb: 3\n", 1, 4, "the '[' that opens here is not closed"),
    ("a: {b: 1, c: [", 1, 14, "the '[' that opens here is not closed"),
    ("a: &x {b: 1\n", 1, 4, "the '{' that opens here is not closed"),
    ("a: [1 [2]]", 1, 7, "a ',' or the end of the list is missing here"),
    ("a: {b: 1, c: [1, 2}", 1, 19, "a ',' or the end of the list is missing here"),
    ("a: {b: 'c' d: 1}", 1, 12, "a ',' or the end of the mapping is missing here"),
    ("a: [1,,2]", 1, 7, "a value is missing before ','"),
    ("a: [1]]", 1, 7, "a ']' that closes nothing"),
    ("a: 1\n}\n", 2, 1, "a '}' that closes nothing"),
    ("a: ]", 1, 4, "a ']' that closes nothing"),
    ("a: ,b", 1, 4, "a value cannot begin with ','"),
    # quotes
    ("a: 'x\n\nb: 2", 1, 4, "the quote that opens here is never closed"),
    ('a: "x\n---\n', 1, 4, "the quote that opens here is never closed"),
    ('a: "x" y', 1, 8, "there is more text after the end of the value"),
    ("a: 'it's'", 1, 8, "there is more text after the end of the value"),
    (r'a: "C:\data"', 1, 7, "a backslash that begins no escape"),
    (r'a: "\xZZ"', 1, 7, "a backslash that begins no escape"),
    (r'a: "\ud800"', 1, 7, "a backslash that begins no escape"),
    ("a: | x", 1, 6, "only a line break may follow '|' or '>'"),
    ("a: |0\n x", 1, 5, "only a line break may follow '|' or '>'"),
    # signs with a meaning
    ("a: @x", 1, 4, "a text cannot begin with '@'"),
    ("a: `x`", 1, 4, "a text cannot begin with '`'"),
    ("a: %x", 1, 4, "a text cannot begin with '%'"),
    ("a: *.csv", 1, 4, "a text cannot begin with '*'"),
    ("a: &", 1, 4, "a text cannot begin with '&'"),
    ("a: !<x 1", 1, 4, "tags ('!...') are not allowed in a pipeline file"),
    ("a: !b!c 1", 1, 4, "tags ('!...') are not allowed in a pipeline file"),
    ("%FOO\na: 1", 1, 1, "a line that begins with '%' is not understood"),
    ("%YAML 3.0\n---\na: 1", 1, 1, "a line that begins with '%' is not understood"),
    # documents
    ("{a: 1} b", 1, 8, "there is more text after the end of the document"),
    ("a: 1\n...\nb: 2", 3, 1, "there is more text after the end of the document"),
    # what cannot stand in any file
    ("a: \x07", 1, 4, "the character U+0007 is not allowed in a text"),
    ("a: 1\nb: \x00", 2, 4, "the character U+0000 is not allowed in a text"),
    ("a: \ud800", 1, 4, "the character U+D800 is not allowed in a text"),
    ("a: \ufdd0", 1, 4, "the character U+FDD0 is not allowed in a text"),
    ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n", 2, 1, "a merge conflict is not resolved here"),
    ("%TAG !a! x\n" * 200, 1, 1, "tags are not allowed in a pipeline file"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "message"), CASES)
def test_a_syntax_error_is_told_where_its_cause_stands(text, line, column, message):
    assert (line, column, message) == wrong(text)[-1]


def test_an_error_shows_the_line_and_what_to_do():
    with pytest.raises(RequestError) as caught:
        read_text("stages:\n  model: uses: vae.fit\n", "vae.yaml")
    expected = (
        "vae.yaml:2:14: a second ':' on this line\n"
        "  2 |   model: uses: vae.fit\n"
        "                   ^\n"
        "  Quote the text after the first ':', or begin the inner mapping on a line of its own."
    )
    assert expected == str(caught.value)


def test_control_characters_of_a_file_do_not_reach_the_terminal():
    with pytest.raises(RequestError) as caught:
        read_text("a: \x1b[2J\tx\x9b", "f.yaml")
    assert str(caught.value).replace("\n", "").isprintable()


def test_the_caret_stands_below_the_character_in_a_line_of_wide_signs():
    with pytest.raises(RequestError) as caught:
        read_text("名前: [1 2: 3", "f.yaml")
    _, line, caret = str(caught.value).splitlines()[:3]
    # Two of the signs before it take two columns each.
    assert line.index("[") + 2 == caret.index("^")


def test_an_error_at_the_end_of_the_file_points_into_its_last_line():
    with pytest.raises(RequestError) as caught:
        read_text("a: {b: [1, {c: 1}", "f.yaml")
    assert "a: {b: [1, {c: 1}" == caught.value.problems[0].origin.text
