"""LCBench's learning curves for benchmarks/search_quality.py: the surrogate, and searches that run on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.sweep.distributions import LogRandInt, LogUniform, RandInt, Uniform
from pipeline.sweep.objective import Objective
from pipeline.sweep.search import search_class
from pipeline.sweep.space import Dimension, Space

YAHPO = "https://raw.githubusercontent.com/slds-lmu/yahpo_data/efdab9072f63bd680396cd4b78b927c4a0caaad3/lcbench/"
HASHES = {
    "model.onnx": "b45c0d85ae39abf8820c8bea5ac82f415763afcbaf3b725e36af452b09cb6dcd",
    "encoding.json": "d8af928f412bbeb07e58ecd69877fcab35fbc595333d1c1c3f76120d2f2508da",
}
EPOCHS = 50
FULL_TRAININGS = 20

STAGES = '''
"""Stages for benchmarks/search_quality.py."""
from functools import cache
from typing import ClassVar
import numpy as np
from pipeline import Context, Stage, hookimpl


@cache
def surrogate(path: str):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options)


class Train(Stage):
    """A network's learning curve by LCBench's surrogate."""
    emits: ClassVar = {"error": "min"}
    per_step: ClassVar = ("error",)
    path: str
    task: int
    epochs: int = 50
    batch_size: int = 91
    learning_rate: float = 0.003
    momentum: float = 0.5
    weight_decay: float = 0.05
    num_layers: int = 3
    max_units: int = 256
    max_dropout: float = 0.5

    def curve(self) -> np.ndarray:
        """Validation error in percent after each epoch."""
        fixed = [self.batch_size, self.learning_rate, self.momentum, self.weight_decay, self.num_layers,
                 self.max_units, self.max_dropout]
        numbers = np.array([[epoch, *fixed] for epoch in range(1, self.epochs + 1)], np.float32)
        tasks = np.full((self.epochs, 1), self.task, np.int32)
        (output,) = surrogate(self.path).run(None, {"x_cat": tasks, "x_cont": numbers})
        return 100 - output[:, 1]

    def run(self, context: Context) -> float:
        """Log it epoch by epoch."""
        for epoch, error in enumerate(self.curve(), 1):
            context.log({"error": error}, step=epoch)
        return float(error)


@hookimpl
def pipeline_stages():
    return [Train]
'''

PIPELINE = """
name: {task}-{method}
seed: {seed}
plugins: [{plugin}]
stages:
  train: {{uses: lcbench_stages.train, with: {{path: {path}, task: {index}}}}}
sweep:
  metric: train/error
  trials: 100000
  concurrency: 1
  search: {search}
  scheduler: {scheduler}
  space:
    train.batch_size: {{lograndint: [16, 512]}}
    train.learning_rate: {{loguniform: [1.0e-4, 1.0e-1]}}
    train.momentum: {{uniform: [0.1, 0.99]}}
    train.weight_decay: {{uniform: [1.0e-5, 0.1]}}
    train.num_layers: {{randint: [1, 5]}}
    train.max_units: {{lograndint: [64, 1024]}}
    train.max_dropout: {{uniform: [0, 1]}}
"""


def whole_trainings(name: str, words: Mapping[str, Any]) -> Callable[[int], Sequence[float]]:
    """A search whose every trial is trained to its end: what a sweep without a scheduler would do."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("lcbench_stages", words["plugin"])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    bounds = {
        "batch_size": LogRandInt(16, 512),
        "learning_rate": LogUniform(1e-4, 1e-1),
        "momentum": Uniform(0.1, 0.99),
        "weight_decay": Uniform(1e-5, 0.1),
        "num_layers": RandInt(1, 5),
        "max_units": LogRandInt(64, 1024),
        "max_dropout": Uniform(0.0, 1.0),
    }
    space = Space(tuple(Dimension(field, "train", (field,), distribution) for field, distribution in bounds.items()))

    def run(seed: int) -> list[float]:
        kind = search_class(name)
        search = kind(space, (Objective("train/error", "min"),), seed, kind.Options())
        values: list[float] = []
        for number in range(FULL_TRAININGS):
            configuration = search.ask(number)
            assert configuration is not None
            curve = module.Train(path=str(words["path"]), task=words["index"], **configuration).curve()
            search.tell(number, configuration, [float(curve[-1])])
            values += curve.tolist()
        return values

    return run


def sweeping(scratch: Path, words: Mapping[str, Any]) -> Callable[[int], Sequence[float]]:
    """A whole sweep until so many epochs are trained."""
    from pipeline.api import Pipeline
    from pipeline.sweep import sweep

    def run(seed: int) -> list[float]:
        file = scratch / "lcbench.yaml"
        file.write_text(PIPELINE.format(seed=seed, **words))
        values: list[float] = []
        sessions: list[Any] = []

        def notify(hook: str, **arguments: Any) -> None:
            if hook == "pipeline_record" and arguments["record"].step is not None:
                values.append(arguments["record"].values["error"])
                sessions[0].stopping = len(values) >= EPOCHS * FULL_TRAININGS

        plan = Pipeline.load(file, trust=True).plan
        sweep(plan, store=None, notify=notify, folder=scratch, started=sessions.append)
        return values[: EPOCHS * FULL_TRAININGS]

    return run


def lcbench() -> Path | None:
    """The folder of the surrogate: below PIPELINE_DATA, else downloaded once."""
    folder = Path(os.environ.get("PIPELINE_DATA", "")) / "yahpo" / "lcbench"
    if all((folder / name).is_file() for name in HASHES):
        return folder.resolve()
    import pooch

    try:
        place = pooch.os_cache("experiment-pipeline-bench")
        kept = [pooch.retrieve(YAHPO + name, f"sha256:{h}", name, place) for name, h in HASHES.items()]
    except (OSError, ValueError) as error:
        print(f"LCBench is left out: {YAHPO} cannot be fetched ({error}); put its files into {folder}", file=sys.stderr)
        return None
    return Path(kept[0]).parent
