import errno
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import digests
from pipeline.codecs import NotStorable
from pipeline.errors import DataError, StoreError
from pipeline.records import File, Metrics
from pipeline.store import Damaged, Entry, Store, content_digest, digest_of
from pipeline.store.files import LocalFiles, unusable

KEY = "ab" + "0" * 38
OTHER = "cd" + "0" * 38
PARTS = {"stage": "plugins.vae.stages:Fit", "config": {"latent_dim": 16}, "seed": None}
RECORDS = (
    Metrics({"elbo": -85.25, "kl": float("inf")}, 3, 1700000000.5),
    File("curve.png", b"\x89PNG" * 5000),
    File("notes.md", "naïve".encode()),
    Metrics({"done": 1.0}, None, 1700000001.0),
)


def put(store: Store, key: str, artifact: Any, records: Any = ()) -> Entry:
    return store.put(key, artifact, uses="vae.fit", stage="model", seconds=1.5, records=records, parts=PARTS)


def age(store: Store, seconds: float) -> None:
    """Make every file of the store older."""
    for path in store.files.root.rglob("*"):
        if path.is_file():
            then = path.stat().st_mtime - seconds
            os.utime(path, (then, then))


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    if request.param == "folder":
        yield Store.open(tmp_path / "store")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        remote = Store.open(f"memory://{tmp_path.name}/store")
        yield remote
        remote.clear()


