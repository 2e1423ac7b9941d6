"""What a sweep costs beside bare Ray Tune, what sharing saves, and how far two workers help.

    python benchmarks/sweep.py            about five minutes on two cores
    python benchmarks/sweep.py overhead   one part: overhead, sharing, memory or workers

overhead: trials that do nothing, wall time of each after the first few, our tracking in MLflow included, against
    (a) ``tune.Tuner`` with its defaults and Ray's own MLflow callback, (b) ``tune.Tuner(reuse_actors=True)`` untracked.
sharing: 40 trials of a pipeline whose first stage takes 5 s, against running that pipeline 40 times.
memory: resident memory of a worker between two trials.
workers: trials that keep a core busy, on two workers and on one, on a machine that has two cores to spare.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

STAGES = '''
"""Stages for benchmarks/sweep.py."""
import time
from typing import ClassVar
from pipeline import Context, Stage, hookimpl


class Slow(Stage):
    """Takes its time."""
    seconds: float = 0.0

    def run(self) -> float:
        """Wait."""
        time.sleep(self.seconds)
        return self.seconds


class Noop(Stage):
    """Logs one number, after keeping a core busy for a while."""
    emits: ClassVar = {"loss": "min"}
    x: float = 0.0
    busy: float = 0.0

    def run(self, slow: float, context: Context) -> float:
        """Log."""
        until = time.thread_time() + self.busy
        while time.thread_time() < until:
            sum(range(1000))
        context.log({"loss": self.x})
        return self.x


@hookimpl
def pipeline_stages():
    return [Slow, Noop]
'''

PIPELINE = """
name: benchmark
plugins: [bench_stages.py]
stages:
  slow: {{uses: bench_stages.slow, with: {{seconds: {seconds}}}}}
  noop: {{uses: bench_stages.noop, with: {{busy: {busy}}}}}
sweep:
  {{metric: noop/loss, trials: {trials}, search: random, concurrency: {workers},
   space: {{noop.x: {{uniform: [0, 1]}}}}}}
"""

BARE = """
import os, sys, tempfile, time
os.environ.update({{"RAY_USAGE_STATS_ENABLED": "0", "RAY_AIR_NEW_OUTPUT": "0"}} | {environment})
import ray
from ray import tune
ray.init(include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False, num_cpus=2)
ends = []

class Clock(tune.Callback):
    def on_trial_complete(self, iteration, trials, trial, **info):
        ends.append(time.perf_counter())

def noop(config):
    tune.report({{"loss": config["x"]}})

callbacks = [Clock()]
folder = tempfile.mkdtemp()
if {mlflow}:
    from ray.tune.logger.mlflow import MLflowLoggerCallback
    callbacks.append(MLflowLoggerCallback(tracking_uri=f"sqlite:///{{folder}}/mlflow.db", experiment_name="bare"))
tuner = tune.Tuner(
    noop,
    param_space={{"x": tune.uniform(0, 1)}},
    tune_config=tune.TuneConfig(num_samples={trials}, max_concurrent_trials={workers}, {reuse}),
    run_config=tune.RunConfig(storage_path=folder, verbose=0, callbacks=callbacks),
)
tuner.fit()
print("MS", 1000 * (ends[-1] - ends[{skip}]) / (len(ends) - 1 - {skip}))
"""

OURS = """
import json, os, sys, time
from pathlib import Path
import psutil
from pipeline.api import Pipeline
from pipeline.hooks import hookimpl
from pipeline.sweep.tracked import tracked_sweep

ends, memory, worked = [], [], []

class Clock:
    @hookimpl
    def pipeline_run_finished(self, run, outcome):
        if run.parent is not None:
            ends.append(time.perf_counter())
            worked.append(outcome.stages[-1].seconds if outcome.stages else 0.0)
            pid = outcome.tags.get("pipeline.worker", ":").rsplit(":", 1)[1]
            if pid:
                memory.append(psutil.Process(int(pid)).memory_info().rss / 2**20)

