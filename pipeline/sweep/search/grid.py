"""Grid search: every combination of every dimension's values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from pipeline.sweep.search._base import Search
from pipeline.sweep.space import Configuration, Dimension, Space

MOST_VALUES = 1000


class GridSearch(Search):
    """Tries all combinations, the last dimension changing fastest; conditions and constraints leave some out.

    When: two or three dimensions of a few values, and a table of all of them is wanted. Limits: the number of trials is
    the product of the dimensions' sizes; with unimportant dimensions most trials repeat each other, which is why random
    search beats it (Bergstra & Bengio 2012). A real dimension needs its values spelled out.
    """

    several_metrics: ClassVar[bool] = True
    exhaustive: ClassVar[bool] = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._taken: set[str] = set()

    @classmethod
    def refusal(cls, space: Space) -> str | None:
        """A dimension with infinitely many values, or with more than anybody would enumerate."""
        for dimension in space.dimensions:
            values = dimension.distribution.values
            if values is None:
                return f"needs a list of values for {dimension.name!r}: write it as {{grid: [...]}}"
            if len(values) > MOST_VALUES:
                return f"would try {len(values):,} values of {dimension.name!r}: write some of them as {{grid: [...]}}"
        return None

    @cached_property
    def configurations(self) -> list[Configuration]:
        """All that will be tried, in order."""
        return list(grid(self.space))

    def ask(self, number: int, attempt: int = 0) -> Configuration | None:
        """The first combination that nobody has taken."""
        for configuration in self.configurations:
            if (text := _text(configuration)) not in self._taken:
                self._taken.add(text)
                return configuration
        return None

    def tell(self, number: int, configuration: Mapping[str, Any], values: Sequence[float] | None) -> None:
        """Taken, whoever proposed it."""
        self._taken.add(_text(configuration))


def grid(space: Space) -> Iterator[Configuration]:
    """Every configuration of a finite space that satisfies its constraints."""

    def extended(configuration: Configuration, rest: Sequence[Dimension]) -> Iterator[Configuration]:
        if not rest:
            if space.allows(configuration):
                yield configuration
            return
        if not space.exists(rest[0], configuration):
            yield from extended(configuration, rest[1:])
            return
        for value in rest[0].distribution.values or ():
            yield from extended({**configuration, rest[0].name: value}, rest[1:])

    yield from extended({}, space.dimensions)


def _text(configuration: Mapping[str, Any]) -> str:
    return json.dumps(configuration, sort_keys=True)
