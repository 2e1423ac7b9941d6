"""What the framework itself costs, beside its peers in the same run: start-up, no-op stages, tracking, storing.

    python benchmarks/overhead.py            everything (peers are installed on first use)
    python benchmarks/overhead.py startup    one part: startup, chain, tracking, storing

CPU milliseconds are medians of interleaved runs; trust the ratios, not the single figures.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from _measure import interleaved, peer, table  # benchmarks is a folder of scripts, not a package

ROOT = Path(__file__).parent.parent
NOOP = Path(__file__).parent / "noop.py"
KEDRO, DVC = "kedro==1.7.0", "dvc==3.67.1"

KEDRO_CHAIN = """
import logging, statistics, time
logging.disable(logging.CRITICAL)
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
def same(x): return x
nodes = [node(same, f"d{i}", f"d{i+1}", name=f"n{i}") for i in range(100)]
chain = pipeline(nodes)
times = []
for _ in range(7):
    catalog = DataCatalog({f"d{i}": MemoryDataset() for i in range(101)})
    catalog["d0"].save(1)
    began = time.process_time()
    SequentialRunner().run(chain, catalog)
    times.append(time.process_time() - began)
print(1000 * statistics.median(times[1:]) / 100)
"""


def startup() -> None:
    """``--help``, ``check`` and ``plan`` of a ten-stage file against ``kedro --help`` and ``dvc --version``."""
    ours = Path(sys.executable).parent / "pipeline"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ten.yaml"
        stages = ["  images: {uses: data.images, with: {dataset: digits}}"]
        for index in range(3):
            stages += [
                f"  fit{index}: {{uses: vae.fit}}",
                f"  judge{index}: {{uses: vae.evaluate, inputs: {{model: fit{index}}}}}",
                f"  draw{index}: {{uses: vae.generate, inputs: {{model: fit{index}}}}}",
            ]
        file.write_text("stages:\n" + "\n".join(stages) + "\n")
        costs = interleaved(
            {
                "pipeline --help": [ours, "--help"],
                "pipeline check (10 stages)": [ours, "check", file],
                "pipeline plan (10 stages)": [ours, "plan", file],
                "kedro --help": [peer("kedro", KEDRO) / "kedro", "--help"],
                "dvc --version": [peer("dvc", DVC) / "dvc", "--version"],
                "python -c pass": [sys.executable, "-c", "pass"],
            },
            cwd=Path(folder),
        )
    base = costs["kedro --help"].cpu
    rows = [(name, cost.cpu, cost.wall, cost.cpu / base) for name, cost in costs.items()]
    table("Start-up (target: at most half of kedro --help)", rows, ("command", "CPU ms", "wall ms", "of kedro --help"))


def chain() -> None:
    """A chain of 100 stages that do nothing: CPU per stage, in memory, written to the store, and unchanged."""
    from pipeline import Pipeline

    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = folder
        file = Path(folder) / "chain.yaml"
        lines = ["  s0: {uses: noop.first}"]
        lines += [
            f"  s{i}: {{uses: noop.next, with: {{place: {i}}}, inputs: {{before: s{i - 1}}}}}" for i in range(1, 100)
        ]
        file.write_text(f"plugins: [{NOOP}]\nstages:\n" + "\n".join(lines) + "\n")
        store = Path(folder) / "store"

        def in_memory(number: int) -> Callable[[], object]:
            pipeline = Pipeline.load(file, [f"s0.start={number}"], trust=True)
            return lambda: pipeline.run(track=False, store=None)

        def stored(number: int) -> Callable[[], object]:
            pipeline = Pipeline.load(file, [f"s0.start={number}"], trust=True)
            return lambda: pipeline.run(track=False, store=store)

        timings = {
            "in memory": _per_stage(in_memory, range(8)),
            "first run, written to the store": _per_stage(stored, range(8)),
            "unchanged rerun": _per_stage(stored, [7] * 8),
        }
    kedro = once_output([peer("kedro", KEDRO) / "python", "-c", KEDRO_CHAIN])
    rows: list[tuple[object, ...]] = [(name, cost, cost / kedro) for name, cost in timings.items()]
    rows.append(("Kedro SequentialRunner, in memory", kedro, 1.0))
    table("A chain of 100 no-op stages (targets: Kedro's, 2 ms, 1 ms)", rows, ("", "CPU ms per stage", "of Kedro"))


def _per_stage(make: Callable[[int], Callable[[], object]], numbers: object) -> float:
    times = []
    for number in numbers:  # type: ignore[attr-defined]  # a range or a list
        work = make(number)
        began = time.process_time()
        work()
        times.append(1000 * (time.process_time() - began) / 100)
    return statistics.median(times[1:])


def tracking() -> None:
    """Twenty parameters and a thousand metrics in ten steps: the stage's own thread, and the whole, per call."""
    from pipeline import Pipeline

    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = folder
        here = Path.cwd()
        os.chdir(folder)
        try:
            file = Path(folder) / "logs.yaml"
            file.write_text(f"plugins: [{NOOP}]\nstages:\n  work: {{uses: noop.logs}}\n")
            pipeline = Pipeline.load(file, trust=True)
            shares, children = [], []
            for _ in range(6):
                before = os.times()
                result = pipeline.run(fresh=True)
                after = os.times()
                children.append(
                    1000 * (after.children_user + after.children_system - before.children_user - before.children_system)
                )
                shares.append(100 * result.artifact("work") / 1.0)
            single = once_output([sys.executable, "-c", SINGLE_CALLS])
            batched = once_output([sys.executable, "-c", OURS_SENDING])
        finally:
            os.chdir(here)
    rows = [
        ("share of the stage's time spent in context.log, % (target 2)", statistics.median(shares[1:])),
        ("tracking process, CPU ms in all (MLflow's import included)", statistics.median(children[1:])),
        ("a run with all of it through our spool, CPU ms", batched),
        ("the same, one call for each of them, CPU ms", single),
        ("one call each / ours (target 10)", single / batched),
    ]
    table("Tracking 20 parameters and 1,000 metrics in 10 steps, SQLite", rows, ("", ""))


