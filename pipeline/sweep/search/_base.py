"""The contract of a search.

    for number in range(trials):
        configuration = search.ask(number)                  # None: there is nothing left to try
        search.observe(number, configuration, step, value)  # any number of times, where the metric is a curve
        search.tell(number, configuration, values)          # None for values: the trial failed

Asks and tells may interleave: several trials run at a time. ``tell`` also takes configurations that the search never
proposed: those that the user wrote, and those of an earlier sweep or of this one before it was interrupted. A search
keeps nothing else, so telling a new one the finished trials again is how a sweep resumes. Every draw is seeded with the
sweep's seed, the trial's number and the attempt, never with what was drawn before: so a resumed search goes on like an
undisturbed one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from pipeline.sweep.objective import Objective
from pipeline.sweep.space import Configuration, Space

if TYPE_CHECKING:
    import numpy as np


class Options(BaseModel):
    """What a file may set about a search: ``search: {tpe: {startup_trials: 20}}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Search(ABC):
    """Proposes configurations and learns from what became of them.

    several_metrics: whether it can optimise more than one.
    exhaustive: whether it ends by itself, so that ``trials`` need not be given.
    """

    Options: ClassVar[type[Options]] = Options
    several_metrics: ClassVar[bool] = False
    exhaustive: ClassVar[bool] = False

    def __init__(self, space: Space, objectives: Sequence[Objective], seed: int, options: Any) -> None:
        self.space, self.objectives, self.seed, self.options = space, tuple(objectives), seed, options

    @classmethod
    def refusal(cls, space: Space) -> str | None:
        """Why it cannot search this space: the rest of a sentence that begins with its name. None if it can."""
        return None

    @abstractmethod
    def ask(self, number: int, attempt: int = 0) -> Configuration | None:
        """A configuration for the trial ``number``, None if none is left.

        ``attempt`` counts how many proposals for this trial broke the constraints before.
        """

    @abstractmethod
    def tell(self, number: int, configuration: Mapping[str, Any], values: Sequence[float] | None) -> None:
        """The trial's final values, one for each objective; None if it failed."""

    def observe(self, number: int, configuration: Mapping[str, Any], step: int, value: float) -> None:  # noqa: B027
        """The objective's value after ``step``, for searches that learn from unfinished trials; others ignore it."""

    def derived_seed(self, number: int, attempt: int = 0) -> int:
        """A seed of 32 bits for one draw."""
        import numpy as np

        return int(np.random.SeedSequence([self.seed, number, attempt]).generate_state(1)[0])

    def generator(self, number: int, attempt: int = 0) -> np.random.Generator:
        """A generator for one draw."""
        import numpy as np

        return np.random.default_rng(self.derived_seed(number, attempt))

    def losses(self, values: Sequence[float] | None) -> list[float]:
        """The values turned so that smaller is better, infinity for a failure or what is not finite."""
        import math

        if values is None:
            return [math.inf] * len(self.objectives)
        return [
            objective.sign * value if math.isfinite(value) else math.inf
            for objective, value in zip(self.objectives, values, strict=True)
        ]


def categorical(space: Space) -> list[str]:
    """Names of the dimensions whose values have no order."""
    from pipeline.sweep.distributions import Choice

    return [dimension.name for dimension in space.dimensions if isinstance(dimension.distribution, Choice)]
