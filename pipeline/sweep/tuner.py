"""Drives ``ray.tune.Tuner``: it starts and stops trials as the agenda and the scheduler say, and tells what happens."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import ray
from ray import tune
from ray.tune import tune as runs
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.registry import get_trainable_cls
from ray.tune.search import SearchAlgorithm

from pipeline.records import RunOutcome
from pipeline.sweep.cluster import death
from pipeline.sweep.execution import Event
from pipeline.sweep.records import Assignment
from pipeline.sweep.schedulers._base import OBJECTIVE, STEP
from pipeline.sweep.trial import EVENTS, OUTCOME, PipelineTrial, Setup
from pipeline.sweep_spec import Resources

# How old the count of the cluster's processors may be (seconds): nodes join and leave.
FRESH = 3.0
# How long trials wait for another worker while one is free, since the last one came or went (seconds).
PATIENCE = 20.0


class Driver(Protocol):
    """What the tuner asks and tells."""

    def next(self) -> Assignment | None:
        """What to run now; None if nothing is left."""

    def heard(self, assignment: Assignment, events: list[Event], worker: str, key: str) -> None:
        """What a trial's stages told."""

    def stepped(self, assignment: Assignment, step: int, value: float, configuration: Mapping[str, Any]) -> None:
        """The objective after a step, under the configuration at that time."""

    def ended(self, assignment: Assignment, outcome: RunOutcome | None, error: str | None) -> None:
        """The trial ended: by itself with an outcome, by its worker's death with an error, or stopped early."""

    def enough(self) -> bool:
        """Whether everything is to stop now."""


class Unpickled:
    """Stays in the driver: Tune stores its own settings, which the sweep's journal makes needless."""

    def __reduce__(self) -> tuple[type[object], tuple[()]]:
        return object, ()

    def __deepcopy__(self, memo: dict[int, Any]) -> Unpickled:
        return self


class Pauses:
    """Ignores what HyperBandForBOHB tells of pauses: a paused trial is counted out by its status."""

    def on_pause(self, trial_id: str) -> None:
        """A trial waits."""

    def on_unpause(self, trial_id: str) -> None:
        """It goes on."""


class KnownTrial(Trial):  # type: ignore[misc]  # ray is not followed
    """A trial that knows its trainable: Ray's asks the cluster for it three times over, half a millisecond each."""

    def __init__(self, trainable: type[tune.Trainable], *arguments: Any, **options: Any) -> None:
        self.trainable = trainable
        super().__init__(*arguments, **options, stub=True)  # a stub's trainable is not looked up
        self.stub = False

    def get_trainable_cls(self) -> type[tune.Trainable]:
        """What the trial runs."""
        return self.trainable


@dataclass
class Proposer(Unpickled, SearchAlgorithm):  # type: ignore[misc]  # ray is not followed
    """Ray Tune's source of trials: a front for the driver.

    It is a SearchAlgorithm and not a Searcher, for which population based schedulers do not accept one.
    """

    driver: Driver
    concurrency: int | None
    share: Mapping[str, float]
    make: Callable[[Assignment], Trial] | None = None
    trials: dict[str, tuple[Assignment, Trial]] = field(default_factory=dict)
    outcomes: dict[str, RunOutcome] = field(default_factory=dict)
    exhausted: bool = False
    _room: tuple[float, int] = (0.0, 1)

    @property
    def searcher(self) -> Pauses:
        """What HyperBandForBOHB tells of pauses."""
        return Pauses()

    @property
    def total_samples(self) -> int:
        """Unknown: the agenda decides."""
        return 0

    def add_configurations(self, experiments: Any) -> None:
        """Learn from Tune's experiment how a Trial is made."""
        (experiment,) = experiments if isinstance(experiments, list) else [experiments]
        spec = experiment.spec
        trainable = get_trainable_cls(spec["run"])

        def make(assignment: Assignment) -> Trial:
            return KnownTrial(
                trainable,
                spec["run"],
                config=dict(assignment.configuration),
                trial_id=assignment.name,
                experiment_tag=assignment.name,
                storage=spec["storage"],
                stopping_criterion=spec.get("stop"),
                checkpoint_config=spec.get("checkpoint_config"),
                placement_group_factory=spec.get("resources_per_trial"),
                max_failures=spec.get("max_failures", 0),
            )

        self.make = make

    def next_trial(self) -> Trial | None:
        """A new trial, if there is room and something to run."""
        if self.exhausted or self.driver.enough() or self._live() >= (self.concurrency or self._fitting()):
            return None
        assignment = self.driver.next()
        if assignment is None:
            self.exhausted = True
            return None
        assert self.make is not None
        trial = self.make(assignment)
        self.trials[trial.trial_id] = assignment, trial
        return trial

    @property
    def room(self) -> int:
        """How many workers can be at work."""
        return min(self.concurrency or self._fitting(), self._fitting())

    def _live(self) -> int:
        return sum(trial.status in (Trial.PENDING, Trial.RUNNING) for _, trial in self.trials.values())

    def _fitting(self) -> int:
        """How many trials the cluster has room for."""
        now = time.monotonic()
        if now - self._room[0] > FRESH:
            have = ray.cluster_resources()
            names = {"cpu": "CPU", "gpu": "GPU"}
            rooms = [have.get(names.get(name, name), 0) / amount for name, amount in self.share.items() if amount]
            room = int(min(rooms) + 1e-9)
            self._room = now, max(room, 1)
        return self._room[1]

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Heard by ``Ears`` instead, the last one too."""

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """The trial is over."""
        assignment, trial = self.trials.pop(trial_id)
        outcome = self.outcomes.pop(trial_id, None)
        self.driver.ended(assignment, outcome, _cause(trial) if error else None)

    def is_finished(self) -> bool:
        """Whether no trial will follow."""
        return self.exhausted or self.driver.enough()

    def has_checkpoint(self, dirpath: str) -> bool:
        """The sweep's journal is what survives."""
        return False

    def save_to_dir(self, dirpath: str, **kwargs: Any) -> None:
        """As above."""

    def restore_from_dir(self, dirpath: str) -> None:
        """As above."""


