"""The trainable: one Ray actor that runs one configuration after another."""

from __future__ import annotations

import json
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray import tune

from pipeline.context import Checkpoints
from pipeline.plugins import Plugins
from pipeline.records import Run
from pipeline.runner import Runner
from pipeline.step import RunPlan
from pipeline.store import Store
from pipeline.sweep.configure import configure
from pipeline.sweep.execution import Execution, Report
from pipeline.sweep.objective import Objective
from pipeline.sweep.schedulers._base import OBJECTIVE, STEP
from pipeline.sweep.sharing import Shared
from pipeline.sweep.workplace import Workplace

EVENTS, OUTCOME = "events", "outcome"


@dataclass(frozen=True)
class Setup:
    """What every worker of a sweep must know.

    runs: the pipeline's runs, pickled: their classes are known once the local plugins are loaded.
    exclusive: whether results are kept under their keys, so that equal work waits for itself; not where trials pause.
    cached: whether results are kept beyond the trial at all.
    """

    workplace: Workplace
    experiment: str
    runs: bytes
    objective: Objective
    watched: bool
    shared: Shared
    exclusive: bool = True
    cached: bool = True
    fresh_since: float | None = None


class PlantedCheckpoints:
    """A stage's checkpoints, beginning with one that came from elsewhere."""

    def __init__(self, kept: Checkpoints, planted: tuple[Any, int] | None, told: Callable[[], None]) -> None:
        self._kept, self._planted, self._told = kept, planted, told

    def save(self, state: Any, step: int) -> None:
        """Keep it, after what led to it is told; what was planted is outdated."""
        self._told()
        self._planted = None
        self._kept.save(state, step)

    def load(self) -> tuple[Any, int] | None:
        """What was planted, else what was kept."""
        return self._planted or self._kept.load()

    def clear(self) -> None:
        """Remove them."""
        self._planted = None
        self._kept.clear()  # type: ignore[attr-defined]  # a store's checkpoints can be cleared


@dataclass
class TrialStore(Store):
    """The sweep's store as one trial sees it."""

    inner: Store
    exclusive: bool
    planted: tuple[Any, int] | None
    told: Callable[[], None]
    latest: Any = None
    key: str = ""

    def __post_init__(self) -> None:
        inner = self.inner
        super().__init__(inner.files, inner._codecs, inner._packages)

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """The store's lock, except where a paused trial would hold it against its own continuation."""
        if not self.exclusive:
            yield
            return
        with super().lock(key):
            yield

    def checkpoints(self, key: str) -> Any:
        """The stage's checkpoints; the first stage that asks gets what was planted."""
        self.latest = PlantedCheckpoints(super().checkpoints(key), self.planted, self.told)
        self.planted, self.key = None, key
        return self.latest


@dataclass
class Bench:
    """What a worker has set up once, for all its trials."""

    setup: Setup
    plugins: Plugins
    runs: tuple[RunPlan, ...]
    store: Store
    scratch: list[Path] = field(default_factory=list)

    @classmethod
    def set_up(cls, setup: Setup) -> Bench:
        """In a worker, once."""
        plugins, store = setup.workplace.enter()
        return cls(setup, plugins, pickle.loads(setup.runs), store)  # noqa: S301  # our own driver sent it

    def trial_store(self, planted: tuple[Any, int] | None, told: Callable[[], None]) -> TrialStore:
        """The store for one trial: the sweep's, or one that is thrown away."""
        if self.setup.cached:
            return TrialStore(self.store, self.setup.exclusive, planted, told)
        self.clear()
        folder = Path(tempfile.mkdtemp(prefix="pipeline-trial-"))
        self.scratch.append(folder)
        inner = Store.open(folder, codecs=self.plugins.codecs(), packages=self.plugins.packages)
        return TrialStore(inner, False, planted, told)

    def clear(self) -> None:
        """Remove the stores that were only for a trial."""
        while self.scratch:
            shutil.rmtree(self.scratch.pop(), ignore_errors=True)

    def portable(self, folder: str) -> Checkpoints:
        """Checkpoints in a folder that Tune carries between trials and machines."""
        store = Store.open(folder, codecs=self.plugins.codecs(), packages=self.plugins.packages)
        return store.checkpoints("trial")


class PipelineTrial(tune.Trainable):  # type: ignore[misc]  # ray is not followed
    """Runs a configuration of the pipeline; each result is one report of its Execution."""

    def setup(self, config: dict[str, Any], setup: Setup | None = None) -> None:
        """Prepare the worker, then the first trial."""
        assert setup is not None
        self._bench = Bench.set_up(setup)
        self._prepare(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """End the trial on hand and prepare the next; a stage that is stuck outside Python is left behind there."""
        self._execution.stop()
        self._prepare(new_config)
        return True

    def _prepare(self, config: Mapping[str, Any]) -> None:
        self._configuration = dict(config)
        self._planted: tuple[Any, int] | None = None
        self._last: dict[str, Any] = {}
        self._store: Any = None
        self._stuck = False
        seed = int(self.trial_id.rsplit("_", 1)[1])
        work = self._bench.setup
        run = Run("", work.experiment, self.trial_id, seed=seed)
        runs, chosen = self._bench.runs, self._configuration
        self._execution = Execution(run, lambda: configure(runs, chosen, seed), work.objective, work.watched)

    def _runner(self, execution: Execution) -> Runner:
        work = self._bench.setup
        self._store = self._bench.trial_store(self._planted, execution.told)
        runner = Runner(
            self._store, execution.emit, fresh=work.fresh_since is not None, shared=work.shared,
            redact=work.workplace.secrets.redact,
        )  # fmt: skip
        if work.fresh_since is not None:
            runner.started = work.fresh_since
        return runner

    def step(self) -> dict[str, Any]:
        """The next report."""
        if self._stuck:
            raise RuntimeError("a stage is stuck: this worker is given up")
        if not self._execution.started:
            self._execution.start(self._runner)
        report: Report = self._execution.next()
        if report.step is not None:
            self._last = {OBJECTIVE: report.value, STEP: report.step}
        result: dict[str, Any] = {EVENTS: report.events, "key": self._store.key, **self._last}
        if report.outcome is not None:
            objective = self._bench.setup.objective
            if objective.metric in report.outcome.metrics:
                result[OBJECTIVE] = report.outcome.metrics[objective.metric]
            self._stuck = report.stuck
            result.update({OUTCOME: report.outcome, "done": not report.stuck})
        return result

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """The stage's newest checkpoint and the last step that was reported."""
        begun = self._store is not None and self._store.latest is not None
        latest = self._store.latest.load() if begun else self._planted
        if latest is None and not self._bench.setup.cached:
            raise RuntimeError(
                f"stage {self._bench.setup.objective.stage!r} saves no checkpoints, without which its trials "
                "cannot go on from one another's: call context.save_checkpoint before context.log"
            )
        if latest is not None:
            self._bench.portable(checkpoint_dir).save(*latest)
        (Path(checkpoint_dir) / "last.json").write_text(json.dumps(self._last))

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Begin from a checkpoint that ``save_checkpoint`` wrote, here or elsewhere."""
        folder = Path(checkpoint)
        self._last = json.loads((folder / "last.json").read_text())
        self._planted = self._bench.portable(str(folder)).load()
        self._execution.after = self._last.get(STEP, -1)

    def cleanup(self) -> None:
        """The worker ends."""
        self._execution.stop()
        self._bench.clear()
