"""`pipeline runs`, `show`, `compare` and `reproduce`, on runs that MLflow really keeps."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from pipeline import Pipeline

pytestmark = pytest.mark.xdist_group("recorded")

# What YAML 1.1 would change: a text that looks like a number, and one that looks like an environment variable.
PLUGIN = '''
"""Stages for the tests."""

from typing import ClassVar

from pipeline import Context, Field, Stage, hookimpl


class Make(Stage):
    """Make a text."""

    text: str = "1e-3"
    options: dict[str, str] = {"plain": "${NOT_SET}"}

    def run(self) -> str:
        return self.text


class Judge(Stage):
    """Log a number."""

    emits: ClassVar = {"score": "max", "length": None}
    seeded: ClassVar = True
    bonus: float = 0.0

    def run(self, make: str, context: Context) -> float:
        score = float(context.rng.random()) + self.bonus
        context.log({"score": score, "length": len(make)})
        return score


@hookimpl
def pipeline_stages():
    return [Make, Judge]
'''

FILE = """
name: judged
plugins: [./stages.py]
seeds: 2
stages:
  make: {uses: stages.make, with: {options: {token: "${TOKEN}", plain: "$${NOT_SET}"}}}
  judge:
    variants:
      low: {uses: stages.judge}
      high: {uses: stages.judge, with: {bonus: 1.0}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, empty_database) -> Path:
    """A project with one comparison of four runs; its pipeline file is gone."""
    folder = tmp_path_factory.mktemp("recorded")
    shutil.copy(empty_database, folder)
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setenv("TOKEN", "s3cret-token")
        os.chdir(folder)
        (folder / "stages.py").write_text(PLUGIN)
        (folder / "judged.yaml").write_text(FILE)
        result = Pipeline.load("judged.yaml", trust=True).run()
        (folder / "judged.yaml").unlink()
        os.chdir(before)
    assert result.status == "finished"
    return folder


@pytest.fixture(autouse=True)
def inside(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("TOKEN", "s3cret-token")


@pytest.fixture
def runs(command) -> list[dict]:
    """The four runs and their parent."""
    return [run for run in command("runs", "--json").json["runs"] if not run["experiment"].startswith("again")][-5:]


@pytest.fixture
def parent(runs) -> str:
    return next(run["id"] for run in runs if run["parent"] is None)


@pytest.fixture
def child(runs, parent) -> str:
    return next(run["id"] for run in runs if run["parent"] == parent and run["name"] == "high seed 1")


def test_runs_are_listed_newest_first(command, runs, parent):
    ended = command("runs", "--experiment", "judged")

    assert [run["started"] for run in runs] == sorted((run["started"] for run in runs), reverse=True)
    assert {"judged", "low seed 0", "low seed 1", "high seed 0", "high seed 1"} == {run["name"] for run in runs}
    assert parent[:12] in ended.out


def test_the_list_can_be_cut(command):
    assert len(command("runs", "--limit", "2", "--json").json["runs"]) == 2


def test_an_unknown_experiment_is_told_what_was_meant(command):
    ended = command("runs", "--experiment", "juged")

    assert ended.status == 2
    assert "Did you mean 'judged'?" in ended.err


def test_one_run_is_shown_with_parameters_metrics_and_files(command, child):
    ended = command("show", child[:10])

    for word in ("high seed 1", child, "judged: finished", "judge.bonus", "judge/score", "pipeline/pipeline.yaml"):
        assert word in ended.out
    assert "s3cret-token" not in ended.out


def test_a_parent_is_shown_with_the_runs_below_it(command, parent):
    document = command("show", parent, "--json").json

    assert len(document["children"]) == 4
    assert "comparison.png" in document["artifacts"]


def test_a_parent_is_compared_by_the_means_of_its_variants(command, parent):
    document = command("compare", parent, "--json").json

    assert [f"low ({parent[:8]})", f"high ({parent[:8]})"] == [column["name"] for column in document["columns"]]
    assert {"judge.bonus": ["0.0", "1.0"]} == document["params"]
    low, high = document["metrics"]["judge/score"]
    assert (2, 2) == (low["n"], high["n"])
    assert high["mean"] == pytest.approx(low["mean"] + 1)


def test_single_runs_are_compared_by_their_values(command, runs, child):
    other = next(run for run in runs if run["name"] == "low seed 1")

    ended = command("compare", child, other["id"])

    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert "judge.bonus 1.0 0.0" in lines
    assert "judge/length 4 4" in lines


def test_a_run_is_reproduced_without_its_file(command, child):
    document = command("reproduce", child, "--json").json

    (run,) = document["runs"]
    assert document["equal"]
    assert (2, []) == (run["metrics"], run["differences"])
    assert child != run["mlflow_run_id"]


def test_a_parents_runs_are_all_reproduced(command, parent, runs):
    ended = command("reproduce", parent)

    below = [run for run in runs if run["parent"] == parent]
    told = {f"{run['name']} ({run['id'][:12]}): reproduced, all 2 metrics are equal" for run in below}
    assert (0, 4) == (ended.status, len(told))
    assert told == set(ended.out.splitlines())


def test_a_secret_that_is_not_set_is_named(command, child, monkeypatch):
    monkeypatch.delenv("TOKEN")

    ended = command("reproduce", child)

    assert ended.status == 2
    assert "the environment variable 'TOKEN' is not set" in ended.err


def test_code_that_has_changed_must_be_trusted_and_then_tells_the_first_difference(command, child, folder):
    plugin = folder / "stages.py"
    plugin.write_text(PLUGIN.replace("+ self.bonus", "+ self.bonus + 0.25"))
    try:
        refused = command("reproduce", child)
        ended = command("reproduce", child, "--trust")
    finally:
        plugin.write_text(PLUGIN)

    assert refused.status == 2
    assert "has not been trusted yet (or has changed since)" in refused.err
    assert ended.status == 1
    assert "not reproduced, 1 of 2 metrics differ, first at stage 'judge': judge/score was" in ended.out
    assert "what it returned differs first at stage 'judge'" in ended.out
    recorded, now = re.search(r"judge/score was (\S+), is ([\d.]+)", ended.out).groups()
    assert float(now) == pytest.approx(float(recorded) + 0.25, rel=1e-12)


def test_an_unknown_run_is_an_error(command):
    for words in (("show", "nothing"), ("compare", "nothing"), ("reproduce", "nothing")):
        ended = command(*words)
        assert (2, "") == (ended.status, ended.out)
        assert "no recorded run has the id or name 'nothing'" in ended.err


def test_where_nothing_is_recorded_the_list_is_empty(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    ended = command("runs")

    assert (0, "") == (ended.status, ended.out)
    assert "nothing has been recorded here yet" in ended.err
    assert {"runs": []} == command("runs", "--json").json
    assert not (tmp_path / "mlflow.db").exists()
