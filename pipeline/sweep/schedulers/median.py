"""The median stopping rule (Golovin et al. 2017, Google Vizier, https://doi.org/10.1145/3097983.3098043)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pipeline.sweep.schedulers import _base
from pipeline.sweep.schedulers._base import Scheduler


class Median(Scheduler):
    """Stops a trial whose best value so far is worse than the median of the others' running means at that step.

    When: curves that rarely cross, and no wish to choose budgets. Limits: it saves less than asha, and nothing before
    ``least_trials`` have passed the grace period.
    """

    class Options(_base.Options):
        """What may be set."""

        grace_period: int = Field(1, ge=0, description="Steps that every trial is given.")
        least_trials: int = Field(3, ge=1, description="Trials that a median needs.")

    def build(self) -> Any:
        """Ray's, which never pauses here."""
        from ray.tune.schedulers import MedianStoppingRule

        return MedianStoppingRule(
            **self.common,
            grace_period=self.options.grace_period,
            min_samples_required=self.options.least_trials,
            hard_stop=True,
        )