began = time.perf_counter()
plan = Pipeline.load(Path("bench.yaml"), trust=True).plan
result = tracked_sweep(plan, observers=[Clock()])
skip = {skip}
# From the end of the first trials to the begin of the last ones: how long workers worked, over how long that was.
since, until = ends[skip], ends[-1 - {workers}]
busy = sum(max(min(end, until) - max(end - w, since), 0) for end, w in zip(ends, worked)) / (until - since)
print(json.dumps({{"status": result.status, "ms": 1000 * (ends[-1] - ends[skip]) / (len(ends) - 1 - skip),
                  "total": time.perf_counter() - began, "first": ends[0] - began, "memory": max(memory),
                  "busy": busy}}))
"""


def ours(trials: int, *, seconds: float = 0.0, busy: float = 0.0, workers: int = 1, skip: int = 5) -> dict[str, Any]:
    """One sweep in a folder and a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bench_stages.py").write_text(STAGES)
        pipeline = PIPELINE.format(seconds=seconds, busy=busy, trials=trials, workers=workers)
        (folder / "bench.yaml").write_text(pipeline)
        environment = os.environ | {"XDG_CONFIG_HOME": str(folder / "config")}
        script = OURS.format(skip=skip, workers=workers)
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def bare(trials: int, *, reuse: bool, mlflow: bool, workers: int = 1, skip: int = 5) -> float:
    """Milliseconds for each trial of Ray Tune by itself."""
    environment = {} if mlflow else {"TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}
    script = BARE.format(trials=trials, mlflow=mlflow, workers=workers, skip=skip, environment=environment,
                         reuse="reuse_actors=True" if reuse else "")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    line = next((line for line in done.stdout.splitlines() if line.startswith("MS ")), None)
    if line is None:
        raise SystemExit(done.stderr)
    return float(line.split()[1])


def overhead(rounds: int = 2) -> None:
    """No-op trials, interleaved, the best of each."""
    defaults, reusing, us = [], [], []
    for _ in range(rounds):
        us.append(ours(60)["ms"])
        reusing.append(bare(60, reuse=True, mlflow=False))
        defaults.append(bare(15, reuse=False, mlflow=True, skip=2))
    mine, b, a = min(us), min(reusing), min(defaults)
    print(f"a trial that does nothing (ms): ours, tracked {mine:.0f}; (b) Tuner(reuse_actors=True) {b:.0f}; "
          f"(a) Tuner with its MLflow callback {a:.0f}")  # fmt: skip
    print(
        f"  ours is {a / mine:.1f} times as fast as (a) (wanted: 8), and takes {mine / b:.2f} times (b) (wanted: 1.3)"
    )


def sharing() -> None:
    """A first stage of 5 s, shared by 40 trials."""
    total = ours(40, seconds=5.0, workers=2)["total"]
    apart = 40 * 5.0
    print(f"40 trials behind a stage of 5 s: {total:.1f} s, against {apart:.0f} s for that stage 40 times: "
          f"{apart / total:.1f} times (wanted: 5)")  # fmt: skip


def memory() -> None:
    """An idle worker."""
    print(f"memory of a worker between trials: {ours(8, skip=2)['memory']:.0f} MiB")


def workers() -> None:
    """Two workers against one; how busy they were is the same ratio where other processes take their share."""
    one, two = (ours(24, busy=1.0, workers=count, skip=4) for count in (1, 2))
    print(f"trials that keep a core busy for 1 s: {one['ms']:.0f} ms each on one worker, {two['ms']:.0f} on two: "
          f"{one['ms'] / two['ms']:.2f} times the throughput (wanted: 1.8); "
          f"stages running at a time: {one['busy']:.2f} and {two['busy']:.2f}")  # fmt: skip


def main() -> None:
    """The parts named on the command line, or all."""
    print(textwrap.shorten(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}", 200))
    parts = {"overhead": overhead, "sharing": sharing, "memory": memory, "workers": workers}
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
