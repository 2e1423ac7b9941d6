"""Workers and drivers are really killed; afterwards nothing is lost and nothing is done twice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.sweep import SweepOutcome

HERE = Path(__file__).parent
Run = Callable[..., SweepOutcome]


@pytest.mark.usefixtures("ray_here")
@pytest.mark.xdist_group("ray")
def test_a_killed_workers_trial_goes_on_from_its_checkpoint(run_sweep: Run, heard: Any, tmp_path: Path) -> None:
    marker, witness = tmp_path / "killed", tmp_path / "witness"

    outcome = run_sweep(
        "curve",
        f"curve.kill_once={marker}",
        f"curve.witness={witness}",
        "sweep.max_failures=1",
        "sweep.trials=4",
        "sweep.search=sobol",
    )

    assert marker.exists()
    assert ["finished"] * 4 == [trial.record.state for trial in outcome.trials]
    steps = Counter(line.rsplit(" ", 2)[0] for line in witness.read_text().splitlines())
    assert 1 == max(steps.values()), "no step was done twice"
    assert 4 == len([a for a in heard.of("pipeline_run_finished") if a["run"].parent])
    assert all(list(range(1, 10)) == sorted(trial.record.curve) for trial in outcome.trials)


@pytest.mark.usefixtures("ray_here")
@pytest.mark.xdist_group("ray")
def test_without_retries_a_killed_workers_trial_fails_and_the_others_go_on(run_sweep: Run, tmp_path: Path) -> None:
    outcome = run_sweep("curve", f"curve.kill_once={tmp_path / 'killed'}", "sweep.trials=4", "sweep.search=sobol")

    assert {"failed": 1, "finished": 3} == Counter(trial.record.state for trial in outcome.trials)
    assert "worker process died" in next(t.record.error for t in outcome.trials if t.record.error)


class Driver:
    """``pipeline sweep`` in a process of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        environment = os.environ | {"PYTHONPATH": str(HERE.parents[2]), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "pipeline", "sweep", str(HERE / "curve.yaml"), "--json", "--trust", *words]
        with (folder / "errors").open("ab") as errors:
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors)

    def wait_until(self, trials: int) -> None:
        """Until so many trials have ended."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            if len(self.ended()) >= trials:
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "errors").read_text())

    def ended(self) -> list[dict[str, Any]]:
        """The ends in the journal."""
        lines = [
            line for path in self.folder.glob(".pipeline/sweeps/*.jsonl") for line in path.read_text().splitlines()
        ]
        return [json.loads(line)["ended"] for line in lines if line.startswith('{"ended"') and line.endswith("}")]

    def finish(self) -> dict[str, Any]:
        """Its document."""
        output, _ = self.process.communicate(timeout=240)
        return dict(json.loads(output))


WORDS = ("sweep.trials=8", "sweep.concurrency=1", "sweep.search=tpe", "curve.seconds=0.1", "curve.noise=0.01")


def open_runs(folder: Path) -> list[str]:
    """Names of the MLflow runs that are still RUNNING."""
    from pipeline.tracking.history import History

    deadline = time.monotonic() + 30
    while (running := [r.name for r in History(folder).runs(limit=500) if r.status == "running"]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.5)
    return running


@pytest.mark.slow
def test_a_killed_driver_resumes_and_ends_as_if_undisturbed(tmp_path: Path) -> None:
    folders = [tmp_path / "undisturbed", tmp_path / "killed"]
    for folder in folders:
        folder.mkdir()
    undisturbed = Driver(folders[0], *WORDS).finish()
    witness = f"curve.witness={folders[1] / 'witness'}"
    killed = Driver(folders[1], *WORDS, witness)
    killed.wait_until(trials=3)
    killed.process.send_signal(signal.SIGKILL)
    killed.process.wait()

    resumed = Driver(folders[1], *WORDS, witness, "--resume").finish()

    assert "finished" == resumed["status"]
    assert 8 == len(resumed["runs"])
    assert undisturbed["best"]["configuration"] == resumed["best"]["configuration"]
    assert undisturbed["best"]["values"] == resumed["best"]["values"]
    steps = Counter(line.rsplit(" ", 2)[0] for line in (folders[1] / "witness").read_text().splitlines())
    assert 2 >= max(steps.values())
    assert 1 >= sum(count == 2 for count in steps.values()), "at most the step that was cut off is repeated"
    assert [] == open_runs(folders[1])


@pytest.mark.slow
def test_ctrl_c_closes_every_run_and_resume_finishes(tmp_path: Path) -> None:
    driver = Driver(tmp_path, *WORDS)
    driver.wait_until(trials=2)
    driver.process.send_signal(signal.SIGINT)
    began = time.monotonic()
    interrupted = driver.finish()

    assert 130 == driver.process.returncode
    assert "interrupted" == interrupted["status"]
    assert 20 > time.monotonic() - began
    assert [] == open_runs(tmp_path)
    resumed = Driver(tmp_path, *WORDS, "--resume").finish()
    assert ("finished", 8) == (resumed["status"], len(resumed["runs"]))
    assert interrupted["mlflow_run_id"] == resumed["mlflow_run_id"]


@pytest.mark.slow
def test_a_modules_namesake_in_the_working_folder_shadows_nothing(tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text("raise RuntimeError('the wrong pipeline')")
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "__init__.py").write_text("raise RuntimeError('the wrong plugins')")
    (tmp_path / "ray.py").write_text("raise RuntimeError('the wrong ray')")
    script = Path(sys.executable).with_name("pipeline")
    if not script.exists():
        pytest.skip("the command is not installed")
    words = [str(HERE / "bowl.yaml"), "--trust", "--json", "sweep.trials=3"]

    done = subprocess.run([script, "sweep", *words], cwd=tmp_path, capture_output=True, text=True, timeout=240)

    assert 0 == done.returncode, done.stderr
    assert 3 == len(json.loads(done.stdout)["runs"])
    assert not re.search("wrong", done.stderr)
