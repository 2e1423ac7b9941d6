"""NSGA-II, an evolution of the Pareto front (Deb et al. 2002, https://doi.org/10.1109/4235.996017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from pipeline.sweep.search import _base
from pipeline.sweep.search._optuna import OptunaSearch, internal

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class NSGA2(OptunaSearch):
    """Breeds each generation from the last by non-domination rank and crowding distance.

    When: several metrics and hundreds of trials, any space. Limits: nothing is gained before the second generation, so
    give at least ten times ``population`` trials; tpe needs fewer. Optuna's sampler.
    """

    class Options(_base.Options):
        """What may be set."""

        population: int = Field(20, ge=2, description="Configurations in a generation.")

    several_metrics: ClassVar[bool] = True

    def sampler(self, seed: int) -> BaseSampler:
        """Optuna's."""
        from optuna.samplers import NSGAIISampler

        return NSGAIISampler(population_size=self.options.population, seed=seed)

    def tell(self, number: int, configuration: Mapping[str, Any], values: Sequence[float] | None) -> None:
        """A trial from elsewhere takes its place in the generation that it would have been born into."""
        if number not in self._open:
            known = {d.name: configuration[d.name] for d in self.space.dimensions if d.name in configuration}
            fitting = {n: v for n, v in known.items() if self.space[n].distribution.contains(v)}
            self.study.enqueue_trial({name: internal(self.space[name], value) for name, value in fitting.items()})
            self.ask(number)
        super().tell(number, configuration, values)
