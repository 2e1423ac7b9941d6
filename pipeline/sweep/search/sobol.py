"""Quasi-random search: a scrambled Sobol' sequence (Sobol' 1967; Owen 1998; Joe & Kuo 2008 for the directions)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pipeline.sweep.search._base import Search
from pipeline.sweep.space import Configuration, Space

# Joe & Kuo's table ends there.
MOST_DIMENSIONS = 21_201


class Sobol(Search):
    """Covers the space more evenly than random draws do.

    When: up to about ten dimensions and a fixed number of trials, best a power of two; a strong start for anything.
    Limits: it learns nothing; a dimension that exists under one variant only is covered as evenly as that variant is.
    """

    several_metrics: ClassVar[bool] = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._used = 0
        self._asked: set[int] = set()

    @classmethod
    def refusal(cls, space: Space) -> str | None:
        """More dimensions than the sequence has."""
        many = len(space.dimensions) > MOST_DIMENSIONS
        return f"has at most {MOST_DIMENSIONS:,} dimensions" if many else None

    def ask(self, number: int, attempt: int = 0) -> Configuration:
        """The next point of the sequence."""
        from scipy.stats import qmc

        sequence = qmc.Sobol(max(len(self.space.dimensions), 1), scramble=True, rng=self.seed)
        if self._used:
            sequence.fast_forward(self._used)
        self._used += 1
        self._asked.add(number)
        with warnings.catch_warnings():
            # It warns that its balance needs powers of two; a sweep may stop anywhere.
            warnings.simplefilter("ignore", UserWarning)
            return self.space.from_vector(sequence.random(1)[0][: len(self.space.dimensions)])

    def tell(self, number: int, configuration: Mapping[str, Any], values: Sequence[float] | None) -> None:
        """A trial from before an interruption has used its point."""
        if number not in self._asked:
            self._asked.add(number)
            self._used += 1
