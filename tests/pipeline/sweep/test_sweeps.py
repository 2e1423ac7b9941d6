"""Real sweeps on one Ray: every search, every scheduler, what they share, and what goes wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.sweep import SweepOutcome

pytestmark = [pytest.mark.usefixtures("ray_here"), pytest.mark.xdist_group("ray")]
Run = Callable[..., SweepOutcome]


@pytest.mark.parametrize("search", ["random", "sobol", "gp", "tpe", "cma", "bohb", "nsga2"])
def test_every_search_runs_its_trials_and_names_the_best(search: str, run_sweep: Run) -> None:
    outcome = run_sweep("bowl", f"sweep.search={search}", "sweep.trials=8")

    assert outcome.status == "finished"
    assert [0, 1, 2, 3, 4, 5, 6, 7] == sorted(trial.record.number for trial in outcome.trials)
    assert outcome.best is not None
    assert min(v[0] for v in outcome.values.values()) == outcome.best.record.values[0]


def test_grid_runs_every_combination(run_sweep: Run) -> None:
    space = "{bowl.x: {grid: [0, 1, 2]}, bowl.y: {choice: [-1, 0]}}"

    outcome = run_sweep("bowl", "sweep.search=grid", f"sweep.space={space}")

    tried = {(t.record.configuration["bowl.x"], t.record.configuration["bowl.y"]) for t in outcome.trials}
    assert {(x, y) for x in (0, 1, 2) for y in (-1, 0)} == tried
    assert {"bowl.x": 2, "bowl.y": -1} == outcome.best.record.configuration


def test_manual_runs_the_points(run_sweep: Run) -> None:
    points = "[{bowl.x: 1}, {bowl.x: 2, bowl.n: 3}]"

    outcome = run_sweep("bowl", "sweep.search=manual", "sweep.space={}", f"sweep.points={points}")

    assert [{"bowl.x": 1}, {"bowl.x": 2, "bowl.n": 3}] == [t.record.configuration for t in outcome.trials]


@pytest.mark.parametrize(
    ("search", "scheduler"),
    [
        ("random", "median"),
        ("tpe", "asha"),
        ("random", "hyperband"),
        ("bohb", "bohb"),
        ("random", "pbt"),
        ("sobol", "pb2"),
    ],
)
def test_every_scheduler_ends_every_trial(search: str, scheduler: str, run_sweep: Run, heard: Any) -> None:
    options = {
        "hyperband": "{hyperband: {max_steps: 9}}",
        "bohb": "{bohb: {max_steps: 9}}",
        "pbt": "{pbt: {interval: 3}}",
        "pb2": "{pb2: {interval: 3}}",
    }.get(scheduler, scheduler)

    outcome = run_sweep("curve", f"sweep.search={search}", f"sweep.scheduler={options}", "sweep.trials=9")

    assert "finished" == outcome.status
    assert {"finished", "stopped"} >= {trial.record.state for trial in outcome.trials}
    assert 9 == len(outcome.trials) == len(heard.of("pipeline_run_finished")) - 1
    assert all(list(t.record.curve) == sorted(set(t.record.curve)) for t in outcome.trials)


@pytest.mark.parametrize(
    ("search", "scheduler"),
    [
        ("tpe", "{asha: {grace_period: 2}}"),
        ("random", "{median: {grace_period: 2}}"),
        ("random", "{hyperband: {max_steps: 9}}"),
        ("bohb", "{bohb: {max_steps: 9}}"),
    ],
)
def test_trials_that_begin_one_by_one_are_stopped_and_it_is_said_at_which_step(
    search: str, scheduler: str, run_sweep: Run
) -> None:
    words = [f"sweep.search={search}", f"sweep.scheduler={scheduler}", "sweep.trials=12", "sweep.concurrency=1"]

    outcome = run_sweep("curve", *words)

    stopped = [trial for trial in outcome.trials if trial.record.state == "stopped"]
    assert stopped
    assert all(t.outcome.tags["pipeline.stopped_at_step"] == str(t.record.step) for t in stopped)
    assert any(t.record.step < 9 for t in stopped)


def test_pbt_changes_values_and_goes_on_from_copied_checkpoints(run_sweep: Run) -> None:
    outcome = run_sweep("curve", "sweep.search=random", "sweep.scheduler={pbt: {interval: 2}}", "sweep.trials=6")

    changed = [trial for trial in outcome.trials if trial.record.changes]
    assert changed
    assert all(0 <= c["curve.x"] <= 1 for t in changed for c in t.record.changes.values())


def test_variants_and_their_own_dimensions_are_searched_together(run_sweep: Run) -> None:
    outcome = run_sweep("variants", "sweep.trials=12", "sweep.search=tpe")

    for trial in outcome.trials:
        chosen = trial.record.configuration["bowl"]
        assert {"plain": {"bowl", "bowl[plain].x", "bowl[plain].kind"}, "other": {"bowl", "bowl[other].z"}}[
            chosen
        ] == set(trial.record.configuration)
        assert {"bowl": chosen} == dict(trial.run.variants)


def test_several_metrics_give_a_pareto_front(run_sweep: Run) -> None:
    outcome = run_sweep(
        "bowl",
        "sweep.metric=[bowl/loss, bowl/size]",
        "sweep.trials=10",
        "sweep.search=nsga2",
        "sweep.space={bowl.x: {uniform: [-5, 5]}, bowl.n: {randint: [1, 9]}}",
    )

    front = [trial.record.values for trial in outcome.pareto]
    assert front
    others = [t.record.values for t in outcome.trials]
    assert not any(a[0] < b[0] and a[1] < b[1] for a in others for b in front)


def test_an_untouched_stage_runs_once_and_is_shared(run_sweep: Run, tmp_path: Path) -> None:
    witness = tmp_path / "witness"

    outcome = run_sweep("bowl", f"numbers.witness={witness}", "sweep.search=random", "sweep.trials=5")

    assert "ran\n" == witness.read_text()
    assert all(trial.outcome.stages[0].cached for trial in outcome.trials)


def test_a_failing_trial_is_recorded_and_the_others_go_on(run_sweep: Run) -> None:
    outcome = run_sweep("bowl", "bowl.fails_above=0.0", "sweep.search=sobol", "sweep.trials=6")

    failed = [trial for trial in outcome.trials if trial.record.state == "failed"]
    assert 0 < len(failed) < 6
    assert all("ArithmeticError" in t.record.error for t in failed)
    assert all("raise ArithmeticError" in t.outcome.documents["traceback.txt"] for t in failed)
    assert "finished" == outcome.status


def test_a_configuration_that_the_stage_refuses_fails_by_itself(run_sweep: Run) -> None:
    points = "[{bowl.x: 9.5, bowl.y: 9.5}, {bowl.x: 1}]"

    outcome = run_sweep("bowl", "sweep.search=manual", "sweep.space={}", f"sweep.points={points}")

    assert ["failed", "finished"] == [t.record.state for t in sorted(outcome.trials, key=lambda t: t.record.number)]
    assert "x and y cannot both be above 9" in outcome.trials[0].record.error


def test_each_configuration_is_judged_by_its_mean_over_seeds(run_sweep: Run) -> None:
    outcome = run_sweep("curve", "sweep.seeds=3", "sweep.trials=4", "curve.noise=0.1", "sweep.search=random")

    assert 12 == len(outcome.trials)
    for number, (mean,) in outcome.values.items():
        values = [t.record.values[0] for t in outcome.trials if t.record.number == number]
        assert math.isclose(sum(values) / 3, mean)
        assert len(set(values)) == 3


def test_the_same_seed_with_one_worker_gives_the_same_trials(run_sweep: Run) -> None:
    first = run_sweep("bowl", "sweep.trials=14", "sweep.concurrency=1")
    second = run_sweep("bowl", "sweep.trials=14", "sweep.concurrency=1")

    assert [t.record.configuration for t in first.trials] == [t.record.configuration for t in second.trials]


def test_a_larger_number_of_trials_extends_a_finished_sweep(run_sweep: Run) -> None:
    whole = run_sweep("bowl", "sweep.trials=15", "sweep.concurrency=1")
    run_sweep("bowl", "sweep.trials=12", "sweep.concurrency=1")

    extended = run_sweep("bowl", "sweep.trials=15", "sweep.concurrency=1", resume=True)

    assert [t.record.configuration for t in whole.trials] == [t.record.configuration for t in extended.trials]


def test_after_the_time_limit_no_trial_begins_and_the_others_end_well(run_sweep: Run) -> None:
    outcome = run_sweep("bowl", "sweep.time_limit=12s", "bowl.seconds=1", "sweep.trials=1000", "sweep.search=random")

    assert "finished" == outcome.status
    assert 0 < len(outcome.trials) < 100
    assert {"finished"} == {trial.record.state for trial in outcome.trials}


@pytest.mark.parametrize("scheduler", ["none", "asha"])
def test_a_stages_timeout_ends_it_within_a_trial(scheduler: str, run_sweep: Run) -> None:
    outcome = run_sweep("curve", "stages.curve.timeout=0.5", "curve.seconds=0.05",
                        "sweep.space={curve.steps: {choice: [1, 999]}}",
                        "sweep.points=[{curve.steps: 999}, {curve.steps: 1}]", "sweep.trials=2", "sweep.concurrency=1",
                        f"sweep.scheduler={scheduler}")  # fmt: skip

    late, well = sorted(outcome.trials, key=lambda trial: trial.record.number)
    assert ("failed", "finished") == (late.record.state, well.record.state)
    assert "it took longer than its timeout of 0.5 s" == late.record.error


def test_a_worker_whose_stage_is_stuck_outside_python_is_given_up(run_sweep: Run) -> None:
    space = "{bowl.seconds: {choice: [0.0, 60.0]}}"

    outcome = run_sweep("bowl", "stages.bowl.timeout=0.5", f"sweep.space={space}", "sweep.trials=2",
                        "sweep.concurrency=1", "sweep.max_failures=3",
                        "sweep.points=[{bowl.seconds: 60.0}, {bowl.seconds: 0.0}]")  # fmt: skip

    stuck, well = sorted(outcome.trials, key=lambda trial: trial.record.number)
    assert ("failed", "finished") == (stuck.record.state, well.record.state)
    assert "could not be interrupted" in stuck.record.error
    assert stuck.record.ended - stuck.record.began < 30


def test_trials_shorter_than_the_start_of_a_worker_still_get_a_second_one(run_sweep: Run) -> None:
    outcome = run_sweep("bowl", "bowl.seconds=0.2", "sweep.trials=80", "sweep.search=random", "sweep.concurrency=2")

    workers = [trial.record.worker for trial in outcome.trials]
    assert 2 == len(set(workers))
    assert min(map(workers.count, set(workers))) > 5
