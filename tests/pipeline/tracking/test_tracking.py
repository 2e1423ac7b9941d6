"""A session without faults: what the hooks reported stands in MLflow as DESIGN.md says."""

import getpass
import json
import math
import subprocess
import sys
import time

import pytest

from pipeline.records import File, Metrics, RunOutcome, StageOutcome
from pipeline.tracking import Tracking
from pipeline.tracking.location import Location
from pipeline.tracking.server import open_client

AT = 1_700_000_000.25
LONG = "layer " * 2000


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, empty_database):
    """One session: a parent, a child that finished, one that failed, one that was interrupted."""
    import shutil

    from pipeline.records import Run

    folder = tmp_path_factory.mktemp("recorded")
    shutil.copy(empty_database, folder)
    session = Tracking(folder)
    parent = Run("parent", "digits", "comparison", documents={"plan.json": "{}"}, description="Two variants")
    params = {"model.latent_dim": 16, "model.ndcg@10": None, "model.layers": LONG, "model.bias": True, "model.name": ""}
    params |= {f"model.p{number}": number for number in range(250)}
    child = Run(
        "child", "digits", "seed 0", "parent", params=params, tags={"pipeline.seed": "0"},
        documents={"pipeline.yaml": "stages: {}"}, description="One seed",
    )  # fmt: skip
    failing, stopped = Run("failing", "digits", "seed 1", "parent"), Run("stopped", "digits", "seed 2", "parent")
    session.pipeline_run_started(parent)
    for run in (child, failing, stopped):
        session.pipeline_run_started(run)
    for step in range(3):
        session.pipeline_record(child, "model", Metrics({"elbo": float(step), "hit@10": 0.5}, step, AT + step))
    unusual = {"nan": math.nan, "up": math.inf, "down": -math.inf}
    session.pipeline_record(child, "quality", Metrics(unusual, None, AT))
    session.pipeline_record(child, "quality", Metrics({f"m{n}": float(n) for n in range(2500)}, None, AT))
    session.pipeline_record(child, "model", File("samples/epoch 1.png", b"picture"))
    session.pipeline_record(child, "model", File("history.csv", b"a,b\n"))
    session.pipeline_record(child, "model", File("history.csv", b"a,b\n1,2\n"))
    stages = (StageOutcome("model", "vae.fit", True, 1.5, "digest", "key"),)
    session.pipeline_stage_finished(child, stages[0])
    outcome = RunOutcome("finished", {"model/elbo": 2.0, "model/best": 2.0}, stages, tags={"pipeline.best": "yes"})
    session.pipeline_run_finished(child, outcome)
    failure = RunOutcome(
        "failed", error="loss is not finite", failed_stage="model", documents={"traceback.txt": "Traceback"}
    )
    session.pipeline_run_finished(failing, failure)
    session.pipeline_run_finished(stopped, RunOutcome("interrupted"))
    summary = RunOutcome("failed", files=(File("comparison.png", b"plot"),), description="One of two was better")
    session.pipeline_run_finished(parent, summary)
    report = session.finish()
    return folder, report, open_client(Location.of(folder))


@pytest.fixture
def runs(recorded):
    _, report, client = recorded
    return {run: client.get_run(run_id) for run, run_id in report.run_ids.items()}


def test_everything_is_sent_without_a_warning_and_the_spool_is_gone(recorded):
    folder, report, client = recorded

    assert (True, ()) == (report.complete, report.warnings)
    assert {"parent", "child", "failing", "stopped"} == set(report.run_ids)
    assert {"digits": client.get_experiment_by_name("digits").experiment_id} == report.experiment_ids
    assert [] == list((folder / ".pipeline" / "tracking").iterdir())


def test_runs_end_as_their_outcomes_say(runs):
    assert {"parent": "FAILED", "child": "FINISHED", "failing": "FAILED", "stopped": "KILLED"} == {
        name: run.info.status for name, run in runs.items()
    }
    assert all(run.info.end_time >= run.info.start_time for run in runs.values())


def test_children_stand_below_their_parent(runs):
    assert {runs["parent"].info.run_id} == {
        runs[child].data.tags["mlflow.parentRunId"] for child in ("child", "failing", "stopped")
    }
    assert "mlflow.parentRunId" not in runs["parent"].data.tags


