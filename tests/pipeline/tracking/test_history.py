import math
import time

import pytest

from pipeline.errors import RequestError
from pipeline.records import File, Metrics, Run, RunOutcome
from pipeline.tracking import Tracking
from pipeline.tracking.history import History


@pytest.fixture(scope="module")
def history(tmp_path_factory, empty_database):
    import shutil

    folder = tmp_path_factory.mktemp("history")
    shutil.copy(empty_database, folder)
    session = Tracking(folder)
    parent = Run("parent", "digits", "comparison", documents={"plan.json": "{}"})
    session.pipeline_run_started(parent)
    for number in range(16):
        # MLflow counts milliseconds: runs that begin in the same one have no order.
        time.sleep(0.003)
        run = Run(f"r{number}", "digits", f"it's seed {number}", "parent", params={"model[vae].size": number})
        session.pipeline_run_started(run)
        for step in (2, 0, 1):
            session.pipeline_record(run, "quality", Metrics({"ndcg@10": step / 10}, step, time.time()))
        session.pipeline_record(run, "quality", Metrics({"worst": -math.inf}, None, time.time()))
        session.pipeline_record(run, "model", File("samples.txt", f"run {number}".encode()))
        session.pipeline_run_finished(run, RunOutcome("finished"))
    session.pipeline_run_finished(parent, RunOutcome("failed"))
    for other in (Run("other", "other", "comparison"), Run("alone", "digits", "alone")):
        time.sleep(0.003)
        session.pipeline_run_started(other)
        session.pipeline_run_finished(other, RunOutcome("finished"))
    assert session.finish().complete
    return History(folder)


def test_runs_come_newest_first_and_of_one_experiment_if_asked(history):
    assert 19 == len(history.runs())
    assert 2 == len(history.runs(limit=2))
    started = [run.started for run in history.runs()]
    assert sorted(started, reverse=True) == started
    assert {"digits"} == {run.experiment for run in history.runs("digits")}


def test_a_run_is_read_as_it_was_logged(history):
    run = history.run("it's seed 1")

    assert ("it's seed 1", "digits", "finished") == (run.name, run.experiment, run.status)
    assert {"model[vae].size": "1"} == run.params
    assert {"quality/ndcg@10": 0.2, "quality/worst": -math.inf} == run.metrics
    assert 0 <= run.seconds < 60
    assert abs(run.started - time.time()) < 600


def test_a_run_is_found_by_id_by_its_beginning_and_by_name(history):
    run = history.runs("digits")[0]

    assert run == history.run(run.id) == history.run(run.id[:12])
    assert "other" == history.run("comparison").experiment


def test_an_experiments_name_stands_for_its_last_comparison(history):
    assert ("comparison", "digits", None) == (
        history.run("digits").name,
        history.run("digits").experiment,
        history.run("digits").parent,
    )


def test_children_are_found_from_their_parent(history):
    parent = next(run for run in history.runs("digits") if run.name == "comparison")

    children = history.children(parent)

    assert [f"it's seed {number}" for number in range(16)] == [child.name for child in children]
    assert {parent.id} == {child.parent for child in children}


def test_a_curve_comes_by_step(history):
    curve = history.curve(history.run("it's seed 0"), "quality/ndcg@10")

    assert [(0, 0.0), (1, 0.1), (2, 0.2)] == [(point.step, point.value) for point in curve]


def test_a_document_is_the_runs_own_or_its_parents(history):
    child = history.run("it's seed 2")

    assert "{}" == history.document(child, "plan.json")
    assert "mlflow==" in history.document(child, "requirements.txt")
    assert history.document(child, "nothing.txt") is None


def test_artifacts_are_listed_and_downloaded(history, tmp_path):
    run = history.run("it's seed 2")

    assert ["model/samples.txt"] == history.artifacts(run, "model")
    assert "run 2" == history.download(run, "model/samples.txt", tmp_path / "new" / "folder").read_text()


def test_an_unknown_run_is_an_error_with_a_suggestion(history):
    with pytest.raises(
        RequestError, match=r"no recorded run has the id or name 'comparision'\n  Did you mean 'compari"
    ):
        history.run("comparision")


def test_an_unknown_experiment_is_an_error_with_a_suggestion(history):
    with pytest.raises(RequestError, match=r"no experiment is called 'digit'\n  Did you mean 'digits'\?"):
        history.runs("digit")


def test_the_beginning_of_several_ids_is_an_error_that_names_them(history):
    beginnings = [run.id[0] for run in history.runs()]  # 19 of them among 16 digits
    common = max(beginnings, key=beginnings.count)

    with pytest.raises(RequestError, match=f"runs have an id that begins with '{common}'"):
        history.run(common)


def test_a_folder_without_records_has_no_runs_and_stays_as_it_is(tmp_path):
    empty = History(tmp_path)

    assert [] == empty.runs()
    with pytest.raises(RequestError, match=r"no run has been recorded in sqlite:///.*mlflow.db yet"):
        empty.run("any")
    assert [] == list(tmp_path.iterdir())


def test_a_database_server_that_is_away_is_told_at_once_and_without_its_password(tmp_path):
    pytest.importorskip("psycopg")

    with pytest.raises(RequestError, match=r"postgresql\+psycopg://ann:\*\*\*@127.0.0.1:9/runs cannot be read"):
        History(tmp_path, "postgresql+psycopg://ann:s3cret@127.0.0.1:9/runs").runs()
