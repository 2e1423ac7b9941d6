"""What PBT and PB2 share: which dimensions they may change, and how a changed value stays within its dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from pipeline.sweep.distributions import Choice, QUniform, Range
from pipeline.sweep.schedulers import _base
from pipeline.sweep.schedulers._base import Combination, Scheduler
from pipeline.sweep.space import Configuration, Dimension, Space

if TYPE_CHECKING:
    import numpy as np

# A perturbed configuration that breaks a constraint is perturbed anew so often, then left as it was.
TRIES = 100


class PopulationOptions(_base.Options):
    """What may be set."""

    interval: int = Field(1, ge=1, description="Steps between two looks at the population.")
    perturb: list[str] | None = Field(None, description="Dimensions that may change on the way; all by default.")
    quantile: float = Field(0.25, gt=0, le=0.5, description="Share of trials that is replaced, by the same share.")
    burn_in: int = Field(0, ge=0, description="Steps before the first look.")


class Population(Scheduler):
    """Trials are a population: the worst go on from the checkpoints of the best, with changed values."""

    Options: ClassVar[type[_base.Options]] = PopulationOptions
    pauses: ClassVar[bool] = True
    changes_trials: ClassVar[bool] = True

    @classmethod
    def refusal(cls, combination: Combination, options: Any) -> str | None:
        """A search that plans ahead, conditions, unknown names, or a population of one."""
        if combination.search not in ("random", "sobol", "manual"):
            return (
                f"starts from a random population and changes it on the way, which search: {combination.search} "
                "would not understand; use search: random or sobol"
            )
        if combination.space.conditional:
            return "copies checkpoints between trials, which must not differ in their variants"
        unknown = [name for name in options.perturb or () if name not in combination.space.names]
        if unknown:
            return f"cannot perturb {unknown[0]!r}, which is no dimension of the space"
        if not combination.space.dimensions:
            return "needs a space to perturb"
        return "needs a population of at least 2 trials" if combination.trials < 2 else None

    @property
    def perturbed(self) -> list[Dimension]:
        """The dimensions that may change on the way."""
        space = self.combination.space
        names = self.options.perturb if self.options.perturb is not None else space.names
        return [space[name] for name in names]


def explore(
    space: Space, dimensions: Sequence[Dimension], configuration: Mapping[str, Any], resample: float,
    factors: Sequence[float], generator: np.random.Generator,
) -> Configuration:  # fmt: skip
    """A neighbour: each dimension drawn anew with probability ``resample``, else multiplied by one of ``factors``.

    A choice moves to a neighbouring option (Jaderberg et al. 2017, appendix A).
    """
    for _ in range(TRIES):
        changed = dict(configuration)
        for dimension in dimensions:
            if dimension.name not in changed:
                continue
            if generator.random() < resample:
                changed[dimension.name] = dimension.distribution.sample(generator)
            else:
                changed[dimension.name] = _moved(dimension, changed[dimension.name], factors, generator)
        if space.allows(changed):
            return changed
    return dict(configuration)


def _moved(dimension: Dimension, value: Any, factors: Sequence[float], generator: np.random.Generator) -> Any:
    distribution = dimension.distribution
    values = distribution.values
    if isinstance(distribution, Choice | QUniform) and values is not None:
        neighbour = list(values).index(value) + int(generator.choice((-1, 1)))
        return values[min(max(neighbour, 0), len(values) - 1)]
    return within(dimension, value * float(generator.choice(factors)))


def within(dimension: Dimension, value: Any) -> Any:
    """The value of the dimension's range next to ``value``."""
    distribution = dimension.distribution
    assert isinstance(distribution, Range)
    if isinstance(distribution, QUniform):
        value = distribution.low + round((value - distribution.low) / distribution.step) * distribution.step
    value = round(value) if distribution.whole else value
    return type(distribution.low)(min(max(value, distribution.low), distribution.high))
