"""Workers and drivers are really killed; afterwards nothing is lost and nothing is done twice."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.hooks import hookimpl
from pipeline.sweep import SweepOutcome
from pipeline.sweep.tracked import tracked_sweep
from pipeline.tracking.history import History

HERE = Path(__file__).parent
# Each costs the start of a driver; ten have been seen to pass.
KILLS = int(os.environ.get("PIPELINE_TEST_KILLS", "3"))
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


@pytest.mark.usefixtures("ray_here")
@pytest.mark.xdist_group("ray")
def test_a_store_that_fails_ends_the_sweep_and_resume_goes_on(run_sweep: Run, heard: Any, tmp_path: Path) -> None:
    temporary, words = tmp_path / "store" / "tmp", ("bowl", "sweep.trials=6", "sweep.concurrency=1")

    def break_it(hook: str) -> None:
        if hook == "pipeline_run_finished" and 3 == len(heard.of(hook)):
            shutil.rmtree(temporary)
            temporary.touch()

    heard.then = break_it
    broken = run_sweep(*words)
    heard.then = lambda hook: None
    temporary.unlink()
    resumed = run_sweep(*words, resume=True)

    assert "failed" == broken.status
    assert "a file is where its folder should be" in broken.error
    assert broken.error.endswith("When that is mended, --resume goes on")
    assert {"finished": 3, "interrupted": 1} == Counter(trial.record.state for trial in broken.trials)
    assert ["finished"] * 6 == [trial.record.state for trial in resumed.trials]
    undisturbed = run_sweep(*words)
    assert undisturbed.best.record.configuration == resumed.best.record.configuration
    assert undisturbed.values == resumed.values


@pytest.mark.usefixtures("ray_here")
@pytest.mark.xdist_group("ray")
def test_a_trial_that_asks_for_too_much_memory_fails_and_the_others_go_on(run_sweep: Run) -> None:
    space = f"{{bowl.eats: {{choice: [0, {1 << 60}]}}}}"

    outcome = run_sweep("bowl", f"sweep.space={space}", f"sweep.points=[{{bowl.eats: {1 << 60}}}, {{bowl.eats: 0}}]",
                        "sweep.trials=2")  # fmt: skip

    first, second = sorted(outcome.trials, key=lambda trial: trial.record.number)
    assert ("failed", "the machine's memory is used up") == (first.record.state, first.record.error)
    assert "finished" == second.record.state


@pytest.mark.slow
@pytest.mark.usefixtures("ray_here")
@pytest.mark.xdist_group("ray")
def test_an_mlflow_server_that_dies_in_the_middle_and_comes_back_has_everything(
    plan_of: Callable[..., Any], heard: Any, server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)

    class Saboteur:
        ended = 0

        @hookimpl
        def pipeline_run_finished(self, run: Any) -> None:
            self.ended += 1
            if self.ended == 2:
                server.kill()
            elif self.ended == 5:
                server.start()

    words = ("sweep.trials=7", "sweep.concurrency=1", "curve.seconds=0.05")
    result = tracked_sweep(plan_of("curve", *words), observers=[Saboteur()], store="there")
    undisturbed = tracked_sweep(plan_of("curve", *words), track=False, store="undisturbed")

    assert "finished" == result.status
    history = History(tmp_path)
    children = history.children(history.run(result.mlflow_run_id or ""))
    assert [f"trial {number}" for number in range(7)] == sorted(child.name for child in children)
    assert {"finished"} == {child.status for child in children}
    assert all(9 == len(history.curve(child, "curve/loss")) for child in children)
    assert undisturbed.extra["best"]["values"] == result.extra["best"]["values"]
    assert [] == open_runs(tmp_path)


class Driver:
    """``pipeline sweep`` in a process of its own."""

    def __init__(self, folder: Path, *words: str, **variables: str) -> None:
        self.folder = folder
        environment = os.environ | {"PYTHONPATH": str(HERE.parents[2]), "OMP_NUM_THREADS": "1"} | variables
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

    def kill(self) -> None:
        """At once."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def finish(self) -> dict[str, Any]:
        """Its document."""
        output, _ = self.process.communicate(timeout=240)
        return dict(json.loads(output))


WORDS = ("sweep.trials=8", "sweep.concurrency=1", "sweep.search=tpe", "curve.seconds=0.1", "curve.noise=0.01")


def open_runs(folder: Path) -> list[str]:
    """Names of the MLflow runs that are still RUNNING."""
    deadline = time.monotonic() + 30
    while (running := [r.name for r in History(folder).runs(limit=500) if r.status == "running"]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.5)
    return running


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_driver_killed_again_and_again_loses_nothing(cluster: Any, tmp_path: Path) -> None:
    """At KILLS random moments, the first time together with its own Ray."""
    cluster.start(head=True)
    cluster.wait_for_head()
    moments, folders = random.Random(0), [tmp_path / "undisturbed", tmp_path / "killed"]
    for folder in folders:
        folder.mkdir()
    words = ("sweep.trials=12", "sweep.concurrency=1", "sweep.search=tpe", "curve.seconds=0.02", "curve.noise=0.01")
    there = ("--address", cluster.address)
    witness = folders[1] / "witness"
    witness.touch()
    done: dict[str, int] = {}
    for kill in range(KILLS):
        where, variables = (there, cluster.variables) if kill else ((), {})
        driver = Driver(folders[1], *words, *where, f"curve.witness={witness}", "--resume", **variables)
        until = len(witness.read_text().splitlines()) + moments.randint(0, 9)
        while len(witness.read_text().splitlines()) < until and driver.process.poll() is None:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.1))
        driver.kill()
        began = len(witness.read_text().splitlines())
        done = {f"{record['configuration']['curve.x']:.4f}": began for record in driver.ended()} | done
    undisturbed = Driver(folders[0], *words, *there, **cluster.variables).finish()

    resumed = Driver(folders[1], *words, *there, f"curve.witness={witness}", "--resume", **cluster.variables).finish()

    assert "finished" == resumed["status"]
    lines = [line.split()[0] for line in witness.read_text().splitlines()]
    steps = Counter(line.rsplit(" ", 2)[0] for line in witness.read_text().splitlines())
    assert KILLS >= sum(count - 1 for count in steps.values()), "at most the step that was cut off is repeated"
    assert not any(x in lines[since:] for x, since in done.items()), "no finished trial is run twice"
    history = History(folders[1])
    children = history.children(history.run(resumed["mlflow_run_id"]))
    assert [f"trial {number}" for number in range(12)] == sorted((c.name for c in children), key=lambda n: int(n[6:]))
    assert undisturbed["best"]["configuration"] == resumed["best"]["configuration"]
    assert undisturbed["best"]["values"] == resumed["best"]["values"]
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