def test_tags_tell_who_and_what_and_how_it_ended(runs):
    tags = runs["child"].data.tags

    assert getpass.getuser() == tags["mlflow.user"]
    assert ("0", "yes", "One seed") == (tags["pipeline.seed"], tags["pipeline.best"], tags["mlflow.note.content"])
    assert "One of two was better" == runs["parent"].data.tags["mlflow.note.content"]
    failed = runs["failing"].data.tags
    assert ("loss is not finite", "model") == (failed["pipeline.error"], failed["pipeline.failed_stage"])


def test_many_long_and_oddly_named_parameters_survive(recorded, runs, tmp_path):
    _, report, client = recorded
    params = runs["child"].data.params

    assert 255 == len(params)
    assert ("16", "true", "", "249") == tuple(
        params[f"model.{name}"] for name in ("latent_dim", "bias", "name", "p249")
    )
    assert "null" == params["model.ndcg_at_10"]
    assert "model.ndcg@10" == json.loads(runs["child"].data.tags["pipeline.names"])["model.ndcg_at_10"]
    assert 6000 == len(params["model.layers"])
    whole = client.download_artifacts(report.run_ids["child"], "pipeline/long_params.json", str(tmp_path))
    with open(whole) as file:
        assert {"model.layers": LONG} == json.load(file)


def test_metrics_keep_step_time_and_value(recorded):
    _, report, client = recorded
    history = client.get_metric_history(report.run_ids["child"], "model/elbo")

    assert [(step, float(step), int((AT + step) * 1000)) for step in range(3)] == [
        (point.step, point.value, point.timestamp) for point in history
    ]


def test_unusual_numbers_and_names_survive(runs):
    metrics = runs["child"].data.metrics

    assert math.isnan(metrics["quality/nan"])
    assert sys.float_info.max == metrics["quality/up"] == -metrics["quality/down"]
    assert 0.5 == metrics["model/hit_at_10"]
    assert 2499.0 == metrics["quality/m2499"]


def test_a_metric_told_only_at_the_end_is_logged_too(recorded, runs):
    _, report, client = recorded

    assert 2.0 == runs["child"].data.metrics["model/best"]
    assert 3 == len(client.get_metric_history(report.run_ids["child"], "model/elbo"))


def test_files_stand_under_the_name_of_their_stage(recorded, tmp_path):
    _, report, client = recorded
    run_id = report.run_ids["child"]

    assert ["model/history.csv", "model/samples"] == [file.path for file in client.list_artifacts(run_id, "model")]
    newest = client.download_artifacts(run_id, "model/history.csv", str(tmp_path))
    with open(newest) as file:
        assert "a,b\n1,2\n" == file.read()
    assert "comparison.png" in [file.path for file in client.list_artifacts(report.run_ids["parent"])]


def test_documents_stand_in_one_folder(recorded):
    _, report, client = recorded

    def documents(run):
        return {file.path.removeprefix("pipeline/") for file in client.list_artifacts(report.run_ids[run], "pipeline")}

    assert {"long_params.json", "pipeline.yaml", "stages.json"} == documents("child")
    assert {"plan.json", "requirements.txt", "environment.json"} <= documents("parent")
    assert {"traceback.txt"} == documents("failing")


def test_artifacts_of_the_default_database_stand_beside_it(recorded, runs):
    folder, _, _ = recorded

    assert runs["child"].info.artifact_uri.startswith(str(folder / "mlartifacts" / "digits"))