@pytest.fixture
def local(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(200_000)


def test_what_was_put_is_found_with_all_that_is_known_about_it(store: Store, noise: np.ndarray) -> None:
    made = put(store, KEY, {"weights": noise, "name": "é"}, RECORDS)

    entry = store.get(KEY)

    assert entry is not None
    assert (KEY, "model", "vae.fit", 1.5, PARTS) == (entry.key, entry.stage, entry.uses, entry.seconds, entry.parts)
    assert (
        made.digest == entry.digest == digest_of({"weights": noise, "name": "é"}) == store.digest_of(store.load(entry))
    )
    assert RECORDS == entry.records()
    assert np.array_equal(noise, store.load(entry)["weights"])
    assert noise.nbytes + 20_000 < entry.size < noise.nbytes + 25_000
    assert abs(time.time() - entry.created) < 60


def test_an_unknown_key_is_a_miss_and_makes_no_folder(local: Store) -> None:
    assert local.get(KEY) is None
    assert local.last("model") is None
    assert [] == local.entries()
    assert not local.files.root.exists()


def test_a_long_tree_and_long_records_are_kept(store: Store) -> None:
    artifact = {f"name {index}": index / 7 for index in range(5000)}
    records = [Metrics({"loss": index / 7}, index, float(index)) for index in range(5000)]

    entry = put(store, KEY, artifact, records)

    assert artifact == store.load(entry)
    assert tuple(records) == entry.records()
    assert 2 == len(entry.blobs)


def test_equal_content_is_there_once(local: Store, noise: np.ndarray) -> None:
    put(local, KEY, [noise, noise.copy()])
    put(local, OTHER, {"the same": noise})

    assert 1 == len(list(local.files.listing("objects")))


def test_the_digest_depends_on_the_content_alone(local: Store, noise: np.ndarray) -> None:
    first = put(local, KEY, {"weights": noise}, RECORDS)
    second = put(local, OTHER, {"weights": noise.copy()})

    assert first.digest == second.digest != digest_of({"weights": noise + 1})


def test_an_entry_can_be_sent_to_another_process(store: Store) -> None:
    entry = put(store, KEY, {"a": 1}, RECORDS)

    again = pickle.loads(pickle.dumps(entry))  # noqa: S301  # our own bytes

    assert entry == again
    assert RECORDS == again.records()


def test_the_folder_is_ignored_by_git_and_holds_no_leftovers(local: Store, noise: np.ndarray) -> None:
    put(local, KEY, noise)

    assert "*\n" == (local.files.root / ".gitignore").read_text()
    assert [] == list(local.files.listing("tmp"))


def flip(path: Path, at: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_a_damaged_blob_is_set_aside_and_can_be_put_again(local: Store, noise: np.ndarray) -> None:
    entry = put(local, KEY, noise)
    [blob] = (local.files.root / "objects").rglob("??*/*")
    flip(blob)

    with pytest.raises(Damaged):
        local.load(entry)

    assert local.get(KEY) is None
    assert {f"{KEY}.json", blob.name} == {path.name for path in (local.files.root / "damaged").iterdir()}
    assert np.array_equal(noise, local.load(put(local, KEY, noise)))


def test_a_damaged_local_copy_of_a_remote_blob_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noise: np.ndarray
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    remote = Store.open(f"memory://{tmp_path.name}/copies")
    entry = put(remote, KEY, noise)
    [copy] = (remote.files.root / "objects").rglob("??*/*")
    flip(copy)

    assert np.array_equal(noise, remote.load(entry))


@pytest.mark.parametrize("harm", ["missing", "truncated"])
def test_a_missing_or_truncated_blob_is_a_miss(local: Store, noise: np.ndarray, harm: str) -> None:
    entry = put(local, KEY, noise)
    [blob] = (local.files.root / "objects").rglob("??*/*")
    if harm == "missing":
        blob.unlink()
    else:
        os.truncate(blob, 1000)

    assert local.get(KEY) is None
    with pytest.raises(Damaged):
        local.load(entry)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 1}', b"\xff\xfe", b'{"format": 99}', b"null"])
def test_an_entry_that_cannot_be_read_is_a_miss(local: Store, content: bytes) -> None:
    put(local, KEY, 1)
    (local.files.root / "entries" / KEY[:2] / f"{KEY}.json").write_bytes(content)

    assert local.get(KEY) is None
    assert [] == local.entries()
    put(local, KEY, 2)
    assert 2 == local.load(local.get(KEY) or pytest.fail("a miss"))


def test_a_changed_tree_or_log_is_damaged(local: Store) -> None:
    put(local, KEY, {"threshold": 7}, [Metrics({"loss": 7.0}, None, 0.0)])
    path = local.files.root / "entries" / KEY[:2] / f"{KEY}.json"
    path.write_text(path.read_text().replace("7", "8"))
    entry = local.get(KEY)

    assert entry is not None
    with pytest.raises(Damaged):
        entry.records()
    with pytest.raises(Damaged):
        local.load(entry)


def test_a_value_that_cannot_be_stored_leaves_no_entry(local: Store) -> None:
    with pytest.raises(NotStorable, match=r"^model\['f'\]: objects of type"):
        put(local, KEY, {"f": print})

    assert local.get(KEY) is None


def test_the_last_execution_is_remembered_by_any_name(store: Store) -> None:
    name = "digits ☃/model/../" + "x" * 300

    store.remember(name, {"config": {"epochs": 1}})
    store.remember(name, PARTS)

    assert PARTS == store.last(name)
    assert store.last("another") is None


def test_only_the_newest_checkpoint_is_kept(store: Store, noise: np.ndarray) -> None:
    checkpoints = store.checkpoints(KEY)
    assert checkpoints.load() is None
    for step in range(3):
        checkpoints.save({"weights": noise + step, "history": (1, step)}, step)

    state, step = store.checkpoints(KEY).load() or pytest.fail("no checkpoint")

    assert 2 == step
    assert (1, 2) == state["history"]
    assert np.array_equal(noise + 2, state["weights"])
    assert 2 == len(list(store.files.listing(f"checkpoints/{KEY}")))
    checkpoints.clear()
    assert checkpoints.load() is None
    assert [] == list(store.files.listing("checkpoints"))


def test_a_damaged_checkpoint_is_as_good_as_none(local: Store, noise: np.ndarray) -> None:
    local.checkpoints(KEY).save(noise, 1)
    [blob] = (path for path in (local.files.root / "checkpoints" / KEY).rglob("??*/*") if path.is_file())
    flip(blob)

    assert local.checkpoints(KEY).load() is None


def test_pruning_by_size_takes_what_was_used_longest_ago(local: Store) -> None:
    arrays = {f"{index}0" + "a" * 38: np.full(50_000, index) for index in range(4)}
    for key, array in arrays.items():
        put(local, key, array)
    age(local, 10_000)
    first, second, third, fourth = arrays
    for key in (third, first):
        assert local.get(key)
        time.sleep(0.01)

    freed = local.prune(max_size=900_000)

    assert [first, third] == [entry.key for entry in local.entries()]
    assert 2 == freed.entries
    assert 800_000 < freed.bytes < 804_000
    assert (np.full(50_000, 2) == local.load(local.get(third) or pytest.fail("a miss"))).all()
    assert local.get(second) is None
    assert local.get(fourth) is None


def test_pruning_by_age_spares_content_that_another_result_shares(local: Store, noise: np.ndarray) -> None:
    put(local, KEY, noise)
    put(local, OTHER, [noise])
    age(local, 10_000)
    local.get(OTHER)

    freed = local.prune(older_than=5000)

    assert 1 == freed.entries
    assert freed.bytes < 2000
    assert np.array_equal(noise, local.load(local.get(OTHER) or pytest.fail("a miss"))[0])


def test_pruning_leaves_young_content_to_whoever_is_writing_it(local: Store, noise: np.ndarray) -> None:
    put(local, KEY, noise)
    local.files.remove(f"entries/{KEY[:2]}/{KEY}.json")

    assert 0 == local.prune(max_size=0).bytes
    age(local, 4000)
    assert noise.nbytes < local.prune(max_size=0).bytes


def test_pruning_takes_abandoned_checkpoints_and_free_locks(local: Store, noise: np.ndarray) -> None:
    local.checkpoints(KEY).save(noise, 1)
    with local.lock(OTHER), local.lock(KEY):
        age(local, 10_000)
        local.prune()
        assert 2 == len(list((local.files.root / "locks").iterdir()))

    freed = local.prune(older_than=5000)

    assert 1 == freed.entries
    assert local.checkpoints(KEY).load() is None
    assert [] == list((local.files.root / "locks").iterdir())


def test_clearing_leaves_nothing(store: Store, noise: np.ndarray) -> None:
    put(store, KEY, noise, RECORDS)
    store.remember("model", PARTS)
    store.checkpoints(OTHER).save(noise, 1)

    freed = store.clear()

    assert 2 == freed.entries
    assert 2 * noise.nbytes < freed.bytes
    assert store.get(KEY) is None
    assert store.last("model") is None
    assert [] == store.entries()


def compute_once(folder: Path, key: str, started: Any) -> None:
    store = Store.open(folder)
    started.wait()
    with store.lock(key):
        if store.get(key) is None:
            time.sleep(0.3)
            with (folder / "executions").open("a") as file:
                file.write("x")
            put(store, key, {"result": 42})
    assert {"result": 42} == store.load(store.get(key) or pytest.fail("a miss"))


def test_processes_that_want_the_same_result_compute_it_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    started = context.Barrier(3)
    processes = [context.Process(target=compute_once, args=(tmp_path, KEY, started)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)

    assert [0, 0, 0] == [process.exitcode for process in processes]
    assert "x" == (tmp_path / "executions").read_text()


def write_many(folder: Path, started: Any) -> None:
    store = Store.open(folder)
    started.wait()
    for index in range(30):
        put(store, KEY, np.full(2000, index % 3))
        entry = store.get(KEY)
        assert entry is not None
        assert len(set(store.load(entry))) == 1


def test_processes_that_write_the_same_entry_without_a_lock_leave_it_whole(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    started = context.Barrier(2)
    processes = [context.Process(target=write_many, args=(tmp_path, started)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)

    assert [0, 0] == [process.exitcode for process in processes]


HOLD = """
import sys, time
from pipeline.store import Store
with Store.open(sys.argv[1]).lock("key"):
    print("held", flush=True)
    time.sleep(60)
"""


WAIT = """
import signal, sys
from pipeline.store import Store
signal.signal(signal.SIGINT, signal.default_int_handler)
print("waiting", flush=True)
try:
    Store.open(sys.argv[1]).lock("key").__enter__()
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of ``key``."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert "held\n" == process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_killed_holder_frees_its_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    began = time.monotonic()

    with Store.open(tmp_path).lock("key"):
        assert time.monotonic() - began < 1


def test_waiting_for_a_lock_can_be_interrupted(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    waiter = subprocess.Popen([sys.executable, "-c", WAIT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert waiter.stdout
    waiter.stdout.readline()
    time.sleep(0.5)
    began = time.monotonic()

    waiter.send_signal(signal.SIGINT)

    assert 130 == waiter.wait(10)
    assert time.monotonic() - began < 1
    waiter.stdout.close()


def test_a_file_where_the_folder_should_be_is_explained(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("mine")

    with pytest.raises(StoreError, match=r"the artifact store at .*store cannot be used: a file is where its folder"):
        put(Store.open(tmp_path / "store"), KEY, 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_explained(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(StoreError, match="permission denied"):
        put(Store.open(tmp_path / "store"), KEY, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_explained_and_leaves_nothing(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(local, OTHER, 1)
    real = open

    def full(path: Any, mode: str = "r", **options: Any) -> Any:
        return real("/dev/full", "wb") if "x" in mode else real(path, mode, **options)

    monkeypatch.setattr("pipeline.store.files.open", full, raising=False)

    with pytest.raises(StoreError, match="the disk is full; free some space"):
        put(local, KEY, 2)
    assert local.get(KEY) is None


@pytest.mark.parametrize("number", [errno.EROFS, errno.EDQUOT, errno.EIO])
def test_every_failure_of_the_system_becomes_one_sentence(number: int) -> None:
    error = unusable("/store", OSError(number, os.strerror(number)))

    assert str(error).startswith("the artifact store at /store cannot be used: ")
    assert "\n" not in str(error)


@pytest.mark.parametrize("url", ["nonsense://bucket/store", "s3://"])
def test_a_store_that_cannot_be_reached_is_explained(url: str) -> None:
    with pytest.raises(StoreError, match="the artifact store at"):
        Store.open(url).get(KEY)


def test_a_remote_store_serves_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noise: np.ndarray
) -> None:
    url = f"memory://{tmp_path.name}/shared"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "here"))
    put(Store.open(url), KEY, noise, RECORDS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "there"))
    there = Store.open(url)

    entry = there.get(KEY)

    assert entry is not None
    assert np.array_equal(noise, there.load(entry))
    assert RECORDS == entry.records()
    assert isinstance(there.load(entry).base, np.memmap)


def test_a_store_can_be_a_path_a_file_url_or_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    put(Store.open(tmp_path / "store"), KEY, 1)

    assert Store.open(f"file://{tmp_path}/store").get(KEY)
    assert Store.open("~/store").get(KEY)


def test_loading_checks_a_blob_once_for_each_version_of_it(
    local: Store, noise: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = put(local, KEY, noise)
    monkeypatch.setattr(digests, "_known", {})
    local.load(entry)
    monkeypatch.setattr("hashlib.file_digest", lambda *arguments: pytest.fail("it was read again"))

    local.load(entry)


def test_a_folder_digest_covers_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.txt").write_text("1")
    seen = {content_digest(tmp_path)}
    (tmp_path / "two.txt").write_text("2")
    seen.add(content_digest(tmp_path))
    (tmp_path / "two.txt").write_text("3")
    seen.add(content_digest(tmp_path))
    (tmp_path / "two.txt").rename(tmp_path / "three.txt")
    seen.add(content_digest(tmp_path))

    assert 4 == len(seen)


def test_a_file_digest_depends_on_its_content_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("same")

    assert content_digest(tmp_path / "a") == content_digest(tmp_path / "b")


def test_a_folder_that_is_linked_into_itself_has_a_digest(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("x")
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data")

    assert content_digest(tmp_path / "data")


def test_data_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.csv does not exist"):
        content_digest(tmp_path / "nothing.csv")


def test_files_are_listed_while_others_remove_them(tmp_path: Path) -> None:
    files = LocalFiles(tmp_path)
    files.write("entries/aa/one.json", [b"1"])
    files.write("entries/bb/two.json", [b"2"])

    names = []
    for file in files.listing("entries"):
        names.append(file.name)
        files.remove("entries")

    assert 1 == len(names)
