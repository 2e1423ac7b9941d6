"""Whatever dies, and whenever: no run stays open, nothing is lost, nothing is sent twice."""

import contextlib
import json
import os
import signal
import socket
import time

import psutil
import pytest

from pipeline.records import File, Metrics, RunOutcome, StageOutcome
from pipeline.tracking import Tracking
from pipeline.tracking import spool as spool_module
from pipeline.tracking.delivery import Delivery
from pipeline.tracking.location import Location
from pipeline.tracking.server import Away, Server, open_client
from pipeline.tracking.spool import Spool


def senders(folder) -> list[psutil.Process]:
    """The sender processes of the spools in ``folder``."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in " ".join(process.cmdline()[-1:]) and "sender" in " ".join(process.cmdline()):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def all_runs(client) -> dict[str, str]:
    """Status by name of every recorded run."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return {run.info.run_name: run.info.status for run in client.search_runs(experiments)}


def test_runs_of_a_killed_driver_end_as_killed_and_its_sender_goes(folder, client, drive, wait_until, spools):
    driver = drive("""
        parent = start("parent")
        run = start("seed 0", parent.id)
        start("seed 1", parent.id)
        tracking.pipeline_stage_finished(run, StageOutcome("images", "data.images", False, 1.0))
        tracking.pipeline_record(run, "model", Metrics({"elbo": -1.0}, 3, time.time()))
        while tracking.mlflow_run_id(run.id) is None: time.sleep(0.05)
        tracking.pipeline_record(run, "model", Metrics({"last": 7.0}, 4, time.time()))
        time.sleep(0.25)
        print("ready", flush=True)
        time.sleep(60)
    """)
    driver.stdout.readline()
    driver.kill()
    driver.communicate()

    wait_until(lambda: not spools())

    assert {"parent": "KILLED", "seed 0": "KILLED", "seed 1": "KILLED"} == all_runs(client)
    [run] = client.search_runs(["1"], "attributes.run_name = 'seed 0'")
    assert {"model/elbo": -1.0, "model/last": 7.0} == run.data.metrics
    assert "pipeline.error" in run.data.tags
    wait_until(lambda: not senders(folder))


def test_a_forked_child_that_outlives_the_killed_driver_keeps_no_run_open(client, drive, wait_until, spools):
    driver = drive("""
        run = start("run")
        while tracking.mlflow_run_id(run.id) is None: time.sleep(0.05)
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
        print(child, flush=True)
        time.sleep(60)
    """)
    child = int(driver.stdout.readline())
    driver.kill()
    try:
        wait_until(lambda: all_runs(client) == {"run": "KILLED"}, 15)
    finally:
        os.kill(child, signal.SIGKILL)
        driver.communicate()


def test_ctrl_c_does_not_reach_the_sender(folder, client, new_run, wait_until):
    session = Tracking(folder)
    run = new_run()
    session.pipeline_run_started(run)
    wait_until(lambda: session.mlflow_run_id(run.id))

    [sender] = senders(folder)

    assert os.getpgid(0) != os.getpgid(sender.pid)
    session.pipeline_run_finished(run, RunOutcome("interrupted"))
    assert "KILLED" == client.get_run(session.finish().run_ids[run.id]).info.status


def test_a_killed_sender_is_replaced_and_nothing_is_sent_twice(folder, client, new_run, wait_until):
    session = Tracking(folder)
    first = new_run("first", params={"model.size": 3})
    session.pipeline_run_started(first)
    wait_until(lambda: session.mlflow_run_id(first.id))
    for kill in range(3):
        for step in range(50):
            session.pipeline_record(first, "model", Metrics({"elbo": float(step)}, 100 * kill + step, time.time()))
        session.pipeline_record(first, "model", File(f"figure{kill}.png", b"picture"))
        time.sleep(0.35)
        wait_until(lambda: senders(folder))[0].kill()
        wait_until(lambda: senders(folder))
    second = new_run("second", parent=first)
    session.pipeline_run_started(second)
    session.pipeline_run_finished(second, RunOutcome("finished"))
    session.pipeline_run_finished(first, RunOutcome("finished"))

    report = session.finish()

    assert (True, ()) == (report.complete, report.warnings)
    assert {"first": "FINISHED", "second": "FINISHED"} == all_runs(client)
    history = client.get_metric_history(report.run_ids[first.id], "model/elbo")
    assert sorted(100 * kill + step for kill in range(3) for step in range(50)) == sorted(p.step for p in history)
    files = [file.path for file in client.list_artifacts(report.run_ids[first.id], "model")]
    assert [f"model/figure{kill}.png" for kill in range(3)] == files
    assert 2 == len(client.search_runs([client.get_experiment_by_name("digits").experiment_id]))


