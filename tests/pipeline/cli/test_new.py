"""`pipeline new`: what it writes works as it stands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def environment(project) -> dict[str, str]:
    """The settings of a user who has installed us, and nothing of this test's."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run(environment: dict[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_new_plugins_own_tests_pass_without_installing_it(project, command, environment):
    command("new", "plugin", "darts")

    done = run(environment, project.folder, "pytest", "darts", "-q", "-p", "no:cacheprovider")

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "failed" not in done.stdout


def test_a_new_plugin_is_one_that_can_be_installed(project, command):
    written = command("new", "plugin", "darts", "--json").json["written"]

    assert {"darts/pyproject.toml", "darts/src/darts/stages.py", "darts/tests/test_darts.py"} <= set(written)
    assert 'darts = "darts.stages"' in (project.folder / "darts/pyproject.toml").read_text()


@pytest.mark.usefixtures("database")
def test_a_new_pipeline_runs_once_it_is_trusted(project, command):
    command("new", "pipeline", "darts")

    refused = command("check", "darts.yaml")
    trusted = command("check", "darts.yaml", "--trust")
    result = command("run", "darts.yaml", "--json")

    assert (2, 0, 0) == (refused.status, trusted.status, result.status)
    assert len(result.json["runs"]) == 6
    error = {s["variants"]["darts"]: s["metrics"]["estimate/error"]["mean"] for s in result.json["summary"]}
    assert error["many"] < error["few"]


def test_a_new_project_passes_its_own_tests_and_brings_its_settings(project, command, environment):
    written = command("new", "project", "darts", "--json").json["written"]

    done = run(environment, project.folder / "darts", "pytest", "-q", "-p", "no:cacheprovider")

    assert done.returncode == 0, done.stdout
    assert {"darts/.gitignore", "darts/.pre-commit-config.yaml", "darts/requirements.txt"} <= set(written)
    first = (project.folder / "darts/darts.yaml").read_text().partition("\n")[0]
    schema = project.folder / "darts" / first.partition("$schema=")[2]
    assert "vae.fit" in json.loads(schema.read_text())["$defs"]


def test_the_next_commands_are_told(project, command):
    out = command("new", "pipeline", "darts", "--folder", "work").out

    assert "wrote work/darts.yaml" in out
    assert "pipeline run work/darts.yaml --trust" in out


def test_what_is_written_is_formatted_and_linted(project, command):
    pytest.importorskip("ruff")
    command("new", "plugin", "darts")
    command("new", "pipeline", "other")
    command("new", "project", "third")

    written = ((project.folder / "darts", "."), (project.folder / "third", "."), (project.folder, "other_stages.py"))
    for folder, what in written:
        for check in (["format", "--check"], ["check", "--select", "E,F,W,I,B,UP,RUF"]):
            done = run(dict(os.environ), folder, "ruff", *check, what, "--isolated", "--line-length", "120")
            assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("kind", "name", "messages"),
    [
        ("plugin", "my-plugin", ["'my-plugin' cannot be the name of a plugin", "Did you mean 'my_plugin'?"]),
        ("pipeline", "Class", ["cannot be the name of a pipeline", "Use lower-case letters"]),
        ("pipeline", "../up", ["cannot be the name of a pipeline", "Did you mean 'up'?"]),
        ("plugin", "json", ["a Python package named 'json' is installed already"]),
        ("plugin", "numpy", ["a Python package named 'numpy' is installed already"]),
        ("plugin", "vae", ["a plugin named 'vae' is installed already"]),
        ("module", "x", ["is not one of 'pipeline', 'project', 'plugin'"]),
    ],
)
def test_a_name_that_cannot_be_is_told(project, command, kind, name, messages):
    ended = command("new", kind, name)

    assert ended.status == 2
    for message in messages:
        assert message in ended.err
    assert list(project.folder.iterdir()) == []


@pytest.mark.parametrize(("kind", "taken"), [("plugin", "darts"), ("project", "darts"), ("pipeline", "darts.yaml")])
def test_what_exists_is_never_overwritten(project, command, kind, taken):
    (project.folder / taken).write_text("mine")

    ended = command("new", kind, "darts")

    assert ended.status == 2
    assert f"{taken} exists already" in ended.err
    assert (project.folder / taken).read_text() == "mine"
