"""BOHB's model (Falkner, Klein & Hutter 2018, https://proceedings.mlr.press/v80/falkner18a.html)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from pipeline.sweep.distributions import Choice
from pipeline.sweep.objective import Objective
from pipeline.sweep.search import _base
from pipeline.sweep.search._base import Search
from pipeline.sweep.search._kde import ProductKernel
from pipeline.sweep.space import Configuration, Space


class BOHB(Search):
    """Models good and bad configurations on the largest budget (step) that enough trials have reached.

    When: learning curves, together with ``scheduler: bohb`` or ``hyperband``: unfinished trials inform it from the
    start. Limits: one metric; without steps it is a plain estimator of densities, where tpe is as good.
    The settings and their values are the paper's.
    """

    class Options(_base.Options):
        """What may be set."""

        random_fraction: float = Field(1 / 3, ge=0, le=1, description="Share of trials that are drawn at random.")
        top: float = Field(0.15, gt=0, lt=1, description="Share of the trials that count as good.")
        candidates: int = Field(64, gt=0, description="Draws among which the best is proposed.")
        bandwidth_factor: float = Field(3.0, gt=0, description="How much wider than the model candidates are drawn.")
        least_points: int | None = Field(None, ge=2, description="Trials that a model needs; dimensions + 1 if unset.")

    def __init__(self, space: Space, objectives: Sequence[Objective], seed: int, options: Any) -> None:
        super().__init__(space, objectives, seed, options)
        self._observed: dict[int, dict[int, tuple[list[float], float]]] = {}
        self._levels = [
            len(d.distribution.options) if isinstance(d.distribution, Choice) else 0 for d in space.dimensions
        ]

    def observe(self, number: int, configuration: Mapping[str, Any], step: int, value: float) -> None:
        """Each step is a budget of its own."""
        loss = self.losses([value])[0]
        self._observed.setdefault(step, {})[number] = self.space.vector(configuration), loss

    def tell(self, number: int, configuration: Mapping[str, Any], values: Sequence[float] | None) -> None:
        """Where the metric is no curve, or the trial failed, its end is all there is."""
        loss = self.losses(values)[0]
        budgets = [step for step, trials in self._observed.items() if number in trials]
        if values is None:
            for step in self._observed:
                self._observed[step][number] = self.space.vector(configuration), loss
        elif not budgets:
            self._observed.setdefault(0, {})[number] = self.space.vector(configuration), loss

    def ask(self, number: int, attempt: int = 0) -> Configuration:
        """The candidate with the highest ratio of good to bad density, or a random draw."""
        generator = self.generator(number, attempt)
        split = self._split()
        if split is None or generator.random() < self.options.random_fraction:
            return self.space.build(lambda dimension: dimension.distribution.sample(generator))
        good, bad = (ProductKernel(_imputed(rows, self._levels, generator), self._levels) for rows in split)
        candidates = good.draw(self.options.candidates, self.options.bandwidth_factor, generator)
        ratio = np.log(np.maximum(good.density(candidates), 1e-32)) - np.log(np.maximum(bad.density(candidates), 1e-32))
        return self.space.from_vector(candidates[int(np.argmax(ratio))])

    def _split(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Good and bad configurations of the largest budget with enough of them."""
        least = self.options.least_points or len(self.space.dimensions) + 1
        for step in sorted(self._observed, reverse=True):
            trials = list(self._observed[step].values())
            if sum(math.isfinite(loss) for _, loss in trials) < least + 2:
                continue
            rows = np.array([vector for vector, _ in trials])
            order = np.argsort([loss for _, loss in trials], kind="stable")
            good = max(least, int(self.options.top * len(trials)))
            bad = max(least, len(trials) - int(self.options.top * len(trials)))
            return rows[order[:good]], rows[order[-bad:]]
        return None


def _imputed(rows: np.ndarray, levels: Sequence[int], generator: np.random.Generator) -> np.ndarray:
    """Absent dimensions filled with values that other rows have, or uniform ones, as in the authors' code."""
    filled = rows.copy()
    for column, level in enumerate(levels):
        absent = np.isnan(filled[:, column])
        present = rows[~np.isnan(rows[:, column]), column]
        if absent.any():
            count = int(absent.sum())
            drawn = (generator.integers(0, level, count) + 0.5) / level if level else generator.random(count)
            filled[absent, column] = generator.choice(present, count) if len(present) else drawn
    return filled
