"""The contract of a scheduler: what a file may set, what it cannot work with, and Ray Tune's scheduler that does it.

Its results carry ``OBJECTIVE``, the sweep's metric as the stage logged it, and ``STEP``, the step of that call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from pipeline.sweep.objective import Objective
from pipeline.sweep.space import Space

OBJECTIVE, STEP = "objective", "step"


class Options(BaseModel):
    """What a file may set about a scheduler: ``scheduler: {asha: {grace_period: 2}}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Combination:
    """What a scheduler is to work with; ``search`` is the search's name."""

    search: str
    space: Space
    trials: int


class Scheduler(ABC):
    """Decides after each step of a trial whether it goes on.

    watches_steps: needs a metric that is logged with a step.
    pauses: trials wait for each other, so their checkpoints travel between workers.
    changes_trials: a trial may go on from another's checkpoint with other values, so its result is not a function of
        its configuration and must not be cached under it.
    """

    Options: ClassVar[type[Options]] = Options
    watches_steps: ClassVar[bool] = True
    pauses: ClassVar[bool] = False
    changes_trials: ClassVar[bool] = False

    def __init__(self, objective: Objective, combination: Combination, seed: int, options: Any) -> None:
        self.objective, self.combination, self.seed, self.options = objective, combination, seed, options

    @classmethod
    def refusal(cls, combination: Combination, options: Any) -> str | None:
        """Why it cannot work so: the rest of a sentence that begins with its name. None if it can."""
        return None

    @abstractmethod
    def build(self) -> Any:
        """The ``ray.tune.schedulers.TrialScheduler``."""

    @property
    def common(self) -> dict[str, Any]:
        """The arguments that all of Ray's schedulers take."""
        return {"time_attr": STEP, "metric": OBJECTIVE, "mode": self.objective.mode}
