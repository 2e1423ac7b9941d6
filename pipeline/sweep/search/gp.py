"""Bayesian optimisation with a Gaussian process (Snoek et al. 2012; log expected improvement, Ament et al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pipeline.sweep.search import _base
from pipeline.sweep.search._optuna import OptunaSearch
from pipeline.sweep.space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class GaussianProcess(OptunaSearch):
    """Fits a Gaussian process (Matérn 5/2, a length for each dimension) and maximises log expected improvement.

    When: each trial is costly, up to about twenty dimensions and 300 trials; the fewest trials to a good value.
    Limits: seconds for each proposal, more with every trial; no dimensions that exist in some variants only. Optuna's
    sampler; needs torch.
    """

    class Options(_base.Options):
        """What may be set."""

        startup_trials: int = Field(10, ge=1, description="Random trials before the model is trusted.")
        noiseless: bool = Field(False, description="The same configuration always gives the same value.")

    several_metrics: ClassVar[bool] = True

    @classmethod
    def refusal(cls, space: Space) -> str | None:
        """A conditional space, or no torch."""
        from importlib.util import find_spec

        if space.conditional:
            absent = next(d.name for d in space.dimensions if d.variants is not None)
            return f"cannot search {absent!r}, which exists for some variants only; tpe, random, sobol and bohb can"
        return None if find_spec("torch") else "needs torch: pip install 'experiment-pipeline[vae]'"

    def sampler(self, seed: int) -> BaseSampler:
        """Optuna's."""
        from optuna.samplers import GPSampler

        return GPSampler(
            n_startup_trials=self.options.startup_trials,
            deterministic_objective=self.options.noiseless,
            warn_independent_sampling=False,
            seed=seed,
        )
