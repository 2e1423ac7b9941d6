"""Population based training (Jaderberg et al. 2017, https://arxiv.org/abs/1711.09846)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pipeline.sweep.schedulers._population import Population, PopulationOptions, explore
from pipeline.sweep.space import Configuration


class PBT(Population):
    """Every ``interval`` steps the worst trials copy the best ones' checkpoints and perturb their values.

    When: values that should change during training (learning rates, weights of a loss), a population of 10 or more.
    Limits: it finds a schedule, not a configuration: the best run cannot be repeated from its last values alone. Stages
    must save checkpoints. ``perturb`` leaves out what a checkpoint depends on, such as layer sizes.
    """

    class Options(PopulationOptions):
        """What may be set."""

        resample: float = Field(0.25, ge=0, le=1, description="Probability of a fresh draw instead of a perturbation.")
        factors: list[float] = Field([0.8, 1.2], min_length=1, description="A number is multiplied by one of these.")

    def build(self) -> Any:
        """Ray's, with a perturbation that stays within the space."""
        import random

        import numpy as np
        from ray.tune.schedulers import PopulationBasedTraining

        random.seed(self.seed)  # Ray chooses the trial to copy by the global generator
        generator = np.random.default_rng(self.seed)
        space, dimensions, options = self.combination.space, self.perturbed, self.options

        def perturb(configuration: Configuration) -> Configuration:
            return explore(space, dimensions, configuration, options.resample, options.factors, generator)

        return PopulationBasedTraining(
            **self.common,
            perturbation_interval=options.interval,
            burn_in_period=options.burn_in,
            quantile_fraction=options.quantile,
            custom_explore_fn=perturb,
            log_config=False,
        )
