"""What a cluster gains and keeps: the services of docker/compose.yaml on this machine, started by the same scripts.

    python benchmarks/cluster.py              about five minutes on two cores; needs PostgreSQL
    python benchmarks/cluster.py records      one part: throughput or records

throughput: a sweep whose trials keep a core busy for two seconds, on one node of one processor and on two, its runs
    recorded in SQLite (a file of the driver's) and in PostgreSQL (behind the MLflow server, with a password).
records: eight trials at a time on two nodes that log as fast as they can: values that arrive in the database in a
    second, and how many of them are lost.

Driver, database and servers take their share of the same cores: on a machine with two, two nodes are not twice one.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from _measure import table

from pipeline.tracking.history import History, RecordedRun

sys.path.append(str(Path(__file__).parents[1] / "tests" / "cluster"))

STAGES = '''
"""Stages for benchmarks/cluster.py."""
import time
import uuid
from pathlib import Path
from typing import ClassVar
from pipeline import Context, Stage, hookimpl


class Busy(Stage):
    """Keeps a core busy."""
    emits: ClassVar = {"loss": "min"}
    x: float = 0.0
    seconds: float = 2.0
    sweep: str = ""

    def run(self, context: Context) -> None:
        """Count."""
        until = time.thread_time() + self.seconds
        while time.thread_time() < until:
            sum(range(1000))
        context.log({"loss": self.x})


class Burst(Stage):
    """Waits until all are there, then logs as fast as it can."""
    emits: ClassVar = {"loss": "min"}
    x: float = 0.0
    steps: int = 1
    metrics: int = 1
    others: int = 0
    meeting: str = ""

    def run(self, context: Context) -> None:
        """Log."""
        Path(self.meeting, uuid.uuid4().hex).touch()
        while len(list(Path(self.meeting).iterdir())) < self.others:
            time.sleep(0.05)
        for step in range(self.steps):
            context.log({f"m{number}": self.x + step for number in range(self.metrics)}, step=step)
        context.log({"loss": self.x})


@hookimpl
def pipeline_stages():
    return [Busy, Burst]
'''

PIPELINE = """
name: {name}
plugins: [cluster_stages.py]
stages:
  work: {{uses: cluster_stages.{stage}, with: {fields}}}
sweep:
  {{metric: work/loss, trials: {trials}, search: sobol, concurrency: {at_once}, resources: {{cpu: {cpu}}},
   space: {{work.x: {{uniform: [0, 1]}}}}}}
"""

TRIALS, SKIP = 12, 2
AT_ONCE, STEPS, METRICS = 8, 500, 10


class Sweep:
    """One sweep on the cluster, its runs recorded in SQLite or in PostgreSQL."""

    def __init__(self, cluster: Any, database: str, name: str, **words: Any) -> None:
        self.cluster, self.database, self.name = cluster, database, name
        self.folder = Path(tempfile.mkdtemp(dir=cluster.folder))
        (self.folder / "cluster_stages.py").write_text(STAGES)
        (self.folder / "sweep.yaml").write_text(PIPELINE.format(name=name, **words))
        sqlite = {"MLFLOW_TRACKING_URI": f"sqlite:///{self.folder / 'mlflow.db'}"}
        self.environment: Mapping[str, str] = sqlite if database == "SQLite" else {}

    def run(self, meanwhile: Callable[[], None] = lambda: None) -> list[RecordedRun]:
        """Its trials as MLflow has them afterwards; ``meanwhile`` is called again and again."""
        process = self.cluster.pipeline(
            self.folder, "sweep", "sweep.yaml", "--trust", "--json", environment=self.environment
        )
        while process.poll() is None:
            meanwhile()
            time.sleep(0.1)
        output, errors = process.communicate()
        self.cluster.kill("runner")
        if process.returncode:
            raise SystemExit(f"the sweep failed:\n{errors.decode()[-2000:]}")
        return self.history.children(self.history.run(json.loads(output)["mlflow_run_id"]))

    @property
    def history(self) -> History:
        """What MLflow holds."""
        os.environ |= self.cluster.environment("HOME", "PATH")
        return History(self.folder, self.environment.get("MLFLOW_TRACKING_URI"))

    def arrived(self) -> int:
        """Values of the trials' metrics that the database holds at the moment."""
        question = (
            "SELECT count(*) FROM metrics JOIN runs USING (run_uuid) JOIN experiments USING (experiment_id)"
            f" WHERE key LIKE 'work/m%' AND experiments.name = '{self.name}'"
            " AND run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'mlflow.parentRunId')"
        )
        try:
            if self.environment:
                with sqlite3.connect(f"file:{self.folder / 'mlflow.db'}?mode=ro", uri=True) as database:
                    return int(database.execute(question).fetchone()[0])
            import psycopg

            s = self.cluster.settings
            address = f"host=127.0.0.1 port={s['POSTGRES_PORT']} user={s['POSTGRES_USER']} dbname={s['POSTGRES_DB']}"
            with psycopg.connect(address, password=s["POSTGRES_PASSWORD"]) as server:
                row = server.execute(question.replace("%", "%%").encode()).fetchone()
                return int(row[0]) if row else 0
        except sqlite3.OperationalError:
            # It is made, or locked, at the moment.
            return 0