def test_importing_and_using_tracking_imports_no_mlflow(folder):
    code = (
        "import sys; from pathlib import Path; from pipeline.tracking import Tracking; from pipeline.records import *\n"
        "t = Tracking(Path.cwd()); t.pipeline_run_started(Run('r', 'e', 'n')); t.finish()\n"
        "print([m for m in ('mlflow', 'numpy', 'pandas', 'torch', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True)

    assert "[]" == done.stdout.strip()


def test_a_module_called_pipeline_in_the_working_folder_disturbs_nothing(folder, new_run, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (folder / "pipeline.py").write_text("raise RuntimeError('not this one')")
    (folder / "json.py").write_text("raise RuntimeError('nor this one')")

    session = Tracking(folder)
    session.pipeline_run_started(new_run())

    assert session.finish().complete


def test_a_hook_call_costs_microseconds(tracking, new_run):
    run = new_run()
    tracking.pipeline_run_started(run)
    records = [Metrics({f"m{n}": 1.0 for n in range(10)}, step, AT) for step in range(1000)]

    start = time.perf_counter()
    for record in records:
        tracking.pipeline_record(run, "model", record)
    spent = time.perf_counter() - start

    assert spent / len(records) < 100e-6


def test_metrics_can_be_watched_while_the_run_goes_on(tracking, client, new_run, wait_until):
    run = new_run()
    tracking.pipeline_run_started(run)
    tracking.pipeline_record(run, "model", Metrics({"elbo": 1.0}, 0, time.time()))

    run_id = wait_until(lambda: tracking.mlflow_run_id(run.id))
    metrics = wait_until(lambda: client.get_run(run_id).data.metrics)

    assert {"model/elbo": 1.0} == metrics
    assert "RUNNING" == client.get_run(run_id).info.status


def test_a_run_left_open_is_closed_as_killed_with_its_stages(tracking, client, new_run):
    run = new_run()
    tracking.pipeline_run_started(run)
    tracking.pipeline_stage_finished(run, StageOutcome("model", "vae.fit", False, 1.0))

    run_id = tracking.finish().run_ids[run.id]

    assert "KILLED" == client.get_run(run_id).info.status
    assert "pipeline/stages.json" in [file.path for file in client.list_artifacts(run_id, "pipeline")]


def test_a_deleted_experiment_is_restored(tracking, client, new_run):
    experiment_id = client.create_experiment("digits")
    client.delete_experiment(experiment_id)
    run = new_run()
    tracking.pipeline_run_started(run)
    tracking.pipeline_run_finished(run, RunOutcome("finished"))

    report = tracking.finish()

    assert {"digits": experiment_id} == report.experiment_ids
    assert "active" == client.get_experiment(experiment_id).lifecycle_stage


def test_what_mlflow_refuses_is_told_and_the_rest_goes_on(tracking, client, new_run, wait_until):
    deleted, other = new_run("deleted"), new_run("other")
    tracking.pipeline_run_started(deleted)
    tracking.pipeline_run_started(other)
    client.delete_run(wait_until(lambda: tracking.mlflow_run_id(deleted.id)))
    for run in (deleted, other):
        tracking.pipeline_record(run, "model", Metrics({"elbo": 1.0}, 0, AT))
        tracking.pipeline_run_finished(run, RunOutcome("finished"))

    report = tracking.finish()

    assert "FINISHED" == client.get_run(report.run_ids[other.id]).info.status
    assert any(text.startswith("MLflow refused records of run 'deleted'") for text in report.warnings)
    assert report.complete


def test_a_session_without_runs_leaves_nothing(folder):
    report = Tracking(folder).finish()

    assert (True, (), {}) == (report.complete, report.warnings, report.run_ids)
    assert [] == list((folder / ".pipeline" / "tracking").iterdir())


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path, new_run):
    (tmp_path / ".pipeline").write_text("a file where the folder should be")
    heard = []
    session = Tracking(tmp_path, warn=heard.append)
    session.pipeline_run_started(new_run())

    report = session.finish()

    assert heard == list(report.warnings)
    assert report.warnings[0].startswith("runs are not recorded: ")


def test_closing_six_runs_is_quick(folder, new_run, wait_until):
    session = Tracking(folder)
    first = new_run("parent")
    session.pipeline_run_started(first)
    wait_until(lambda: session.mlflow_run_id(first.id))
    for number in range(6):
        run = new_run(f"seed {number}", parent=first, params={f"model.p{n}": n for n in range(20)})
        session.pipeline_run_started(run)
        for step in range(10):
            session.pipeline_record(run, "model", Metrics({f"m{n}": float(n) for n in range(10)}, step, time.time()))
        for n in range(4):
            session.pipeline_record(run, "model", File(f"figure{n}.png", b"x" * 20_000))
        session.pipeline_run_finished(run, RunOutcome("finished"))
    session.pipeline_run_finished(first, RunOutcome("finished"))

    start = time.perf_counter()
    report = session.finish()

    assert report.complete
    assert time.perf_counter() - start < 5  # half a second on an idle machine


def test_the_password_in_an_address_is_not_shown(tmp_path):
    location = Location.of(tmp_path, "postgresql://me:secret@host/mlflow")

    assert "postgresql://me:***@host/mlflow" == location.shown
    assert str(tmp_path / "mlartifacts") == location.artifacts


def test_the_environment_names_the_server(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:5000")

    assert Location("http://localhost:5000", None) == Location.of(tmp_path)
