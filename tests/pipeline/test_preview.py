"""What `plan` foretells is what `run` then does."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.keeping import FOLDER, open_store
from pipeline.preview import edges, preview, provenance

CHAIN = "  make: {uses: counting.make}\n  draw: {uses: counting.draw}\n  round: {uses: counting.round}"


def outlook(project, *overrides: str) -> dict[str, tuple[str, str]]:
    """State and reason by stage."""
    plan = project.load(*overrides).plan
    return {o.stage: (o.state, o.reason) for o in preview(plan, open_store(FOLDER, plan.plugins))}


def test_what_has_never_run_will_run(project):
    project.write(CHAIN)

    never = ("runs", "it has not run before")
    assert {"make": never, "draw": never, "round": never} == outlook(project)


def test_without_a_store_everything_runs(project):
    project.write(CHAIN)
    project.run()

    states = [o.state for o in preview(project.load().plan, None)]

    assert ["runs", "runs", "runs"] == states


def test_after_a_run_everything_is_cached(project):
    project.write(CHAIN)
    project.run()

    assert {("cached", "")} == set(outlook(project).values())


def test_a_changed_field_is_told_with_both_values_and_what_is_below_waits_for_it(project):
    project.write(CHAIN)
    project.run()

    expected = {
        "make": ("runs", "size: 3 -> 4"),
        "draw": ("may run", "input make runs first"),
        "round": ("may run", "input draw runs first"),
    }
    assert expected == outlook(project, "make.size=4")


def test_a_stage_below_tells_its_own_change_too(project):
    project.write(CHAIN)
    project.run()

    actual = outlook(project, "make.size=4", "draw.bonus=1.0")

    assert ("runs", "bonus: 0.0 -> 1.0; input make runs first") == actual["draw"]


def test_another_seed_has_not_run_before(project):
    project.write(CHAIN)
    project.run()

    actual = outlook(project, "seed=1")

    assert ("cached", "") == actual["make"]
    assert ("runs", "it has not run before") == actual["draw"]


def test_an_edited_stage_is_told_by_its_module(project):
    plugin = project.folder / "mine.py"
    code = (
        "from pipeline import Stage, hookimpl\n"
        "def helper() -> int:\n    return 1\n"
        "class One(Stage):\n    '''One.'''\n    def run(self) -> int:\n        return helper()\n"
        "@hookimpl\ndef pipeline_stages():\n    return [One]\n"
    )
    plugin.write_text(code)
    project.file.write_text("plugins: [mine.py]\nstages:\n  one: {uses: mine.one}\n")
    project.run()

    plugin.write_text(code.replace("    return 1", "    # a comment\n    return 1"))
    commented = outlook(project)
    plugin.write_text(code.replace("    return 1", "    return 2"))
    edited = outlook(project)

    assert ("cached", "") == commented["one"]
    assert edited["one"][0] == "runs"
    assert "code of" in edited["one"][1]
    assert "mine" in edited["one"][1]


def test_changed_data_is_told_by_the_field(project):
    (project.folder / "data.txt").write_text("a")
    project.write("  read: {uses: counting.read, with: {path: data.txt}}")
    project.run()

    (project.folder / "data.txt").write_text("b")

    assert ("runs", "data of path changed") == outlook(project)["read"]


def test_missing_data_is_a_reason_and_no_crash(project):
    project.write("  read: {uses: counting.read, with: {path: nowhere.txt}}")

    assert ("runs", "nowhere.txt does not exist") == outlook(project)["read"]


def test_a_result_that_is_gone_is_said_to_be(project):
    project.write(CHAIN)
    project.run()
    for entry in Path(FOLDER, "entries").rglob("*.json"):
        entry.unlink()

    assert ("runs", "its cached result is gone") == outlook(project)["make"]


def test_what_several_runs_share_is_told_once_and_seeds_are_counted(project):
    project.write(
        "  make: {uses: counting.make}\n"
        "  draw:\n    uses: counting.draw\n    variants: {low: {}, high: {with: {bonus: 9.0}}}\n"
        "  round: {uses: counting.round}\n",
        "seeds: [0, 1, 2]",
    )

    rows = [
        (o.stage, dict(o.variants), o.executions, o.seeds) for o in preview(project.load().plan, open_store(None, None))
    ]

    expected = [
        ("make", {}, 1, (0, 1, 2)),
        ("draw", {"draw": "low"}, 3, (0, 1, 2)),
        ("draw", {"draw": "high"}, 3, (0, 1, 2)),
        ("round", {"draw": "low"}, 3, (0, 1, 2)),
        ("round", {"draw": "high"}, 3, (0, 1, 2)),
    ]
    assert expected == rows


def test_seeds_that_fare_differently_are_told_apart(project):
    project.write(CHAIN, "seeds: [0, 1]")
    project.run()

    plan = project.load("seeds=[0,1,2]").plan
    rows = [(o.stage, o.state, o.seeds) for o in preview(plan, open_store(FOLDER, plan.plugins)) if o.stage == "draw"]

    assert [("draw", "cached", (0, 1)), ("draw", "runs", (2,))] == rows


@pytest.mark.parametrize("overrides", [(), ("make.size=4",), ("draw.bonus=2.0",), ("seed=3",)])
def test_what_is_foretold_comes_true(project, overrides):
    project.write(CHAIN)
    project.run()
    project.worked()

    told = outlook(project, *overrides)
    project.run(*overrides)
    worked = project.worked()

    assert {stage for stage, (state, _) in told.items() if state == "runs"} <= set(worked)
    assert not {stage for stage, (state, _) in told.items() if state == "cached"} & set(worked)


def test_every_value_says_where_it_came_from(project, monkeypatch):
    monkeypatch.setenv("START", "7")
    project.write("  make: {uses: counting.make, with: {start: ${START}}}\n  draw: {uses: counting.draw}")

    values = {r.key: (r.value, r.origin) for r in provenance(project.load("draw.bonus=1.5").plan)}

    assert (0, "default") == values["seed"]
    assert ("counting.make", f"{project.file}:4:16") == values["make"]
    assert ("${START}", f"{project.file}:4:45") == values["make.start"]
    assert (3, "default") == values["make.size"]
    assert (1.5, "command line: draw.bonus=1.5") == values["draw.bonus"]
    assert ("make", "wired by name") == values["draw.inputs.make"]


def test_edges_carry_the_type_that_passes(project):
    project.write(CHAIN)

    assert [("make", "draw", "Box"), ("draw", "round", "float")] == edges(project.load().plan)