def test_a_sender_that_cannot_start_is_told_and_the_records_are_kept(folder, new_run, spools, monkeypatch):
    (folder / "broken").mkdir()
    (folder / "broken" / "mlflow.py").write_text("raise ImportError('mlflow is not well')")
    monkeypatch.setenv("PYTHONPATH", str(folder / "broken"))
    session = Tracking(folder)
    session.pipeline_run_started(new_run())

    report = session.finish()

    assert not report.complete
    [warning] = report.warnings
    assert warning.startswith(
        "records cannot be sent to MLflow: ImportError: mlflow is not well. They wait in .pipeline"
    )
    assert 1 == len(spools())


def test_a_server_that_never_answers_holds_nobody_up(folder, new_run, wait_until, spools):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        session = Tracking(folder, f"http://127.0.0.1:{silent.getsockname()[1]}")
        session.pipeline_run_started(new_run())

        start = time.perf_counter()
        report = session.finish(timeout=1.2)

        assert time.perf_counter() - start < 1.5
        assert not report.complete
        assert "in the background" in report.warnings[0]
    wait_until(lambda: not senders(folder))
    assert 1 == len(spools())


def abandon(folder, runs, *, uri=None) -> Spool:
    """What a session leaves whose driver and sender died before anything was sent."""
    from pipeline.tracking.scribe import Scribe

    location = Location.of(folder, uri)
    session = {
        "uri": location.uri,
        "artifacts": location.artifacts,
        "folder": str(folder),
        "user": "ann",
        "source": "pipeline",
    }
    spool, lock = spool_module.create(folder, session)
    scribe = Scribe(spool)
    for run in runs:
        scribe.started(run, 1_700_000_000.0)
        scribe.record(run, "model", Metrics({"elbo": 1.0}, 0, 1_700_000_001.0))
        scribe.record(run, "model", File("figure.png", b"picture"))
        scribe.stage_finished(run, StageOutcome("model", "vae.fit", False, 1.0))
    scribe.flush()
    scribe.close()
    lock.release()
    return spool


def test_a_later_session_sends_what_a_dead_one_left_and_closes_its_runs(folder, client, new_run, wait_until, spools):
    abandoned = abandon(folder, [new_run("lost")])
    with abandoned.records.open("ab") as file:
        file.write(b'{"kind": "metrics", "run": "half a rec')
    session = Tracking(folder)
    run = new_run("next")
    session.pipeline_run_started(run)
    session.pipeline_run_finished(run, RunOutcome("finished"))
    assert session.finish().complete

    wait_until(lambda: not spools())

    assert {"next": "FINISHED", "lost": "KILLED"} == all_runs(client)
    [lost] = client.search_runs(["1"], "attributes.run_name = 'lost'")
    assert {"model/elbo": 1.0} == lost.data.metrics
    assert ["model/figure.png"] == [file.path for file in client.list_artifacts(lost.info.run_id, "model")]


def test_a_run_that_a_dead_sender_had_made_is_not_made_again(folder, client, new_run, wait_until, spools):
    run = new_run("lost")
    abandoned = abandon(folder, [run])
    experiment = client.create_experiment("digits")
    made = client.create_run(experiment, tags={"pipeline.run": run.id}, run_name="lost").info.run_id
    # As if it was killed between the request and its note of the answer.
    abandoned.sent.write_text(json.dumps({"beginning": run.id}) + '\n{"run": "' + run.id)

    Tracking(folder).finish()
    wait_until(lambda: not spools())

    assert [(made, "KILLED")] == [(run.info.run_id, run.info.status) for run in client.search_runs([experiment])]


