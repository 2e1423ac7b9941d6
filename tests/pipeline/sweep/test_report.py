"""The report from plain trial records, and from runs that something else has tracked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import cli
from pipeline.sweep.objective import Objective
from pipeline.sweep.records import State, TrialRecord
from pipeline.sweep.report import Study, write
from pipeline.sweep.report.dimensions import slices
from pipeline.sweep.report.importance import importance

SPACE = {
    "m": {"variants": ["b", "a"]},
    "m.rate": {"loguniform": [0.01, 1.0]},
    "m.size": {"choice": [16, 8]},
    "m[a].x": {"uniform": [0, 1]},
}


def record(number: int, value: float | None, *, seed: int = 0, **fields: Any) -> TrialRecord:
    kind = "ab"[number % 2]
    configuration = {"m": kind, "m.rate": 0.01 * 1.5**number, "m.size": 8 * (1 + number % 2)}
    configuration |= {"m[a].x": number / 12} if kind == "a" else {}
    state: State = "failed" if value is None else fields.pop("state", "finished")
    values = None if value is None else (value, float(number))
    return TrialRecord(
        number, configuration, seed, state, values, f"run{number}", float(number), number + 0.5,
        worker=f"here:{number % 2}", error="it broke" if value is None else None, **fields,
    )  # fmt: skip


def study(records: list[TrialRecord], space: Any = SPACE, objectives: int = 1) -> Study:
    every = (Objective("m/loss", "min", True), Objective("m/size", "max"))
    return Study("test", "tpe", "asha", every[:objectives], tuple(SPACE), tuple(records), space)


TWELVE = [record(number, (number - 5) ** 2 + 1.0) for number in range(12)]


def test_the_scale_of_a_dimension_is_that_of_the_space() -> None:
    columns = {column.name: column for column in study(TWELVE).columns}

    assert (True, False) == (columns["m.rate"].log, columns["m[a].x"].log)
    assert ("b", "a") == columns["m"].labels
    assert ("8", "16") == columns["m.size"].labels
    assert (1.0, 0.0) == columns["m"].values[:2]
    assert columns["m[a].x"].values[1] != columns["m[a].x"].values[1], "it does not exist there"


def test_without_a_space_a_wide_range_of_numbers_is_logarithmic() -> None:
    columns = {column.name: column for column in study(TWELVE, space={}).columns}

    assert columns["m.rate"].log
    assert () == columns["m.size"].labels


def test_a_full_report_has_every_picture_that_has_something_to_show() -> None:
    curves = [
        record(n, (n - 5) ** 2 + 1.0, curve={s: (n - 5) ** 2 + 4 - s for s in range(1, 4 - n % 2)},
               step=3 - n % 2, state="stopped" if n % 2 else "finished")
        for n in range(12)
    ]  # fmt: skip

    files = {file.name: file.content for file in write(study([*curves, record(12, None)], objectives=2))}

    pictures = {"history", "regret", "pareto", "importance", "parallel", "slices", "contour", "curves", "timeline"}
    assert {f"report/{name}.png" for name in pictures} == {name for name in files if name.endswith(".png")}
    page = files["report.html"].decode()
    assert "6 trials were stopped: 6 of 36 steps (17%) were not run. 0 of the stopped were ahead" in page
    assert "1 runs failed; the first: it broke" in page
    assert "<th>error</th>" in page
    assert "<th>seed</th>" not in page
    assert "http" not in page
    assert 13 == len(json.loads(files["trials.json"]))


@pytest.mark.parametrize("names", [("b", "a"), ("a_rather_long_name", "another_long_one", "the_longest_name_of_all")])
def test_labels_of_a_slice_do_not_run_into_each_other(names: tuple[str, ...]) -> None:
    records = [
        TrialRecord(n, {"m": names[n % len(names)]}, 0, "finished", (float(n),), f"run{n}", float(n), n + 0.5)
        for n in range(6)
    ]
    one = Study(
        "test", "tpe", "asha", (Objective("m/loss", "min", True),), ("m",), tuple(records), {"m": {"variants": names}}
    )

    drawing = slices(one, {})
    assert drawing is not None
    drawing.draw_without_rendering()

    boxes = [label.get_window_extent() for label in drawing.axes[0].get_xticklabels()]
    assert len(names) == len(boxes)
    upright = drawing.axes[0].get_xticklabels()[0].get_rotation() == 0
    assert upright == (len(names) == 2)
    if upright:
        assert boxes[0].x1 < boxes[1].x0


def test_what_stopping_risked_is_counted_at_the_step_where_it_happened() -> None:
    best = record(0, 1.0, curve={1: 9.0, 2: 5.0, 3: 1.0}, step=3)
    ahead = record(1, 4.0, curve={1: 8.0, 2: 4.0}, step=2, state="stopped")
    behind = record(2, 9.5, curve={1: 9.5}, step=1, state="stopped")

    saved = study([best, ahead, behind]).saved

    assert saved is not None
    assert (6, 3, 2, 1) == (saved.run, saved.not_run, saved.stopped, saved.ahead)


def test_several_seeds_are_one_point_with_their_deviation() -> None:
    points = study([record(0, 1.0), record(0, 3.0, seed=1), record(1, 1.0), record(1, None, seed=1)]).points

    assert [(0, (2.0, 0.0))] == [(point.number, point.values) for point in points]
    assert pytest.approx(2**0.5) == points[0].spread


def test_the_dimension_that_matters_is_the_important_one() -> None:
    records = [record(number, 100 * (number % 2) + 0.1 * (number % 3)) for number in range(12)]

    shares = importance(study(records))

    assert {"m", "m.size"} >= {next(iter(shares))}, "they change together"
    assert 1 == pytest.approx(sum(shares.values()))


@pytest.fixture
def tracked_by_others(tmp_path: Path, empty_database: Path) -> list[str]:
    """Runs side by side in one experiment, as Ray's own callback leaves them, and the same below a parent."""
    from pipeline.tracking.location import Location
    from pipeline.tracking.server import open_client

    shutil.copy(empty_database, tmp_path)
    client = open_client(Location.of(tmp_path))
    experiment = client.create_experiment("theirs")
    parent = client.create_run(client.create_experiment("parents"), run_name="search").info.run_id
    for number in range(6):
        for tags, where in (({}, experiment), ({"mlflow.parentRunId": parent}, "2")):
            run = client.create_run(where, run_name=f"t{number}", tags=tags).info.run_id
            client.log_param(run, "lr", 0.1 * 3**-number)
            client.log_param(run, "fixed", 1)
            for step in (1, 2, 3):
                client.log_metric(run, "val_loss", abs(number - 2) + 3 - step, step=step)
            client.set_terminated(run)
    return ["theirs", "search"]


@pytest.mark.parametrize("which", [0, 1], ids=["experiment", "parent"])
def test_runs_that_others_tracked_are_reported_too(which: int, tracked_by_others: list[str], tmp_path: Path) -> None:
    reference = tracked_by_others[which]
    asked = CliRunner().invoke(cli, ["report", reference], standalone_mode=False)
    words = ["report", reference, "--metric", "val_loss", "--mode", "min", "--to", "out", "--json"]
    done = CliRunner().invoke(cli, words, standalone_mode=False)

    assert "name it with --metric and --mode. Logged: val_loss." in str(asked.exception)
    assert 0 == done.return_value, done.output
    document = json.loads(done.stdout)
    assert {"lr": pytest.approx(0.1 / 9)} == document["best"]["configuration"]
    assert {"val_loss": 0.0} == document["best"]["values"]
    assert (tmp_path / "out" / "report" / "curves.png").is_file()
