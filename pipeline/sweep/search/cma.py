"""CMA-ES (Hansen & Ostermeier 2001; with margin for whole numbers, Hamano et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from pipeline.sweep.distributions import Range
from pipeline.sweep.objective import Objective
from pipeline.sweep.search import _base
from pipeline.sweep.search._base import Search, categorical
from pipeline.sweep.space import Configuration, Space

if TYPE_CHECKING:
    import numpy as np


class CMA(Search):
    """Adapts a normal distribution towards better configurations, one generation at a time.

    When: real and whole dimensions, hundreds of trials or more, a rugged or ill-conditioned objective. Limits: no
    choices and no variants; little is learned within fewer than ten generations. The ``cmaes`` package.
    """

    class Options(_base.Options):
        """What may be set."""

        population: int | None = Field(None, ge=4, description="Trials in a generation; 4 + 3 ln(dimensions) if unset.")
        sigma: float = Field(0.25, gt=0, le=1, description="Initial deviation, in parts of each dimension's range.")

    def __init__(self, space: Space, objectives: Sequence[Objective], seed: int, options: Any) -> None:
        super().__init__(space, objectives, seed, options)
        import cmaes
        import numpy as np

        count = len(space.dimensions)
        bounds, steps = np.tile([0.0, 1.0], (count, 1)), np.zeros(count)
        for index, dimension in enumerate(space.dimensions):
            values = dimension.distribution.values
            logarithmic = isinstance(dimension.distribution, Range) and dimension.distribution.log
            if values is not None and not logarithmic:
                steps[index] = 1 / len(values)
                bounds[index] = 0.5 / len(values), 1 - 0.5 / len(values)
        common = {"sigma": options.sigma, "bounds": bounds, "seed": seed, "population_size": options.population}
        mean = np.full(count, 0.5)
        self._discrete = bool(steps.any())
        self._cma: Any = (
            cmaes.CMAwM(mean=mean, steps=steps, **common) if self._discrete else cmaes.CMA(mean=mean, **common)
        )
        self._proposed: dict[int, tuple[Configuration, np.ndarray]] = {}
        self._told: list[tuple[np.ndarray, float]] = []

    @classmethod
    def refusal(cls, space: Space) -> str | None:
        """Choices, variants, or a single dimension."""
        if names := categorical(space):
            return f"cannot search {names[0]!r}, whose values have no order; tpe, random, sobol and bohb can"
        if len(space.dimensions) < 2:
            return "needs at least two dimensions"
        return None

    def ask(self, number: int, attempt: int = 0) -> Configuration:
        """A draw from the current distribution."""
        self._cma.reseed_rng(self.derived_seed(number, attempt))
        evaluated, told = self._cma.ask() if self._discrete else (self._cma.ask(),) * 2
        configuration = self.space.from_vector(evaluated)
        self._proposed[number] = configuration, told
        return configuration

    def tell(self, number: int, configuration: Mapping[str, Any], values: Sequence[float] | None) -> None:
        """Learn when a generation is complete; a failure counts as worse than all that is known."""
        import numpy as np

        proposed = self._proposed.pop(number, None)
        if proposed is not None and proposed[0] == configuration:
            position = proposed[1]
        else:
            position = np.array(self.space.vector(configuration))
            if np.isnan(position).any():
                return
        self._told.append((position, self.losses(values)[0]))
        if len(self._told) == self._cma.population_size:
            finite = [loss for _, loss in self._told if np.isfinite(loss)]
            worst = max(finite, default=0.0)
            self._cma.tell([(p, loss if np.isfinite(loss) else worst + abs(worst) + 1) for p, loss in self._told])
            self._told = []
