"""What the README shows works as it stands."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pipeline import Pipeline
from pipeline.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def snippets(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with every file that the README shows, under the name in its first line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for text in [*snippets("yaml"), *snippets("python")]:
        if named := re.match(r"# (\S+\.(?:yaml|py))\n", text):
            (tmp_path / named[1]).write_text(text)
    return tmp_path


def test_the_first_pipeline_is_right(folder):
    plan = Pipeline.load("digits.yaml").plan

    assert ("digits", 6) == (plan.experiment, len(plan.runs))


@pytest.mark.parametrize("words", re.findall(r"pipeline run digits\.yaml(.*)", README))
def test_each_command_on_it_is_right(folder, words):
    overrides = [word for word in words.split() if "=" in word]

    assert Pipeline.load("digits.yaml", overrides).plan.runs


def test_the_plugin_runs(folder):
    result = Pipeline.load("light.yaml", trust=True).run(track=False)

    assert result.status == "finished"
    assert 0.1 < result.metrics["light/mean"] < 1


def test_the_plugin_has_fifteen_lines():
    plugin = next(text for text in snippets("python") if "Brightness" in text)

    assert len([line for line in plugin.splitlines()[1:] if line.strip()]) == 15


@pytest.mark.slow
def test_the_python_of_it_runs(folder, empty_database):
    shutil.copy(empty_database, folder)
    (code,) = [text for text in snippets("python") if "Pipeline.load" in text]
    names: dict = {}

    exec(code, names)

    assert len(names["result"].to_frame()) == 4


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_table(command):
    assert re.search(rf"^\| `pipeline {command}\b", README, re.MULTILINE)


def test_every_setting_is_in_the_table():
    used = {
        name
        for folder in ("pipeline", "plugins")
        for file in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"PIPELINE_[A-Z_]+", file.read_text())
    }

    assert used == set(re.findall(r"^\| `(PIPELINE_[A-Z_]+)`", README, re.MULTILINE))


def test_every_file_that_is_named_exists():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith(("http", "docs/images"))]

    assert [] == [link for link in links if not (ROOT / link).exists()]


@pytest.mark.parametrize("target", re.findall(r"^    make (\w+)", README, re.MULTILINE))
def test_every_make_target_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
