"""Pipeline files: reading, extending, overriding, and keeping secrets."""

import codecs
import contextlib
import os
import pickle
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import Origin, RequestError
from pipeline.source import Source, parse_value, read, read_override, read_text


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file in the working directory and return its name."""
    monkeypatch.chdir(tmp_path)

    def write_file(name, content):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return Path(name)

    return write_file


def problem_of(path):
    with pytest.raises(RequestError) as caught:
        read(path)
    [problem] = caught.value.problems
    assert len(problem.render().splitlines()) <= 6
    return problem


def places(source):
    return {path: str(origin) for path, origin in source.values.items()}


# Files


def test_a_file_is_read_with_its_name_in_every_place(write):
    source = read(write("runs/vae.yaml", "stages:\n  model: {uses: vae.fit}\n"))
    assert {"stages": {"model": {"uses": "vae.fit"}}} == source.data
    assert "runs/vae.yaml:2:17" == str(source.values["stages", "model", "uses"])
    assert (Path("runs/vae.yaml"),) == source.files


def test_a_missing_file_is_told_with_its_nearest_neighbour(write):
    write("pipelines/vae.yaml", "a: 1")
    write("pipelines/.pre-commit-config.yaml", "repos: []")
    assert "there is no file 'pipelines/vea.yaml'" == problem_of(Path("pipelines/vea.yaml")).message
    assert "pipelines/vae.yaml" == problem_of(Path("pipelines/vea.yaml")).suggestion
    assert "pipelines/vae.yaml" == problem_of(Path("pipelines/vae")).suggestion
    assert "pipelines/vae.yaml" == problem_of(Path("pipelines/vae.yml")).suggestion
    assert "Pipeline files there: vae.yaml." == problem_of(Path("pipelines/recommender.yaml")).hint


def test_a_missing_folder_is_told_with_its_nearest_neighbour(write):
    write("pipelines/vae.yaml", "a: 1")
    problem = problem_of(Path("pipelnes/vae.yaml"))
    assert ("there is no folder 'pipelnes'", "pipelines/vae.yaml") == (problem.message, problem.suggestion)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "/nowhere/at/all", "vae.yaml/x", ""])
def test_a_name_that_can_be_no_file_is_a_request_error(write, name):
    write("vae.yaml", "a: 1")
    assert problem_of(Path(name)).message


def test_a_folder_is_told_with_the_files_in_it(write):
    write("pipelines/vae.yaml", "a: 1")
    problem = problem_of(Path("pipelines"))
    assert ("'pipelines' is a folder", "Name a file in it: vae.yaml.") == (problem.message, problem.hint)


def test_what_is_no_regular_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "is not a regular file" in problem_of(tmp_path / "pipe.yaml").message


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_told(write):
    path = write("secret.yaml", "a: 1")
    path.chmod(0)
    assert "'secret.yaml' cannot be read: Permission denied" == problem_of(path).message


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing\n", "---\n", "null", "---\n...\n"])
def test_an_empty_file_is_told(write, content):
    assert "the file is empty" == problem_of(write("empty.yaml", content)).message


@pytest.mark.parametrize(
    ("content", "kind"),
    [("- a\n", "list"), ("text", "single value"), ("a:1\nb:2\n", "single value"), ("3", "single value")],
)
def test_a_file_that_is_no_mapping_is_told(write, content, kind):
    problem = problem_of(write("f.yaml", content))
    assert f"a pipeline file is a mapping of keys to values. Got a {kind} instead." == problem.message
    assert "f.yaml:1:1" == str(problem.origin)


def test_a_picture_is_no_text(write):
    picture = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010806000000a1b2c3d4e5f60718293a4b5c6d7e8f")
    assert "f.yaml is not a text file" == problem_of(write("f.yaml", picture)).message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_utf_16_is_recognised(write, encoding):
    problem = problem_of(write("f.yaml", "name: x\nstages: {}\n".encode(encoding)))
    assert ("f.yaml is UTF-16 or UTF-32 text, not UTF-8", "Save it as UTF-8 text.") == (problem.message, problem.hint)


def test_a_byte_that_is_not_utf_8_has_a_place(write):
    problem = problem_of(write("f.yaml", "a: 1\né: caf".encode() + b"\xe9 noir\nb: 2"))
    assert "byte 0xe9 is not UTF-8" == problem.message
    assert ("f.yaml:2:7", "é: caf\ufffd noir") == (str(problem.origin), problem.origin.text)


def test_a_byte_order_mark_is_no_part_of_the_text(write):
    assert {"a": 1} == read(write("f.yaml", codecs.BOM_UTF8 + b"a: 1")).data


def test_a_file_of_ten_megabytes_is_refused_before_it_is_read(write):
    assert "'f.yaml' is larger than 5 MB" == problem_of(write("f.yaml", b"[" * 10_000_000)).message


@settings(deadline=timedelta(seconds=1), max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-16")))
def test_no_bytes_raise_anything_but_a_request_error(write, content):
    path = write("f.yaml", content)
    with contextlib.suppress(RequestError):
        assert isinstance(read(path).data, dict)


# Extending


def test_the_extending_file_wins_and_every_value_keeps_its_place(write):
    write("base.yaml", "name: base\nseeds: [0, 1, 2]\nstages:\n  model: {uses: vae.fit, with: {epochs: 1, dim: 2}}\n")
    source = read(write("f.yaml", "extends: base.yaml\nname: mine\nseeds: [5]\nstages: {model: {with: {dim: 3}}}\n"))
    expected = {
        "name": "mine",
        "seeds": [5],
        "stages": {"model": {"uses": "vae.fit", "with": {"epochs": 1, "dim": 3}}},
    }
    assert expected == source.data
    expected = {
        (): "f.yaml:1:1",
        ("name",): "f.yaml:2:7",
        ("seeds",): "f.yaml:3:8",
        ("seeds", 0): "f.yaml:3:9",
        ("stages",): "f.yaml:4:9",
        ("stages", "model"): "f.yaml:4:17",
        ("stages", "model", "uses"): "base.yaml:4:17",
        ("stages", "model", "with"): "f.yaml:4:24",
        ("stages", "model", "with", "epochs"): "base.yaml:4:41",
        ("stages", "model", "with", "dim"): "f.yaml:4:30",
    }
    assert expected == places(source)
    assert (Path("f.yaml"), Path("base.yaml")) == source.files


def test_a_name_is_relative_to_the_file_that_says_it(write):
    write("shared/base/data.yaml", "data: 1")
    write("shared/model.yaml", "extends: base/data.yaml\nmodel: 1")
    source = read(write("mine/f.yaml", "extends: ../shared/model.yaml"))
    assert {"data": 1, "model": 1} == source.data
    assert "shared/base/data.yaml:1:7" == str(source.values["data",])


def test_of_several_files_the_later_wins(write):
    write("a.yaml", "x: {p: 1, q: 1}\ny: [1]")
    write("b.yaml", "x: {q: 2}\ny: {z: 1}")
    source = read(write("f.yaml", "extends: [a.yaml, b.yaml]\nx: {r: 3}"))
    assert {"x": {"p": 1, "q": 2, "r": 3}, "y": {"z": 1}} == source.data
    assert ("y", 0) not in source.values
    assert (Path("f.yaml"), Path("b.yaml"), Path("a.yaml")) == source.files


def test_a_file_that_is_extended_on_two_ways_is_read_once(write):
    write("f0.yaml", "x: 1")
    for n in range(1, 20):
        write(f"f{n}.yaml", f"extends: [f{n - 1}.yaml, f{n - 1}.yaml]")
    assert {"x": 1} == read(Path("f19.yaml")).data


def test_a_cycle_is_named(write):
    write("a.yaml", "extends: b.yaml")
    write("b.yaml", "\nextends: [a.yaml]")
    problem = problem_of(Path("a.yaml"))
    assert "a file extends itself: a.yaml -> b.yaml -> a.yaml" == problem.message
    assert "b.yaml:2:11" == str(problem.origin)


def test_a_chain_has_an_end(write):
    for n in range(30):
        write(f"{n}.yaml", f"extends: {n + 1}.yaml")
    assert "files extend one another more than 20 deep" == problem_of(Path("0.yaml")).message


def test_a_missing_base_is_told_where_it_is_named(write):
    write("base.yaml", "a: 1")
    problem = problem_of(write("f.yaml", "extends: bsae.yaml"))
    assert ("there is no file 'bsae.yaml'", "base.yaml") == (problem.message, problem.suggestion)
    assert "f.yaml:1:10" == str(problem.origin)


def test_the_problems_of_all_files_are_told_at_once(write):
    write("a.yaml", "x: [")
    write("b.yaml", "x: 1\nx: 2")
    with pytest.raises(RequestError) as caught:
        read(write("f.yaml", "extends: [a.yaml, b.yaml, c.yaml]\ny: !t 1"))
    assert ["f.yaml:2:4", "a.yaml:1:4", "f.yaml:1:27"] == [str(p.origin) for p in caught.value.problems]
    source = read(write("g.yaml", "extends: b.yaml\ny: !t 1"))
    assert ["b.yaml:2:1", "g.yaml:2:4"] == [str(p.origin) for p in source.problems]


@pytest.mark.parametrize("value", ["3", "null", "{a: b}", "[1]"])
def test_extends_names_files(value):
    source = read_text(f"extends: {value}\na: 1", "f.yaml")
    assert ["'extends' must be a file, or a list of files"] == [problem.message for problem in source.problems]
    assert {"a": 1} == source.data


# Finding places


def test_a_place_that_is_missing_is_that_of_the_nearest_around_it():
    source = read_text("stages:\n  model: {uses: vae.fit}\n", "f.yaml")
    assert "f.yaml:2:10" == str(source.origin(("stages", "model", "with", "dim")))
    assert "f.yaml:2:3" == str(source.origin(("stages", "model", "with", "dim"), key=True))
    assert "f.yaml:1:1" == str(source.origin(("sweep",)))
    assert Source({}).origin(("a",)) is None


def test_a_list_item_has_no_key_but_a_place():
    source = read_text("plugins:\n- a.py\n- b.py\n", "f.yaml")
    assert "f.yaml:3:3" == str(source.origin(("plugins", 1), key=True))


def test_a_source_travels_to_other_processes():
    source = read_text("a: {b: [1, 2]}", "f.yaml")
    assert source == pickle.loads(pickle.dumps(source))  # noqa: S301  # our own bytes


# Overrides


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8", 8),
        ("1e-3", 0.001),
        ("null", None),
        ("", None),
        ("true", True),
        ("on", "on"),
        ("  words and more ", "words and more"),
        ("'8'", "8"),
        ('"a\\tb"', "a\tb"),
        ("[1, 2.5, x, [y]]", [1, 2.5, "x", ["y"]]),
        ("{a: 1, b: {c: [2]}}", {"a": 1, "b": {"c": [2]}}),
        ("a: b # c", "a: b # c"),
        ("*.csv", "*.csv"),
        ("@x, !y & %z", "@x, !y & %z"),
        ("C:\\data", "C:\\data"),
        ("$${HOME}", "${HOME}"),
    ],
)
def test_one_value_is_read_as_in_a_file(text, value):
    assert value == parse_value(text)


def test_a_value_takes_variables(monkeypatch):
    monkeypatch.setenv("DIM", "16")
    assert [16, "16", {"a": 16}] == [parse_value("${DIM}"), parse_value("'${DIM}'"), parse_value("{a: ${DIM}}")]


@pytest.mark.parametrize(
    ("word", "path", "variant", "value"),
    [
        ("model.latent_dim=8", ("model", "latent_dim"), None, 8),
        ("model=als", ("model",), None, "als"),
        ("model=[als, ease]", ("model",), None, ["als", "ease"]),
        ("model[als].factors=8", ("model", "factors"), "als", 8),
        ("model[res-net.50].a.b=x=y", ("model", "a", "b"), "res-net.50", "x=y"),
        ("seed=3", ("seed",), None, 3),
        ("sweep.trials= 4 ", ("sweep", "trials"), None, 4),
    ],
)
def test_an_override_names_a_path_and_a_value(word, path, variant, value):
    override = read_override(word)
    assert (word.split("=")[0], path, variant, value) == (
        override.key,
        override.path,
        override.variant,
        override.value,
    )


@pytest.mark.parametrize(
    ("word", "column", "message"),
    [
        ("model.latent_dim", 17, "this override has no '='"),
        ("=8", 1, "the key of this override cannot be read"),
        ("model..x=8", 6, "the key of this override cannot be read"),
        ("model.=8", 6, "the key of this override cannot be read"),
        (".model=8", 1, "the key of this override cannot be read"),
        ("model[als=8", 6, "the key of this override cannot be read"),
        ("model[]=8", 6, "the key of this override cannot be read"),
        ("model[a]b=8", 9, "the key of this override cannot be read"),
        ("model.x[a]=8", 8, "the key of this override cannot be read"),
        ("model x=8", 6, "the key of this override cannot be read"),
        ("a" + ".a" * 50 + "=1", 1, "the key of this override has more than 50 parts"),
        ("model.x=[1, 2", 9, "the '[' that opens here is not closed"),
        ("model.x= {a: !t 1}", 14, "tags ('!...') are not allowed in a pipeline file"),
        ("model.x=a ${UNSET_VARIABLE}", 11, "the environment variable 'UNSET_VARIABLE' is not set"),
        ("model.x=\x1b", 9, "the character U+001B is not allowed in a text"),
        ("model.x='a\n\n", 9, "the quote that opens here is never closed"),
    ],
)
def test_an_override_that_says_nothing_is_told_with_the_place_in_it(word, column, message):
    with pytest.raises(RequestError) as caught:
        read_override(word)
    [problem] = caught.value.problems
    assert (message, Origin("command line", 0, column, word)) == (problem.message, problem.origin)


def test_a_wrong_override_is_shown_with_a_caret():
    with pytest.raises(RequestError) as caught:
        read_override("model.dims=[2, 4")
    expected = (
        "command line: the '[' that opens here is not closed\n"
        "  model.dims=[2, 4\n"
        "             ^\n"
        "  Close it with ']', and separate what is inside with commas."
    )
    assert expected == str(caught.value)


def test_an_override_written_as_yaml_has_a_suggestion():
    with pytest.raises(RequestError) as caught:
        read_override("model.latent_dim: 8")
    assert "model.latent_dim=8" == caught.value.problems[0].suggestion


@given(st.text(max_size=60) | st.text(alphabet="a.[]=${}'\"\\&*!:, \n1", max_size=30))
def test_no_word_raises_anything_but_a_request_error(word):
    with contextlib.suppress(RequestError):
        override = read_override(word)
        Source({}).set(override.path, override.value, override.origin)


def test_an_override_is_put_in_place_with_its_origin():
    source = read_text("stages: {model: {with: {dims: [1, 2]}}}", "f.yaml")
    override = read_override("model.dims=[3]")
    path = ("stages", "model", "with", "dims")
    source.set(path, override.value, override.origin)
    assert {"stages": {"model": {"with": {"dims": [3]}}}} == source.data
    assert "command line" == str(source.values[path])
    assert 12 == source.origin((*path, 0)).column
    assert 1 == source.origin(path, key=True).column
    assert (*path, 1) not in source.values


def test_an_override_makes_the_mappings_it_needs():
    source = read_text("stages:\n  model:\n    uses: vae.fit\n    with:\n", "f.yaml")
    source.set(("stages", "model", "with", "dim"), 3, Origin("command line", 0, 5, "dim=3"))
    source.set(("sweep", "trials"), 5, Origin("command line", 0, 14, "sweep.trials=5"))
    expected = {"stages": {"model": {"uses": "vae.fit", "with": {"dim": 3}}}, "sweep": {"trials": 5}}
    assert expected == source.data
    assert "f.yaml:4:5" == str(source.origin(("stages", "model", "with"), key=True))
    assert "command line" == str(source.origin(("sweep",)))


@pytest.mark.parametrize(("text", "kind"), [("a: 3", "single value"), ("a: [3]", "list")])
def test_an_override_cannot_go_through_what_is_no_mapping(text, kind):
    source = read_text(text, "f.yaml")
    with pytest.raises(RequestError, match=f"'a.b' cannot be set, because 'a' is a {kind}"):
        source.set(("a", "b"), 1, Origin("command line", 0, 5, "a.b=1"))


# Secrets


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("TOKEN", "hunter2")
    monkeypatch.setenv("SHORT", "abc")
    return "hunter2"


def test_secrets_are_shown_as_they_were_written(token):
    source = read_text("a: {url: 'http://x:${TOKEN}@y', list: [1, ${TOKEN}]}\nb: $${TOKEN}", "f.yaml")
    assert {"url": "http://x:hunter2@y", "list": [1, "hunter2"]} == source.data["a"]
    expected = {"a": {"url": "http://x:${TOKEN}@y", "list": [1, "${TOKEN}"]}, "b": "${TOKEN}"}
    assert expected == source.redacted()
    assert token not in repr(source.secrets)
    assert "hunter2" == source.data["a"]["list"][1]


def test_a_text_is_freed_of_secrets(token, monkeypatch):
    monkeypatch.setenv("LONGER", "hunter2000")
    monkeypatch.setenv("QUOTED", 'a"b\\c\n')
    source = read_text("a: ${TOKEN}\nb: ${SHORT}\nc: ${LONGER}\nd: ${QUOTED}", "f.yaml")
    text = 'hunter2 abc hunter2000 a"b\\c ' + repr('a"b\\c') + r' "a\"b\\c"'
    expected = "${TOKEN} abc ${LONGER} ${QUOTED} '${QUOTED}' \"${QUOTED}\""
    assert expected == source.redact(text)


def test_an_alias_keeps_the_secret(token):
    source = read_text("a: &x {b: ${TOKEN}}\nc: *x", "f.yaml")
    assert {("a", "b"): "${TOKEN}", ("c", "b"): "${TOKEN}"} == source.secrets


def test_secrets_go_with_the_files_that_name_them(write, token):
    write("base.yaml", "a: ${TOKEN}\nb: ${TOKEN}\nc: {d: ${TOKEN}}")
    source = read(write("f.yaml", "extends: base.yaml\nb: 1\nc: 2"))
    assert {("a",): "${TOKEN}"} == source.secrets
    assert {"a": "${TOKEN}", "b": 1, "c": 2} == source.redacted()


def test_a_secret_of_the_command_line_is_kept(token):
    source = read_text("a: {b: 1}", "f.yaml")
    for word in ("a.b=${TOKEN}", "a.c=[1, x${TOKEN}]", "a.d=$${TOKEN}"):
        override = read_override(word)
        source.set(override.path, override.value, override.origin)
    assert {"b": "hunter2", "c": [1, "xhunter2"], "d": "${TOKEN}"} == source.data["a"]
    assert {"a": {"b": "${TOKEN}", "c": "[1, x${TOKEN}]", "d": "${TOKEN}"}} == source.redacted()
    assert "say ${TOKEN}" == source.redact("say hunter2")


def test_an_overridden_secret_is_none_any_more(token):
    source = read_text("a: {b: ${TOKEN}}", "f.yaml")
    source.set(("a",), {"b": 1}, Origin("command line", 0, 3, "a={b: 1}"))
    assert {"a": {"b": 1}} == source.redacted()


def test_a_value_that_was_taken_out_is_no_secret_to_show(token):
    source = read_text("a: {b: ${TOKEN}}", "f.yaml")
    del source.data["a"]
    assert {} == source.redacted()


# Speed


def test_a_thousand_lines_are_read_at_once():
    stage = (
        "  s{0}:\n    uses: a.b\n    with:\n      x: {0}\n      y: [1, 2e-3]\n      text: some words\n      z: 'q'\n"
    )
    text = "stages:\n" + "".join(stage.format(n) for n in range(143))

    def seconds():
        start = time.process_time()
        read_text(text, "f.yaml")
        return time.process_time() - start

    # 9 ms on a developer's machine.
    assert min(seconds() for _ in range(5)) < 0.05
