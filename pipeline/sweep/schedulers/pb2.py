"""Population based bandits (Parker-Holder et al. 2020, https://arxiv.org/abs/2002.02518)."""

from __future__ import annotations

from typing import Any

from pipeline.sweep.distributions import Choice, Range
from pipeline.sweep.schedulers._base import Combination
from pipeline.sweep.schedulers._population import Population, PopulationOptions, within
from pipeline.sweep.space import Configuration


class PB2(Population):
    """As pbt, but a Gaussian process over time chooses the new values.

    When: pbt with a small population (4 to 8). Limits: numbers only, on linear scales; the others as pbt's.
    """

    class Options(PopulationOptions):
        """What may be set."""

    @classmethod
    def refusal(cls, combination: Combination, options: Any) -> str | None:
        """As pbt, and dimensions without an order."""
        if reason := super().refusal(combination, options):
            return reason
        for name in options.perturb or combination.space.names:
            if isinstance(combination.space[name].distribution, Choice):
                return f"cannot change {name!r}, which is not a number; list numbers in 'perturb', or take pbt"
        return None

    def build(self) -> Any:
        """Ray's, its proposals rounded and held within the space."""
        import random

        from ray.tune.schedulers.pb2 import PB2 as RayPB2

        random.seed(self.seed)  # Ray chooses the trial to copy by the global generator
        dimensions = self.perturbed
        bounds = {
            d.name: [float(d.distribution.low), float(d.distribution.high)]
            for d in dimensions
            if isinstance(d.distribution, Range)
        }

        def held(configuration: Configuration) -> Configuration:
            return configuration | {d.name: within(d, float(configuration[d.name])) for d in dimensions}

        return RayPB2(
            **self.common,
            perturbation_interval=self.options.interval,
            hyperparam_bounds=bounds,
            quantile_fraction=self.options.quantile,
            custom_explore_fn=held,
            log_config=False,
        )
