"""YAML text to plain data: what it means, where each part stands, what is refused and what is gone around."""

import time
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import RequestError
from pipeline.source import read_text


def data(text):
    source = read_text(text, "f.yaml")
    assert [] == source.problems
    return source.data


def complaints(text):
    """Messages with the line of each, of a text that can be used all the same."""
    return [(p.origin.line, p.message) for p in read_text(text, "f.yaml").problems]


def test_a_pipeline_file_becomes_plain_data():
    text = """
    name: vae-digits   # the experiment
    seeds: [0, 1, 2]
    stages:
      images: {uses: data.images, with: {dataset: digits}}
      model:
        uses: vae.fit
        with:
          latent_dim: 16
          learning_rate: 1e-3
          note: |
            two
            lines
      quality: {uses: vae.evaluate, inputs: {models: [model, other]}}
    """
    expected = {
        "name": "vae-digits",
        "seeds": [0, 1, 2],
        "stages": {
            "images": {"uses": "data.images", "with": {"dataset": "digits"}},
            "model": {
                "uses": "vae.fit",
                "with": {"latent_dim": 16, "learning_rate": 0.001, "note": "two\nlines\n"},
            },
            "quality": {"uses": "vae.evaluate", "inputs": {"models": ["model", "other"]}},
        },
    }
    assert expected == data(text)


def test_quoted_scalars_are_texts():
    assert {"a": "1", "b": "true", "c": "", "on": "1e-3"} == data("a: '1'\nb: \"true\"\nc: ''\n'on': |-\n  1e-3")


def test_windows_line_ends_and_a_byte_order_mark_change_nothing():
    source = read_text("\ufeffa: 1\r\nb:\r\n  c: 2\r\n", "f.yaml")
    assert {"a": 1, "b": {"c": 2}} == source.data
    assert (3, 6, "  c: 2") == place(source.values["b", "c"])


def test_aliases_are_copies():
    source = read_text("a: &base {x: [1]}\nb: *base\nc: &one 1\nd: *one\n", "f.yaml")
    assert {"a": {"x": [1]}, "b": {"x": [1]}, "c": 1, "d": 1} == source.data
    assert source.data["a"] is not source.data["b"]
    assert source.values["a", "x", 0] == source.values["b", "x", 0]


def test_an_anchor_that_is_set_again_means_the_newest():
    assert {"a": 1, "b": 2, "c": 2} == data("a: &x 1\nb: &x 2\nc: *x")


def place(origin):
    return origin.line, origin.column, origin.text


POSITIONS = """\
name: x
stages:
  model:
    with: {rate: 1e-3, dims: [2, [4, 8]], 'quoted': "q"}
    list:
    - first
    -  - nested
       - {key: last}
  empty:
  text: >
    folded
"""


@pytest.mark.parametrize(
    ("path", "starts"),
    [
        (("name",), "x\n"),
        (("stages",), "model:"),
        (("stages", "model", "with"), "{rate"),
        (("stages", "model", "with", "rate"), "1e-3"),
        (("stages", "model", "with", "dims"), "[2,"),
        (("stages", "model", "with", "dims", 1), "[4,"),
        (("stages", "model", "with", "dims", 1, 1), "8]"),
        (("stages", "model", "with", "quoted"), '"q"'),
        (("stages", "model", "list"), "- first"),
        (("stages", "model", "list", 0), "first"),
        (("stages", "model", "list", 1), "- nested"),
        (("stages", "model", "list", 1, 0), "nested"),
        (("stages", "model", "list", 1, 1, "key"), "last"),
        (("stages", "text"), ">"),
        ((), "name"),
    ],
)
def test_a_value_is_placed_where_it_begins(path, starts):
    origin = read_text(POSITIONS, "f.yaml").values[path]
    assert POSITIONS.splitlines()[origin.line - 1] == origin.text
    assert (origin.text + "\n")[origin.column - 1 :].startswith(starts)


@pytest.mark.parametrize(
    ("path", "starts"),
    [
        (("name",), "name:"),
        (("stages", "model"), "model:"),
        (("stages", "model", "with", "rate"), "rate:"),
        (("stages", "model", "with", "quoted"), "'quoted'"),
        (("stages", "model", "list", 1, 1, "key"), "key:"),
        (("stages", "empty"), "empty:"),
    ],
)
def test_a_key_is_placed_where_it_begins(path, starts):
    origin = read_text(POSITIONS, "f.yaml").keys[path]
    assert origin.text[origin.column - 1 :].startswith(starts)


def test_a_missing_value_is_placed_behind_its_key():
    assert (9, 9, "  empty:") == place(read_text(POSITIONS, "f.yaml").values["stages", "empty"])