_CLIENT = """
import os, time, logging
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
logging.disable(logging.CRITICAL)
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
client = MlflowClient("sqlite:///mlflow.db")
run = client.create_run("0").info.run_id
client.log_metric(run, "warm", 0.0)
began = time.process_time()
"""
SINGLE_CALLS = (
    _CLIENT
    + """
for i in range(20): client.log_param(run, f"p{i}", i)
for step in range(10):
    for i in range(100): client.log_metric(run, f"m{i}", step + i / 100, step=step)
print(1000 * (time.process_time() - began))
"""
)
OURS_SENDING = (
    _CLIENT
    + """
from pathlib import Path
from pipeline.records import Metrics, Run, RunOutcome
from pipeline.tracking import spool
from pipeline.tracking.delivery import Delivery
from pipeline.tracking.location import Location
from pipeline.tracking.scribe import Scribe
from pipeline.tracking.server import Server
here = Path.cwd()
location = Location.of(here)
session = {"uri": location.uri, "artifacts": location.artifacts, "folder": str(here), "user": None, "source": "bench"}
kept, lock = spool.create(here, session)
scribe, server = Scribe(kept), Server(location)
delivery = Delivery(kept, server, lambda message: None)
delivery.prepare()
began = time.process_time()
run = Run("r", "bench", "bench", params={f"p{i}": i for i in range(20)})
scribe.started(run, time.time())
for step in range(10):
    scribe.record(run, "work", Metrics({f"m{i}": step + i / 100 for i in range(100)}, step, time.time()))
scribe.finished(run, RunOutcome("finished"), time.time())
scribe.flush()
while not delivery.finished:
    delivery.step(True)
print(1000 * (time.process_time() - began))
"""
)


def storing() -> None:
    """Hashing and storing a 100 MB array against writing it plainly to the same disk."""
    import numpy as np

    from pipeline.store import Store

    rng = np.random.default_rng(0)
    ours, plain = [], []
    with tempfile.TemporaryDirectory(dir=ROOT) as folder:
        for number in range(8):
            # Each writes into pages that the other has just freed: new ones would cost more than the writing.
            store = Store.open(Path(folder) / f"store{number}")
            array = rng.random(100 * 2**20 // 8)
            began = time.perf_counter()
            store.put(f"{number:040d}", array, uses="x.y", stage="s", seconds=0.0, records=(), parts={})
            ours.append(time.perf_counter() - began)
            store.clear()
            file = Path(folder) / "plain"
            began = time.perf_counter()
            file.write_bytes(memoryview(array).cast("B"))
            plain.append(time.perf_counter() - began)
            file.unlink()
    wrote, stored = statistics.median(plain[1:]), statistics.median(ours[1:])
    rows = [
        ("plain write", 1000 * wrote, 100 / wrote, 1.0),
        ("hashed and stored", 1000 * stored, 100 / stored, wrote / stored),
    ]
    table("A 100 MiB array (target: at least half the plain speed)", rows, ("", "ms", "MiB/s", "of plain speed"))


def once_output(command: list[object]) -> float:
    """The number that a command prints."""
    import subprocess

    return float(subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout)


PARTS = {"startup": startup, "chain": chain, "tracking": tracking, "storing": storing}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
