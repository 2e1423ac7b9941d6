"""Every snippet of the manual works: files are checked, Python is executed, commands are run or at least understood.

A page is followed from top to bottom in a folder of its own. A comment before a block of commands says more: ``run``
executes its runs (without MLflow), ``fails`` expects a refusal, ``parsed`` only reads the words, ``not run: WHY``.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipeline import Pipeline
from pipeline.cli import cli
from pipeline.errors import PipelineError, RequestError
from pipeline.source.yaml_tree import parse
from pipeline.sweep import check as check_sweep

from .conftest import DOCS, HOW, PAGES, ROOT, Block, blocks

# What others' programs a page may name: nothing of ours to test.
FOREIGN = {"cd", "python", "pip", "ray", "eval", "export", "source", "docker", "make"}
# These need a recorded run, or stay in the foreground.
ONLY_PARSED = {"ui", "show", "compare", "reproduce", "report", "runs"}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Iterator[Path]:
    """As a reader has it: the repository's pipelines, and nothing of the user's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PICTURES", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    shutil.copytree(ROOT / "pipelines", tmp_path / "pipelines")
    (tmp_path / "pipeline").mkdir()
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_what_a_page_shows_works(page, folder):
    names: dict = {"__name__": "__page__"}
    found = blocks(page)
    for block in found:
        if block.title:
            (folder / block.title).write_text(block.text)
    for block in found:
        if block.language == "yaml":
            check_yaml(block)
        elif block.language in ("python", "pycon") and not block.title:
            exec(compile(block.text, str(page), "exec"), names)
        elif block.language == "python":
            compile(block.text, block.title, "exec")
        elif block.language == "bash":
            for line in block.text.splitlines():
                check_command(line, block.how)


def check_yaml(block: Block) -> None:
    """A whole pipeline is right; a part of one is at least YAML."""
    data = parse(block.text, block.title or "page").data
    if "stages" not in data:
        return
    file = Path(block.title or "untitled.yaml")
    file.write_text(block.text)
    plan = Pipeline.load(file, trust=True).plan
    assert plan.spec.sweep is None or check_sweep(plan) == []


def check_command(line: str, how: str) -> None:
    words = [word for word in shlex.split(line, comments=True) if not re.fullmatch(r"[A-Z_]+=\S*", word)]
    if not words or how.startswith("not run"):
        assert all(shlex.split(line) or [True])
    elif words[0] == "pipeline" and how == "fails":
        with pytest.raises(RequestError):
            run(words[1:], "")
    elif words[0] == "pipeline":
        run(words[1:], how)
    elif words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    else:
        assert words[0] in FOREIGN, f"say in a comment how to test {line!r}"


def run(words: list[str], how: str) -> None:
    words = words[: words.index(">")] if ">" in words else words
    name, *rest = words
    with click.Context(cli) as above:
        command = cli.get_command(above, name)
    assert command is not None, f"there is no command {name!r}"
    context = command.make_context(name, list(rest))
    if how == "parsed" or name in ONLY_PARSED:
        return
    if name in ("run", "sweep"):
        given = context.params
        pipeline = Pipeline.load(given["file"], given["overrides"], trust=True)
        assert name == "run" or check_sweep(pipeline.plan) == []
        if how == "run":
            result = pipeline.run(track=False)
            assert result.status == "finished", [each.outcome.error for each in result.runs]
        return
    try:
        cli.main(words, standalone_mode=False)
    except PipelineError as error:
        pytest.fail(f"pipeline {' '.join(words)}: {error}")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_a_comment_before_a_block_is_one_that_is_known(page):
    assert [] == [block.how for block in blocks(page) if block.how and not HOW.fullmatch(block.how)]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_a_page_begins_with_what_its_reader_will_be_able_to_do(page):
    title, empty, first = page.read_text().splitlines()[:3]

    assert title.startswith("# ")
    assert empty == ""
    assert first.startswith("After this page ")
