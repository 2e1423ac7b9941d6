"""Hyperband (Li et al. 2018, https://jmlr.org/papers/v18/16-558.html)."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from pipeline.sweep.schedulers import _base
from pipeline.sweep.schedulers._base import Scheduler


class Hyperband(Scheduler):
    """Successive halving in several brackets, from many short trials to few long ones, each rung waiting for all.

    When: it is not known whether early steps tell who wins. Limits: trials pause at rungs until their bracket is
    complete, so stages should save checkpoints, and workers idle at times; asha is usually faster. A trial ends at
    ``max_steps``: set it to the length of a full training.
    """

    class Options(_base.Options):
        """What may be set."""

        max_steps: int = Field(81, gt=1, description="Steps of a full training; no trial goes beyond.")
        reduction_factor: float = Field(3, gt=1, description="One in so many trials goes on at each rung.")

    pauses: ClassVar[bool] = True

    def build(self) -> Any:
        """Ray's for BOHB, which any search may use: its other one takes a bracket of one trial for a full one.

        Where trials begin one by one, as here, that lets every trial run to its end.
        """
        from ray.tune.schedulers import HyperBandForBOHB

        return HyperBandForBOHB(
            **self.common, max_t=self.options.max_steps, reduction_factor=self.options.reduction_factor
        )
