"""The sweep as its command and from Python: tracked, reported from MLflow alone, and a help for the next one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import cli

HERE = Path(__file__).parent
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sweep")


@pytest.fixture(scope="module")
def swept(folder: Path) -> dict[str, Any]:
    """One sweep by the command, as its document."""
    words = ["--json", "--trust", "sweep.scheduler={asha: {grace_period: 2}}", "sweep.trials=10", "curve.noise=0.01"]
    command = [sys.executable, "-m", "pipeline", "sweep", str(HERE / "curve.yaml"), *words]
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[2]), "XDG_CONFIG_HOME": str(folder / "config")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280)
    assert 0 == done.returncode, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(autouse=True)
def _there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    return


def test_the_document_names_every_run_and_the_best(swept: dict[str, Any]) -> None:
    assert "finished" == swept["status"]
    assert 10 == len(swept["runs"])
    assert swept["best"]["metrics"]["curve/loss"] == min(s["metrics"]["curve/loss"]["mean"] for s in swept["summary"])
    assert all(run["mlflow_run_id"] for run in swept["runs"])


def test_mlflow_has_one_parent_with_a_child_for_each_trial_and_its_report(swept: dict[str, Any], folder: Path) -> None:
    from pipeline.tracking.history import History

    history = History(folder)
    parent = history.run(swept["mlflow_run_id"])
    children = history.children(parent)

    assert 10 == len(children)
    assert {"finished"} == {child.status for child in children}
    assert {"finished", "stopped"} == {child.tags["pipeline.state"] for child in children}
    files = history.artifacts(parent)
    assert {"report.html", "report/history.png", "report/curves.png", "trials.csv"} <= set(files)


def test_the_report_is_made_again_from_mlflow_alone(swept: dict[str, Any], folder: Path) -> None:
    done = CliRunner().invoke(cli, ["report", swept["mlflow_run_id"], "--to", "again", "--json"], standalone_mode=False)

    assert 0 == done.return_value, done.output
    document = json.loads(done.stdout)
    assert document["best"]["configuration"] == pytest.approx(swept["best"]["configuration"])
    page = (folder / "again" / "report.html").read_text()
    assert "data:image/png;base64" in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_best_configuration_is_run_by_its_sweeps_name(swept: dict[str, Any]) -> None:
    words = ["run", str(HERE / "curve.yaml"), "--from", swept["mlflow_run_id"], "curve.noise=0.01", "--trust", "--json"]

    done = CliRunner().invoke(cli, words, standalone_mode=False)

    assert 0 == done.return_value, done.output
    run = json.loads(done.stdout)["runs"][0]
    assert swept["best"]["metrics"]["curve/loss"] == run["metrics"]["curve/loss"]
    assert run["stages"][0]["cached"]


def test_earlier_trials_inform_a_new_search(swept: dict[str, Any], folder: Path) -> None:
    from pipeline.api import Pipeline
    from pipeline.sweep.agenda import Agenda
    from pipeline.sweep.past import past_trials
    from pipeline.sweep.request import read_request

    plan = Pipeline.load(HERE / "curve.yaml", ["sweep.search={tpe: {startup_trials: 5}}"], trust=True).plan
    request, _ = read_request(plan)
    assert request is not None
    informed = Agenda(request, known=past_trials(swept["mlflow_run_id"])).next()

    assert 10 == len(past_trials(swept["mlflow_run_id"]))
    assert informed is not None
    assert informed.configuration != Agenda(request).next().configuration  # type: ignore[union-attr]  # trials are left
