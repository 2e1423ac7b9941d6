"""Random search (Bergstra & Bengio 2012, https://jmlr.org/papers/v13/bergstra12a.html)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pipeline.sweep.search._base import Search
from pipeline.sweep.space import Configuration


class Random(Search):
    """Draws each configuration independently from the dimensions' distributions.

    When: a baseline for every other search, any space, any number of workers. Limits: it learns nothing.
    """

    several_metrics: ClassVar[bool] = True

    def ask(self, number: int, attempt: int = 0) -> Configuration:
        """A fresh draw."""
        generator = self.generator(number, attempt)
        return self.space.build(lambda dimension: dimension.distribution.sample(generator))

    def tell(self, number: int, configuration: Mapping[str, Any], values: Sequence[float] | None) -> None:
        """Nothing is learned."""
