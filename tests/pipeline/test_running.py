"""Runs from a pipeline file to a result, without MLflow: the cache, failures, seeds, processes."""

import math
import os
import signal
import subprocess
import sys
import time

import pytest

from pipeline import PipelineError
from pipeline.compare import compare
from pipeline.records import File, Run, RunOutcome
from pipeline.result import Result, RunResult
from pipeline.terminal import sentences

CHAIN = "  make: {uses: counting.make}\n  draw: {uses: counting.draw}\n  round: {uses: counting.round}"


def test_an_unchanged_pipeline_is_served_from_the_cache_with_the_same_metrics(project):
    project.write(CHAIN)

    first, second = project.run(), project.run()

    assert project.worked() == ["make", "draw", "round"]
    assert [stage.cached for stage in second.runs[0].outcome.stages] == [True, True, True]
    assert second.metrics == first.metrics
    assert second.artifact("round") == int(first.metrics["draw/drawn"])


def test_an_input_that_comes_out_the_same_reruns_nothing_downstream(project):
    project.write(CHAIN + "\n  after: {uses: counting.round, inputs: {draw: round}}")
    project.run()
    project.worked()

    project.run("draw.bonus=1e-9")

    assert project.worked() == ["draw", "round"]


def test_a_changed_field_reruns_the_stage_and_what_depends_on_it(project):
    project.write(CHAIN)
    project.run()
    project.worked()

    project.run("make.size=4")

    assert project.worked() == ["make", "draw", "round"]


def test_fresh_computes_again_what_is_cached(project):
    project.write(CHAIN)
    project.run()
    project.worked()

    project.run(fresh=True)

    assert project.worked() == ["make", "draw", "round"]


def test_a_file_is_known_by_its_content(project):
    project.write("  read: {uses: counting.read, with: {path: data.txt}}")
    data = project.folder / "data.txt"
    data.write_text("one")
    project.run()
    data.write_text("two")
    changed = project.run()
    os.utime(data)
    touched = project.run()

    assert project.worked() == ["read", "read"]
    assert (changed.artifact("read"), touched.artifact("read")) == ("two", "two")


def test_data_that_is_missing_fails_its_run_and_names_the_stage(project):
    project.write("  read: {uses: counting.read, with: {path: nowhere.txt}}", "seeds: [0, 1]")

    result = project.run()

    outcomes = [(run.outcome.status, run.outcome.failed_stage, run.outcome.error) for run in result.runs]
    assert outcomes == [("failed", "read", "nowhere.txt does not exist")] * 2


def test_stages_shared_by_variants_and_seeds_are_computed_once(project):
    project.write(
        "  make: {uses: counting.make}\n"
        "  draw: {variants: {low: {uses: counting.draw}, high: {uses: counting.draw, with: {bonus: 5}}}}",
        "seeds: 3",
    )

    result = project.run()

    assert sorted(project.worked()) == ["draw"] * 6 + ["make"]
    assert [(run.run.variants["draw"], run.run.seed) for run in result.runs] == [
        (variant, seed) for variant in ("low", "high") for seed in range(3)
    ]
    assert result.comparison.best == {"draw/drawn": "high"}
    assert result.as_dict()["summary"][0]["n"] == 3


def test_two_processes_give_the_same_metrics_bit_for_bit_as_one(project):
    project.write(CHAIN, "seeds: 4")

    one = project.run(store=project.folder / "one")
    two = project.run(store=project.folder / "two", parallel=2)

    assert [run.metrics for run in two.runs] == [run.metrics for run in one.runs]
    assert project.worked().count("make") == 2


def test_a_stages_seed_comes_from_the_runs_seed_and_the_stages_name(project):
    project.write("  make: {uses: counting.make}\n  draw: {uses: counting.draw}\n  again: {uses: counting.draw}")

    first = project.run("seed=1", store=None).metrics
    same = project.run("seed=1", store=None).metrics
    other = project.run("seed=2", store=None).metrics

    assert same == first
    assert first["draw/drawn"] != first["again/drawn"]
    assert first["draw/drawn"] != other["draw/drawn"]


def test_a_failing_stage_fails_its_run_and_the_others_go_on(project):
    project.write(
        "  make: {uses: counting.make}\n"
        "  draw: {uses: counting.draw}\n"
        "  last: {variants: {bad: {uses: counting.fail}, good: {uses: counting.round}}}"
    )

    result = project.run()

    assert result.status == "failed"
    assert [run.outcome.status for run in result.runs] == ["failed", "finished"]
    assert result.runs[0].outcome.failed_stage == "last"
    assert result.runs[0].outcome.error == "ValueError: the moon is in the wrong phase"
    assert "counting.py" in result.runs[0].outcome.documents["traceback.txt"]


def test_running_again_resumes_from_the_failed_stage(project):
    project.write("  make: {uses: counting.make}\n  fail: {uses: counting.fail, with: {unless: moon}}")
    project.run()
    (project.folder / "moon").touch()

    result = project.run()

    assert result.status == "finished"
    assert project.worked() == ["make", "fail", "fail"]


def test_a_retried_stage_finds_its_checkpoint(project):
    project.write("  once: {uses: counting.once, retries: 1}")

    result = project.run()

    assert result.artifact("once") == 10
    assert project.worked() == ["once", "once"]


def test_a_stage_that_takes_too_long_is_ended(project):
    project.write("  make: {uses: counting.make}\n  fail: {uses: counting.fail, with: {seconds: 60}, timeout: 0.2s}")
    began = time.monotonic()

    result = project.run()

    assert "timeout of 0.2 s" in result.runs[0].outcome.error
    assert time.monotonic() - began < 10


