import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import File, Metrics, Run, RunOutcome
from pipeline.tracking import spool as spool_module
from pipeline.tracking.scribe import Scribe
from pipeline.tracking.server import Metric, batches
from pipeline.tracking.spool import Spool, abandoned

RUN = Run("r", "digits", "run")


@pytest.fixture
def spool(tmp_path):
    made, lock = spool_module.create(tmp_path, {"uri": "sqlite:///x.db"})
    yield made
    lock.release()


def test_what_is_written_is_read(spool):
    scribe = Scribe(spool)
    scribe.started(RUN, 1.0)
    scribe.record(RUN, "model", Metrics({"elbo": math.inf, "kl": 0.1}, 3, 2.0))
    scribe.record(RUN, "model", File("a.png", b"picture"))
    scribe.finished(RUN, RunOutcome("finished"), 3.0)
    scribe.flush()

    records, _ = spool.read(0)

    assert ["start", "metrics", "file", "finish"] == [record["kind"] for record in records]
    assert {"model/elbo": math.inf, "model/kl": 0.1} == records[1]["values"]
    assert b"picture" == (spool.files / records[2]["stored"]).read_bytes()
    scribe.close()


def test_a_run_ends_once(spool):
    scribe = Scribe(spool)
    scribe.started(RUN, 1.0)
    scribe.finished(RUN, RunOutcome("failed", {"model/elbo": 1.0}), 3.0)
    scribe.finished(RUN, RunOutcome("interrupted", {"model/elbo": 1.0}), 4.0)
    scribe.flush()

    assert ["FAILED"] == [record["status"] for record in spool.read_all() if record["kind"] == "finish"]
    scribe.close()


def test_a_line_that_is_not_whole_yet_is_left_for_later(spool):
    spool.records.write_text('{"a": 1}\n{"b"')

    records, offset = spool.read(0)
    with spool.records.open("a") as file:
        file.write(": 2}\n")

    assert [{"a": 1}] == records
    assert [{"b": 2}] == spool.read(offset)[0]
    assert 2 == spool.waiting(0)
    assert [{"a": 1}, {"b": 2}] == list(spool.read_all())


def test_a_long_file_is_read_in_chunks(spool, monkeypatch):
    monkeypatch.setattr(spool_module, "CHUNK", 20)
    spool.records.write_text("".join(json.dumps({"n": n}) + "\n" for n in range(10)))

    first, _ = spool.read(0)

    assert 0 < len(first) < 10
    assert list(range(10)) == [record["n"] for record in spool.read_all()]


def test_only_its_owner_may_read_where_a_session_sends_to(spool):
    assert 0o600 == (spool.folder / "session.json").stat().st_mode & 0o777


def test_a_disk_that_is_full_for_a_moment_loses_no_record(spool):
    class Full:
        """Takes half of what it is given, once."""

        def __init__(self, file):
            self.file, self.full = file, True

        def write(self, content):
            if self.full:
                self.full = False
                return self.file.write(content[: len(content) // 2])
            return self.file.write(content)

        def __getattr__(self, name):
            return getattr(self.file, name)

    scribe = Scribe(spool)
    scribe._file = Full(scribe._file)
    scribe.record(RUN, "model", Metrics({"elbo": 1.0}, 0, 1.0))

    with pytest.raises(OSError, match="only a part"):
        scribe.flush()
    scribe.flush()

    assert [{"model/elbo": 1.0}] == [record["values"] for record in spool.read_all()]
    scribe.close()


def test_a_session_is_abandoned_once_driver_and_sender_have_gone(tmp_path):
    own, own_lock = spool_module.create(tmp_path, {})
    other, driver = spool_module.create(tmp_path, {})
    folder = other.folder.parent

    assert [] == list(abandoned(folder, own))
    driver.release()
    with other.lock("sender"):
        assert [] == list(abandoned(folder, own))
    assert [other] == [spool for spool, lock in abandoned(folder, own)]
    own_lock.release()


def test_a_discarded_spool_is_gone_at_once_and_leftovers_are_cleared(tmp_path):
    spool, lock = spool_module.create(tmp_path, {})
    lock.release()
    folder = spool.folder.parent
    leftover = folder / ".sent-earlier"
    leftover.mkdir()

    spool.discard()
    assert [] == list(abandoned(folder, Spool(folder / "own")))

    assert [] == list(folder.iterdir())


@given(
    st.integers(0, 2500),
    st.lists(st.integers(0, 6000), max_size=250),
    st.lists(st.integers(1, 8000), max_size=250),
)
def test_batches_keep_to_mlflows_limits_and_leave_nothing_out(metrics, params, tags):
    all_metrics = [Metric(f"metric {n}", float(n), 0, 0) for n in range(metrics)]
    all_params = {f"p{n}": "é" * length for n, length in enumerate(params)}
    all_tags = {f"t{n}": "x" * length for n, length in enumerate(tags)}

    made = list(batches(all_metrics, all_params, all_tags))

    assert all(len(m) + len(p) + len(t) <= 1000 and len(p) <= 100 and len(t) <= 100 for m, p, t in made)
    assert all(
        len(json.dumps([[m.key for m in some], [p.value for p in ps], [t.value for t in ts]])) < 1_000_000
        for some, ps, ts in made
    )
    assert [m.key for m in all_metrics] == [m.key for some, _, _ in made for m in some]
    assert all_params == {p.key: p.value for _, ps, _ in made for p in ps}
    assert all_tags == {t.key: t.value for _, _, ts in made for t in ts}