def throughput(cluster: Any, nodes: int, database: str) -> tuple[float, float]:
    """Trials a minute, from the end of the first ones to the end of the last; and how many stages worked at a time.

    The second number tells the same where other programs take their share of the machine.
    """
    name = f"busy-{nodes}-{database.lower()}"
    # The name is a field too, or the first sweep's results would serve the others.
    fields = f"{{sweep: {name}}}"
    sweep = Sweep(cluster, database, name, stage="busy", fields=fields, trials=TRIALS, at_once=nodes, cpu=1)
    spans = sorted((run.started + (run.seconds or 0.0), worked(sweep.history, run)) for run in sweep.run())
    assert len(spans) == TRIALS, f"{len(spans)} trials of {TRIALS}"
    # Until the last ones begin: then there is nothing left for the other nodes.
    since, until = spans[SKIP - 1][0], spans[-nodes][0]
    at_once = sum(max(min(end, until) - max(end - work, since), 0.0) for end, work in spans) / (until - since)
    return 60 * (TRIALS - SKIP - nodes + 1) / (until - since), at_once


def worked(history: History, run: RecordedRun) -> float:
    """Seconds that the stage of a trial took, without what surrounds it."""
    (stage,) = json.loads(history.document(run, "stages.json") or "[]")
    return float(stage["seconds"])


def records(cluster: Any, database: str) -> tuple[float, int]:
    """Values a second, from the last look that saw none to the first that saw all; and how many are lost."""
    meeting = Path(tempfile.mkdtemp(dir=cluster.folder))
    fields = f"{{steps: {STEPS}, metrics: {METRICS}, others: {AT_ONCE}, meeting: {meeting}}}"
    sweep = Sweep(cluster, database, f"burst-{database.lower()}", stage="burst", fields=fields, trials=AT_ONCE,
                  at_once=AT_ONCE, cpu=2 / AT_ONCE)  # fmt: skip
    looks: list[tuple[float, int]] = []
    runs = sweep.run(lambda: looks.append((time.monotonic(), sweep.arrived())))
    looks.append((time.monotonic(), sweep.arrived()))
    most = looks[-1][1]
    began = max((at for at, count in looks if count == 0), default=looks[0][0])
    ended = min(at for at, count in looks if count == most)
    found = Counter(
        (run.id, metric, point.step, point.value)
        for run in runs
        for metric in (f"work/m{number}" for number in range(METRICS))
        for point in sweep.history.curve(run, metric)
    )
    wanted = {
        (run.id, f"work/m{number}", step, float(run.params["work.x"]) + step)
        for run, number, step in itertools.product(runs, range(METRICS), range(STEPS))
    }
    assert len(runs) == AT_ONCE
    return most / (ended - began), len(wanted - set(found))


def main() -> None:
    """The parts named on the command line, or both."""
    from topology import Topology, postgres_binaries

    try:
        postgres_binaries()
    except AssertionError as missing:
        print(f"skipped: {missing}")
        return
    parts = sys.argv[1:] or ["throughput", "records"]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}")
    cluster, databases = Topology(), ("SQLite", "PostgreSQL")
    # Whoever ends it ends the services too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        cluster.start(workers=1)
        if "throughput" in parts:
            found = {(1, database): throughput(cluster, 1, database) for database in databases}
        cluster.start_worker(1)
        cluster.wait_for_worker(1)
        if "throughput" in parts:
            found |= {(2, database): throughput(cluster, 2, database) for database in databases}
            rows = [
                [f"{nodes} node{'s' * (nodes > 1)}", *(value for d in databases for value in found[nodes, d])]
                for nodes in (1, 2)
            ]
            ratios = [found[2, d][i] / found[1, d][i] for d in databases for i in (0, 1)]
            header = ["", *(word for d in databases for word in (f"{d}: a minute", "at a time"))]
            table("trials of 2 s of work", [*rows, ["2 against 1", *ratios]], header)
        if "records" in parts:
            kept = {database: records(cluster, database) for database in databases}
            rows = [[database, rate, AT_ONCE * STEPS * METRICS, lost] for database, (rate, lost) in kept.items()]
            table("values logged by 8 trials at a time", rows, ["", "a second", "logged", "lost"])
    finally:
        cluster.close()


if __name__ == "__main__":
    main()