def test_a_seed_that_is_used_in_secret_is_an_error(project):
    project.write("  unseeded: {uses: counting.unseeded}")

    result = project.run()

    assert "seeded: ClassVar = True" in result.runs[0].outcome.error


def test_verify_names_the_first_stage_that_gives_another_result(project):
    project.write(CHAIN + "\n  restless: {uses: counting.restless}")

    result = project.run(verify=True)

    assert result.runs[0].outcome.failed_stage == "restless"
    assert "gave different results" in result.runs[0].outcome.error


def test_several_stages_can_feed_one_input(project):
    project.write(
        "  make: {uses: counting.make}\n  a: {uses: counting.draw}\n  b: {uses: counting.draw}\n"
        "  sum: {uses: counting.gather, inputs: {numbers: [a, b]}}"
    )

    result = project.run()

    assert math.isclose(result.metrics["a/drawn"] + result.metrics["b/drawn"], result.artifact("sum"))


def test_until_stops_after_a_stage(project):
    project.write(CHAIN)

    result = project.run(until="draw")

    assert [stage.name for stage in result.runs[0].outcome.stages] == ["make", "draw"]
    with pytest.raises(PipelineError, match="draw"):
        project.run(until="drow")


def test_a_damaged_result_is_computed_again(project):
    project.write(CHAIN)
    project.run()
    project.worked()
    for entry in (project.folder / ".pipeline" / "entries").glob("*/*.json"):
        entry.write_text(entry.read_text().replace("items", "itens"))

    result = project.run("draw.bonus=1")

    assert result.status == "finished"
    assert sorted(project.worked()) == ["draw", "make", "round"]


def test_a_worker_that_is_killed_takes_only_its_own_run_with_it(project):
    project.write(
        "  make: {uses: counting.make}\n"
        "  last: {variants: {bad: {uses: counting.die}, good: {uses: counting.fail, with: {unless: /}}}}"
    )

    result = project.run(parallel=2)

    assert [run.outcome.status for run in result.runs] == ["failed", "finished"]
    assert "SIGKILL" in result.runs[0].outcome.error


@pytest.mark.parametrize("parallel", ["1", "2"])
def test_ctrl_c_ends_everything_within_two_seconds(project, parallel):
    project.write("  make: {uses: counting.make}\n  fail: {uses: counting.fail, with: {seconds: 60}}", "seeds: [0, 1]")
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "run", project.file, "--trust", "--parallel", parallel],
        stderr=subprocess.PIPE,
        text=True,
    )
    while not project.traces.exists() or "fail" not in project.traces.read_text():
        time.sleep(0.05)

    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    status = process.wait(10)

    assert status == 130
    assert time.monotonic() - began < 2.0
    assert "Traceback" not in process.stderr.read()


def test_secrets_are_shown_as_they_were_written(project, monkeypatch):
    monkeypatch.setenv("MOON_TOKEN", "hunter2-secret")
    project.write("  make: {uses: counting.make}\n  fail: {uses: counting.fail, with: {unless: '${MOON_TOKEN}'}}")

    result = project.run()

    assert result.runs[0].run.params["fail.unless"] == "${MOON_TOKEN}"
    assert "hunter2" not in str(result.as_dict()) + str(result.runs[0].run.documents)
    stored = b"".join(file.read_bytes() for file in (project.folder / ".pipeline").rglob("*") if file.is_file())
    assert b"hunter2" not in stored


def test_a_text_of_one_line_is_told_with_the_result(project):
    project.write(CHAIN, "seeds: 2")

    first, again = project.run(), project.run()

    drawn = [run.metrics["draw/drawn"] for run in first.runs]
    assert [run.outcome.sentences for run in first.runs] == [{"draw/note": f"drew {value}"} for value in drawn]
    assert again.as_dict()["runs"][0]["sentences"] == {"draw/note": f"drew {drawn[0]}"}
    assert sentences(first) == [f"seed {seed} draw/note: drew {value}" for seed, value in enumerate(drawn)]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.txt", "y = 2*x\n", "y = 2*x"),
        ("a.txt", "two\nlines", None),
        ("a.txt", "", None),
        ("a.txt", "x" * 501, None),
        ("a.txt", b"\x00\xff\x1b[31m", None),
        ("a.md", "y = 2*x", None),
    ],
)
def test_only_a_plain_text_of_one_line_is_a_sentence(name, text, told):
    assert told == File(name, text if isinstance(text, bytes) else text.encode()).sentence


def test_what_all_runs_say_alike_is_told_once():
    said = [{"a/formula": "y = x", "b/note": "fine"}, {"a/formula": "y = 2*x", "b/note": "fine"}]
    runs = [
        RunResult(Run(str(seed), "e", f"seed {seed}", seed=seed), RunOutcome("finished", sentences=given))
        for seed, given in enumerate([*said, said[0]])
    ]
    result = Result("finished", "e", None, tuple(runs), compare([], {}))

    assert sentences(result) == [
        "seed 0 and 1 more a/formula: y = x", "b/note: fine", "seed 1 a/formula: y = 2*x",
    ]  # fmt: skip


def test_results_are_objects_and_a_frame(project):
    project.write(CHAIN, "seeds: 2")

    result = project.run()

    assert list(result.to_frame()["seed"]) == [0, 1]
    assert result.runs[1].artifact("make").items == [1, 2, 3]
    with pytest.raises(KeyError, match="no artifact"):
        result.runs[0].artifact("nothing")
