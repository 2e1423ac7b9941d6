"""`pipeline plan` on the terminal and as data."""

from __future__ import annotations

import pytest

CHAIN = "  make: {uses: counting.make}\n  draw: {uses: counting.draw}"


@pytest.fixture
def planned(project, command):
    """`pipeline plan` on the project's file, which is trusted."""
    project.write(CHAIN, "seeds: [0, 1]")
    project.load()
    return lambda *words: command("plan", project.file, *words)


def test_reasons_are_shown_for_each_stage(planned, project):
    project.run()

    ended = planned("draw.bonus=2.0")

    assert ended.status == 0
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert ["make 1 cached", "draw 2 runs bonus: 0.0 -> 2.0"] == lines[1:3]
    assert lines[-1] == "2 runs: 1 cached, 2 to run"


def test_nothing_is_run(planned, project):
    planned()

    assert project.worked() == []


def test_the_document_has_runs_stages_edges_and_values(planned):
    document = planned("--json").json

    assert {"experiment", "runs", "stages", "edges", "values"} == set(document)
    assert [{"variants": {}, "seed": 0}, {"variants": {}, "seed": 1}] == document["runs"]
    make, draw = document["stages"]
    assert ("make", "runs", 1) == (make["stage"], make["state"], make["executions"])
    assert ("draw", "it has not run before", 2) == (draw["stage"], draw["reason"], draw["executions"])
    assert [{"from": "make", "to": "draw", "type": "Box"}] == document["edges"]
    assert {"key": "make.size", "value": 3, "origin": "default"} in document["values"]


def test_the_picture_is_drawn(planned):
    assert planned("--graph").out.startswith("●    make")
    assert planned("--mermaid").out.startswith("flowchart LR")


def test_origins_are_listed(planned, project):
    lines = [line.split() for line in planned("--origin", "make.size=5").out.splitlines()]

    assert ["make.size", "5", "command", "line:", "make.size=5"] in lines
    assert ["make", "counting.make", f"{project.file}:4:16"] in lines


def test_a_secret_is_never_shown(project, command, monkeypatch):
    monkeypatch.setenv("START", "123456")
    project.write("  make: {uses: counting.make, with: {start: ${START}}}")
    project.load()
    project.run()

    shown = [command("plan", project.file, *words).out for words in ((), ("--json",), ("--origin",), ("make.size=9",))]

    assert not any("123456" in text for text in shown)


SWEEP = """
sweep:
  metric: draw/drawn
  trials: 5
  search: random
  seeds: 2
  space: {draw.bonus: {uniform: [0.0, 1.0]}}
"""


def test_a_sweep_is_told_with_what_its_trials_share(project, command):
    project.write(CHAIN + SWEEP)
    project.load()

    ended = command("plan", project.file)

    assert "sweep: max draw/drawn; 5 trials with 2 seeds each, chosen by random" in ended.out
    assert "once for all: make" in ended.out
    assert "for each trial: draw" in ended.out
    assert ["make"] == command("plan", project.file, "--json").json["sweep"]["shared"]


@pytest.mark.parametrize("name", ["plan", "check"])
def test_a_wrong_sweep_is_told_before_anything_runs(project, command, name):
    project.write(CHAIN + SWEEP.replace("draw/drawn", "draw/drown"))

    ended = command(name, project.file, "--trust")

    assert ended.status == 2
    assert "Did you mean 'draw/drawn'?" in ended.err


def test_a_wrong_file_ends_with_status_2(project, command):
    project.write("  make: {uses: counting.mak}")

    ended = command("plan", project.file, "--trust")

    assert (ended.status, ended.out) == (2, "")
    assert "Did you mean 'counting.make'?" in ended.err