def written(value, flow, indent=0):
    """``value`` as YAML, block style outside and flow style from the depth ``flow`` on."""
    if isinstance(value, dict) and value:
        if flow <= 0:
            return "{" + ", ".join(f"'{key}': {written(item, 0)}" for key, item in value.items()) + "}"
        return "".join(f"\n{' ' * indent}{key}: {written(item, flow - 1, indent + 2)}" for key, item in value.items())
    if isinstance(value, list) and value:
        if flow <= 0:
            return "[" + ", ".join(written(item, 0) for item in value) + "]"
        return "".join(f"\n{' ' * indent}- {written(item, flow - 1, indent + 2)}" for item in value)
    return str(value)


def leaves(value, path=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, item in items:
        yield from leaves(item, (*path, part))
    if not items:
        yield path, value


keys = st.text("abcdefgh", min_size=3, max_size=5).map("k{}".format)
trees = st.dictionaries(
    keys,
    st.recursive(
        st.integers(100, 999),
        lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(keys, inner, min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=3,
)


@given(trees, st.integers(0, 4))
def test_any_data_comes_back_with_every_place_right(tree, flow):
    source = read_text(written(tree, flow), "f.yaml")
    assert tree == source.data
    for path, value in leaves(tree):
        origin = source.values[path]
        assert origin.text[origin.column - 1 :].startswith(str(value))
        for length in range(1, len(path) + 1):
            if isinstance(path[length - 1], str):
                key = source.keys[path[:length]]
                assert key.text[key.column - 1 :].strip("'").startswith(path[length - 1])


# What can be gone around


def test_all_problems_are_told_at_once():
    text = "a: 1\nb: !!int 2\na: 3\n1: x\n<<: {c: 1}\nd: *nothing\n? [e]\n: 1\nf: ${UNSET_VARIABLE}\n---\ng: 1\n"
    expected = [
        (2, "tags ('!...') are not allowed in a pipeline file"),
        (3, "the key 'a' is given twice, first on line 1"),
        (4, "a key must be a text. Got 1 instead."),
        (5, "merge keys ('<<') are not part of YAML 1.2"),
        (6, "nothing before is marked '&nothing'"),
        (7, "a key is one word, not a list"),
        (9, "the environment variable 'UNSET_VARIABLE' is not set"),
        (10, "a second document begins here"),
    ]
    assert expected == complaints(text)
    usable = {"a": 1, "b": 2, "1": "x", "d": "*nothing", "f": "${UNSET_VARIABLE}"}
    assert usable == read_text(text, "f.yaml").data


def test_problems_before_a_syntax_error_are_told_with_it():
    with pytest.raises(RequestError) as caught:
        read_text("a: 1\na: 2\nb: [", "f.yaml")
    assert [2, 3] == [problem.origin.line for problem in caught.value.problems]


@pytest.mark.parametrize("tagged", ["!!python/object/apply:os.system [ls]", "!x 1", "!!str 1", "! 1", "!<a:b> {c: 1}"])
def test_tags_are_refused(tagged):
    assert [(1, "tags ('!...') are not allowed in a pipeline file")] == complaints(f"a: {tagged}")


@pytest.mark.parametrize(
    ("key", "got"), [("1", "1"), ("null", "null"), ("~", "~"), ("1.5", "1.5"), ("true", "true"), ("? ''\n", None)]
)
def test_keys_are_texts(key, got):
    expected = [(1, f"a key must be a text. Got {got} instead.")] if got else []
    assert expected == complaints(f"{key}: x")


@pytest.mark.parametrize("key", ["on", "yes", "2024-01-01", "'1'", '"null"', "a b"])
def test_words_that_only_look_odd_are_keys(key):
    assert [] == complaints(f"{key}: x")


def test_a_template_is_recognised_as_a_key_that_cannot_be():
    assert [(1, "a key is one word, not a mapping")] == complaints("a: {{ x }}")


def test_a_duplicate_deep_inside_is_found():
    text = "stages:\n  model: {with: {epochs: 1, epochs: 2}}\n"
    source = read_text(text, "f.yaml")
    assert [(2, 29)] == [(p.origin.line, p.origin.column) for p in source.problems]
    assert 1 == source.data["stages"]["model"]["with"]["epochs"]


def test_a_misspelt_alias_has_a_suggestion():
    [problem] = read_text("a: &base 1\nb: *bsae\n", "f.yaml").problems
    assert "*base" == problem.suggestion


def test_an_alias_cannot_contain_itself():
    assert [(1, "the alias '*x' stands inside what it repeats")] == complaints("a: &x {b: [*x]}")


def test_what_an_alias_repeats_is_wrong_once():
    assert [(1, "tags ('!...') are not allowed in a pipeline file")] == complaints("a: &x [!!str 1]\nb: [*x, *x]")


def test_reading_stops_after_a_hundred_problems():
    with pytest.raises(RequestError) as caught:
        read_text("".join(f"{n}: a\n" for n in range(1000)), "f.yaml")
    assert 101 == len(caught.value.problems)
    assert "reading f.yaml stopped after so many problems" == caught.value.problems[-1].message


# Variables


def test_a_variable_alone_is_read_as_a_word_and_quoted_it_stays_a_text(monkeypatch):
    monkeypatch.setenv("DIM", "16")
    text = "a: ${DIM}\nb: '${DIM}'\nc: x${DIM}\nd: {e: ${DIM}, f: [${DIM}/${DIM}]}\n"
    expected = {"a": 16, "b": "16", "c": "x16", "d": {"e": 16, "f": ["16/16"]}}
    source = read_text(text, "f.yaml")
    assert expected == source.data
    secrets = {("a",): "${DIM}", ("b",): "${DIM}", ("c",): "x${DIM}", ("d", "e"): "${DIM}",
               ("d", "f", 0): "${DIM}/${DIM}"}  # fmt: skip
    assert secrets == source.secrets


def test_a_variable_stays_as_it_is_in_keys_and_comments(monkeypatch):
    monkeypatch.setenv("NAME", "x")
    assert {"${NAME}": {"$${NAME}": 1}} == data("${NAME}: {$${NAME}: 1} # ${NAME}")


def test_two_dollars_write_a_variable_literally():
    source = read_text("a: $${NAME}\nb: {c: [$${NAME}]}", "f.yaml")
    assert {"a": "${NAME}", "b": {"c": ["${NAME}"]}} == source.data
    assert {} == source.secrets


def test_unset_variables_are_placed_where_they_stand():
    source = read_text("a: x ${UNSET_ONE} ${UNSET_TWO}\nb: {c: ${UNSET_ONE}}\n", "f.yaml")
    assert [(1, 6), (1, 19), (2, 8)] == [(p.origin.line, p.origin.column) for p in source.problems]


def test_a_variable_cannot_bring_in_structure(monkeypatch):
    monkeypatch.setenv("EVIL", "1}\nb: [2")
    assert {"a": "1}\nb: [2"} == data("a: ${EVIL}")


# Limits


def ends_early(text, message, seconds=1):
    start = time.process_time()
    with pytest.raises(RequestError) as caught:
        read_text(text, "f.yaml")
    assert message in str(caught.value)
    assert time.process_time() - start < seconds


@pytest.mark.parametrize("bracket", ["[", "{", "- ", "? ", "{a: ", "[[{b: "])
def test_deep_nesting_ends_early(bracket):
    ends_early(bracket * (4_900_000 // len(bracket)), "nested more than 50 levels deep")


def test_deep_nesting_by_aliases_ends_early():
    ends_early("a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60)), "nested more than 50")


def test_a_bomb_of_aliases_ends_early():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    ends_early("\n".join(lines), "more than 100,000 values, each use of an alias counted", seconds=2)


def test_a_bomb_of_aliases_below_a_repeated_key_ends_early():
    lines = [f"a: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 9)}]" for n in range(20)]
    ends_early("\n".join(lines), "more than 100,000 values")


def test_too_many_values_end_early():
    ends_early("- a\n" * 1_000_000, "more than 100,000 values", seconds=3)


def test_fifty_levels_are_allowed():
    assert [] == read_text("a: " + "[" * 49 + "]" * 49, "f.yaml").problems


# Whatever comes, only a RequestError


def survives(text):
    try:
        source = read_text(text, "f.yaml")
    except RequestError as error:
        problems = error.problems
    else:
        problems = source.problems
        assert all(path in source.values for path, _ in leaves(source.data))
        source.redacted()
    for problem in problems:
        lines = problem.render().split("\n")
        assert len(lines) <= 6
        assert "Error" not in lines[0]


pieces = st.sampled_from(
    ["a", "b", "k1", ": ", ":", "- ", "-", "\n", "\n  ", "\n    ", "  ", "\t", "[", "]", "{", "}", ",", ", ", "? ",
     "&x ", "*x", "&y ", "*y", "!t ", "!!str ", "'", '"', "\\", "|", ">", "|-\n", "#", " # c", "%", "%YAML 1.2\n",
     "---\n", "...\n", "<<", "<<: ", "${HOME}", "${X}", "$${", "${", "1", "1e-3", "null", "~", "=", "@", "`", "\r\n",
     "\r", "\x85", "\u2028", "\ufeff", "\x00", "\x1b", "é", "名", "😀", "extends: ", "f.yaml", "/", "9" * 1200,
     "\ud800", "\ufdd0"]
)  # fmt: skip


@settings(deadline=timedelta(seconds=1), max_examples=1500)
@given(st.lists(pieces, max_size=30).map("".join))
@example("? ")
@example("a: 1\n>>>>>>>")
def test_no_mixture_of_yaml_signs_raises_anything_else(text):
    survives(text)


@settings(deadline=timedelta(seconds=1), max_examples=300)
@given(st.text(max_size=200))
def test_no_text_raises_anything_else(text):
    survives(text)
    survives("a: " + text)
