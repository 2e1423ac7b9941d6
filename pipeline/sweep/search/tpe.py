"""Tree-structured Parzen estimators (Bergstra et al. 2011; the multivariate form after Falkner et al. 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pipeline.sweep.search import _base
from pipeline.sweep.search._optuna import OptunaSearch

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class TPE(OptunaSearch):
    """Models where good and where other configurations lie, and proposes what is likely under the first only.

    When: the default; any space, conditional ones too, 30 to 1,000 trials, several workers, failed trials. Several
    metrics by their non-domination rank. With a scheduler trials are compared at the largest step that enough of them
    have reached. Limits: its first trials are random; a Gaussian process needs fewer trials on few real dimensions.
    Optuna's sampler, multivariate, one model for each set of dimensions that exist together.
    """

    class Options(_base.Options):
        """What may be set."""

        startup_trials: int = Field(10, ge=0, description="Random trials before the model is trusted.")
        candidates: int = Field(24, gt=0, description="Draws among which the best is proposed.")

    several_metrics: ClassVar[bool] = True

    def sampler(self, seed: int) -> BaseSampler:
        """Optuna's, told to assume the worst of trials that still run."""
        from pipeline.sweep.search._common_step import CommonStepSampler

        return CommonStepSampler(
            self.options.startup_trials,
            n_startup_trials=self.options.startup_trials,
            n_ei_candidates=self.options.candidates,
            multivariate=True,
            group=True,
            constant_liar=True,
            seed=seed,
        )
