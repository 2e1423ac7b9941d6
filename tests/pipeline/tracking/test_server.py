"""A real tracking server over http: there, away at the start, dying in the middle and coming back."""

import time

import pytest

from pipeline.errors import RequestError
from pipeline.records import File, Metrics, RunOutcome
from pipeline.tracking import Tracking
from pipeline.tracking.history import History
from pipeline.tracking.location import Location
from pipeline.tracking.server import Metric, batches, open_client

pytestmark = pytest.mark.slow


@pytest.fixture
def running(server):
    """The server, answering, before and after the test."""
    if not server.answers():
        server.start()
    yield server
    if not server.answers():
        server.start()


def test_everything_arrives_over_http(running, folder, new_run, tmp_path):
    session = Tracking(folder, running.uri)
    params = {"model.long": "é" * 7000, "model.empty": "", "model.β": 1, "model.a@b": 2}
    params |= {f"model.text{n}": "é" * 6000 for n in range(120)}
    run = new_run("over http", params=params, tags={"note": "é" * 9000}, experiment="over http/100%")
    session.pipeline_run_started(run)
    many = {f"{'é' * 200} {n}": float(n) for n in range(1500)} | {"nan": float("nan"), "up": float("inf")}
    session.pipeline_record(run, "model", Metrics(many, 1, time.time()))
    for name in ("a b.png", "ü/100%#1?.png", "&=+;,$.txt"):
        session.pipeline_record(run, "model", File(name, b"picture"))
    session.pipeline_run_finished(run, RunOutcome("finished"))

    report = session.finish()

    assert (True, ()) == (report.complete, report.warnings)
    history = History(folder, running.uri)
    recorded = history.run("over http")
    assert ("finished", 124, 1502) == (recorded.status, len(recorded.params), len(recorded.metrics))
    assert ("", "1", "2") == tuple(recorded.params[f"model.{name}"] for name in ("empty", "β", "a@b"))
    assert float("inf") == recorded.metrics["model/up"]
    assert 3 == len(history.artifacts(recorded, "model"))
    for path in history.artifacts(recorded, "model"):
        assert b"picture" == history.download(recorded, path, tmp_path / "got").read_bytes()
    assert "mlflow==" in history.document(recorded, "requirements.txt")


def test_records_wait_for_a_server_that_is_away_and_the_next_session_sends_them(
    running, folder, new_run, wait_until, spools
):
    running.kill()
    heard = []
    session = Tracking(folder, running.uri, warn=heard.append)
    run = new_run("waited")
    session.pipeline_run_started(run)
    session.pipeline_record(run, "model", Metrics({"elbo": 1.0}, 0, time.time()))
    session.pipeline_record(run, "model", File("figure.png", b"picture"))
    session.pipeline_run_finished(run, RunOutcome("finished"))
    wait_until(lambda: heard)

    start = time.perf_counter()
    report = session.finish()

    assert time.perf_counter() - start < 12
    assert not report.complete
    assert [f"MLflow at {running.uri} does not answer (no connection); records wait on disk until it does"] == heard[:1]
    [spool] = spools()
    away = f"MLflow at {running.uri} does not answer (no connection)"
    assert (f"{away}: 4 records wait in {spool} and are sent by the next run",) == report.warnings

    running.start()
    assert Tracking(folder, running.uri).finish().complete
    wait_until(lambda: not spools())

    history = History(folder, running.uri)
    waited = history.run("waited")
    assert ("finished", {"model/elbo": 1.0}) == (waited.status, waited.metrics)
    assert ["model/figure.png"] == history.artifacts(waited, "model")


def test_nothing_is_lost_when_the_server_dies_in_the_middle_and_comes_back(running, folder, new_run, wait_until):
    heard = []
    session = Tracking(folder, running.uri, warn=heard.append)
    run = new_run("survived")
    session.pipeline_run_started(run)
    wait_until(lambda: session.mlflow_run_id(run.id))
    slowest = 0.0
    for step in range(300):
        if step == 100:
            running.kill()
        start = time.perf_counter()
        session.pipeline_record(run, "model", Metrics({"elbo": float(step)}, step, time.time()))
        slowest = max(slowest, time.perf_counter() - start)
        time.sleep(0.01)
    wait_until(lambda: heard)
    running.start()
    session.pipeline_run_finished(run, RunOutcome("finished"))

    report = session.finish()

    assert slowest < 0.1
    assert report.complete
    assert (f"MLflow at {running.uri} did not answer for a while (no connection); everything has been sent since",) == (
        report.warnings
    )
    history = History(folder, running.uri)
    survived = history.run("survived")
    assert "finished" == survived.status
    assert list(range(300)) == [point.step for point in history.curve(survived, "model/elbo")]


def test_reading_from_a_server_that_is_away_is_a_request_error(folder):
    with pytest.raises(RequestError, match=r"MLflow at http://127.0.0.1:9 cannot be read: no connection"):
        History(folder, "http://127.0.0.1:9").runs()


def test_batches_beat_one_call_for_each_metric_tenfold(running, folder):
    client = open_client(Location.of(folder, running.uri))
    experiment = client.create_experiment("speed")
    single, batched = (client.create_run(experiment).info.run_id for _ in range(2))

    start = time.perf_counter()
    for n in range(50):
        client.log_metric(single, f"m{n}", float(n), step=0)
    one_by_one = (time.perf_counter() - start) / 50
    start = time.perf_counter()
    for metrics, params, tags in batches([Metric(f"m{n}", float(n), 1, 0) for n in range(1000)], {}, {}):
        client.log_batch(batched, metrics, params, tags)
    together = (time.perf_counter() - start) / 1000

    assert one_by_one > 10 * together
