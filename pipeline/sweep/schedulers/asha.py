"""Asynchronous successive halving (Li et al. 2020, https://arxiv.org/abs/1810.05934)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pipeline.sweep.schedulers import _base
from pipeline.sweep.schedulers._base import Combination, Scheduler


class ASHA(Scheduler):
    """At steps ``grace_period`` times 1, ``reduction_factor``, its square, ... only the best share of trials goes on.

    When: the default choice wherever a metric is a curve; many trials, any number of workers, none ever waits. Limits:
    a configuration that starts slowly (a small learning rate) may be stopped before it wins: raise ``grace_period``.
    """

    class Options(_base.Options):
        """What may be set."""

        grace_period: int = Field(1, ge=1, description="Steps that every trial is given.")
        reduction_factor: float = Field(3, gt=1, description="One in so many trials goes on at each rung.")
        max_steps: int = Field(100_000, gt=1, description="No trial goes beyond this step.")
        brackets: int = Field(1, ge=1, description="Rules at a time, each with a longer grace period than the last.")

    @classmethod
    def refusal(cls, combination: Combination, options: Any) -> str | None:
        """A grace period that outlasts the trials."""
        return "needs max_steps above grace_period" if options.max_steps <= options.grace_period else None

    def build(self) -> Any:
        """Ray's."""
        from ray.tune.schedulers import ASHAScheduler

        return ASHAScheduler(
            **self.common,
            grace_period=self.options.grace_period,
            reduction_factor=self.options.reduction_factor,
            max_t=self.options.max_steps,
            brackets=self.options.brackets,
        )