def test_a_chunk_that_is_sent_again_changes_nothing(folder, client, new_run):
    run = new_run("run", params={"model.size": 3})
    spool = abandon(folder, [run])
    server = Server(Location.of(folder))
    assert Delivery(spool, server, lambda message: None).step(ended=False)
    notes = [line for line in spool.sent.read_text().splitlines() if "offset" not in line]
    spool.sent.write_text("\n".join(notes))

    again = Delivery(spool, server, lambda message: None)
    assert again.step(ended=True)
    again.step(ended=True)

    [sent] = client.search_runs([client.get_experiment_by_name("digits").experiment_id])
    assert 1 == len(client.get_metric_history(sent.info.run_id, "model/elbo"))
    assert ({"model.size": "3"}, "KILLED") == (sent.data.params, sent.info.status)
    assert ["model/figure.png"] == [file.path for file in client.list_artifacts(sent.info.run_id, "model")]


class FullStore(Server):
    """Its artifact store fails although the server answers."""

    def log_artifacts(self, run_id, folder):
        raise Away("the bucket does not exist", answered=True)


def test_files_that_can_never_be_stored_are_set_aside_and_hold_nothing_up(folder, client, new_run):
    told = []
    delivery = Delivery(abandon(folder, [new_run("run")]), FullStore(Location.of(folder)), told.append)
    tries = 0
    while not delivery.finished:
        tries += 1
        with contextlib.suppress(Away):
            delivery.step(ended=True)

    assert tries < 30
    assert {"run": "KILLED"} == all_runs(client)
    kept = folder / ".pipeline" / "tracking" / "refused"
    assert [b"picture"] == [file.read_bytes() for file in kept.rglob("figure.png")]
    warnings = [message["warning"] for message in told if "warning" in message]
    assert "MLflow failed 8 times on files of run 'run': the bucket does not exist" == warnings[0]
    assert str(kept) in warnings[1]


def test_the_spool_of_a_living_session_is_left_alone(folder, client, new_run, wait_until):
    living = Tracking(folder)
    run = new_run("living")
    living.pipeline_run_started(run)
    wait_until(lambda: living.mlflow_run_id(run.id))

    Tracking(folder).finish()
    time.sleep(0.5)

    assert {"living": "RUNNING"} == all_runs(client)
    living.pipeline_run_finished(run, RunOutcome("finished"))
    assert living.finish().complete
    assert {"living": "FINISHED"} == all_runs(client)


def test_a_spool_that_cannot_be_read_disturbs_no_other(folder, new_run):
    broken = abandon(folder, [new_run("lost")])
    (broken.folder / "session.json").write_text("{")
    session = Tracking(folder)
    run = new_run()
    session.pipeline_run_started(run)
    session.pipeline_run_finished(run, RunOutcome("finished"))

    assert session.finish().complete
    assert broken.records.exists()


@pytest.mark.slow
def test_two_sessions_at_once_make_one_database_and_lose_nothing(tmp_path, new_run):
    sessions = [Tracking(tmp_path), Tracking(tmp_path)]
    runs = [[new_run(f"{name} {n}") for n in range(3)] for name in ("first", "second")]
    for session, own in zip(sessions, runs, strict=True):
        for run in own:
            session.pipeline_run_started(run)
    for step in range(200):
        for session, own in zip(sessions, runs, strict=True):
            for run in own:
                session.pipeline_record(run, "model", Metrics({"elbo": float(step)}, step, time.time()))
    for session, own in zip(sessions, runs, strict=True):
        for run in own:
            session.pipeline_run_finished(run, RunOutcome("finished"))

    reports = [session.finish() for session in sessions]

    assert [(True, ()), (True, ())] == [(report.complete, report.warnings) for report in reports]
    client = open_client(Location.of(tmp_path))
    for report in reports:
        for run_id in report.run_ids.values():
            assert 200 == len(client.get_metric_history(run_id, "model/elbo"))
    assert ["digits"] == [e.name for e in client.search_experiments() if e.name != "Default"]
    assert {".pipeline", "mlartifacts", "mlflow.db"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.slow
def test_a_database_whose_making_was_interrupted_is_made_again(tmp_path, new_run):
    (tmp_path / ".mlflow.db.new").write_bytes(b"half a database")
    session = Tracking(tmp_path)
    run = new_run()
    session.pipeline_run_started(run)
    session.pipeline_run_finished(run, RunOutcome("finished"))

    assert session.finish().complete