class Ears(Unpickled, tune.Stopper):  # type: ignore[misc]  # ray is not followed
    """Hears every result before anybody else, and ends everything when the driver says so.

    A Callback would hear them too, but to count what is used Ray imports MLflow (two seconds) as soon as there is one.
    """

    def __init__(self, driver: Driver, proposer: Proposer) -> None:
        self.driver, self.proposer = driver, proposer

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Take out what the stages told, before Tune keeps the result; no trial is ended here."""
        assignment, trial = self.proposer.trials[trial_id]
        worker = f"{result.get('node_ip', '')}:{result.get('pid', '')}"
        self.driver.heard(assignment, result.pop(EVENTS, []), worker, result.pop("key", ""))
        outcome = result.pop(OUTCOME, None)
        if outcome is not None:
            self.proposer.outcomes[trial_id] = outcome
            if not result.get("done"):
                # Its worker gives up next, for a stage is stuck there: no reason to begin the trial again.
                trial.max_failures = 0
        elif OBJECTIVE in result and STEP in result:
            self.driver.stepped(assignment, result[STEP], result[OBJECTIVE], trial.config)
        return False

    def stop_all(self) -> bool:
        """Whether all trials are to end."""
        return self.driver.enough()


class PatientController(TuneController):  # type: ignore[misc]  # ray is not followed
    """Lets a trial whose own worker is starting wait for it.

    Ray's hands it the worker that becomes free first and ends the one that was starting: where trials are shorter than
    the start of a worker, there is never a second one.
    """

    def __init__(self, *arguments: Any, search_alg: Proposer, **options: Any) -> None:
        self.proposer, self.workers, self.since = search_alg, 0, time.monotonic()
        super().__init__(*arguments, search_alg=search_alg, **options)

    def _maybe_reuse_cached_actor(self, trial: Trial) -> bool:
        return not self._worth_waiting(trial) and bool(super()._maybe_reuse_cached_actor(trial))

    def _worth_waiting(self, trial: Trial) -> bool:
        """Whether its own worker is on its way, the cluster has room for it, and others can use the free one."""
        if trial not in self._trial_to_actor or trial in self._resetting_trials or self.proposer.is_finished():
            return False
        if self.workers != len(self._started_actors):
            self.workers, self.since = len(self._started_actors), time.monotonic()
        # The room may be another's in truth: then no worker comes, and one wait is enough for all trials.
        return self.workers < self.proposer.room and time.monotonic() - self.since < PATIENCE


@contextmanager
def _patient() -> Iterator[None]:
    """Tune has no other way to be given a controller."""
    before, runs.TuneController = runs.TuneController, PatientController
    try:
        yield
    finally:
        runs.TuneController = before


def drive(
    driver: Driver, setup: Setup, scheduler: Any, resources: Resources, *,
    concurrency: int | None, max_failures: int, folder: str, name: str, patient: bool,
) -> None:  # fmt: skip
    """Run trials until nothing is left.

    patient: trials may wait for a worker of their own. Not where trials wait for each other: then none would go on.
    """
    share = _share(resources)
    proposer = Proposer(driver, concurrency, share)
    trainable = tune.with_resources(tune.with_parameters(PipelineTrial, setup=setup), share)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(search_alg=proposer, scheduler=scheduler, reuse_actors=True),
            run_config=tune.RunConfig(
                name=name,
                storage_path=folder,
                verbose=0,
                stop=Ears(driver, proposer),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                failure_config=tune.FailureConfig(max_failures=max_failures),
            ),
        )
        with _patient() if patient else nullcontext():
            tuner.fit()


def _share(resources: Resources) -> dict[str, float]:
    extra = {name: float(amount) for name, amount in (resources.model_extra or {}).items()}
    return {"cpu": resources.cpu, **({"gpu": resources.gpu} if resources.gpu else {}), **extra}


def _cause(trial: Trial) -> str:
    """Why a trial's worker is gone, in one sentence."""
    error = trial.get_pickled_error()
    return death(error if error is not None else "the worker died")  # only a stage's own error is kept by Ray
