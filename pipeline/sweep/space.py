"""The search space: which values each dimension can have, and in which configurations it exists at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.sweep.distributions import Choice, Distribution

if TYPE_CHECKING:
    import numpy as np

    from pipeline.sweep.expressions import Expression

Configuration = dict[str, Any]
"""Dimension name to value, for the dimensions that exist in it."""

# So often is a random configuration drawn before the constraints are held to be unsatisfiable.
DRAWS = 10_000

_NAME = re.compile(
    r"(?P<stage>[A-Za-z_]\w*)(\[(?P<variant>[^\[\]]+)\])?(\.(?P<path>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*))?", re.ASCII
)


@dataclass(frozen=True)
class Dimension:
    """One thing that is searched.

    name: as the file writes it: ``model.latent_dim``, ``model[als].factors``, or ``model`` for the choice of variants.
    path: the field of the stage, and where that is nested the keys within; empty for the choice of variants.
    variants: the variants of the stage that have the field; None where it always exists.
    """

    name: str
    stage: str
    path: tuple[str, ...]
    distribution: Distribution
    variants: tuple[str, ...] | None = None

    @property
    def parameter(self) -> str:
        """The run's parameter that it sets: ``model.factors``; the variant's own name for a choice of variants."""
        return ".".join((self.stage, *self.path))


@dataclass(frozen=True)
class Space:
    """All dimensions, choices of variants first, and the constraints that every configuration satisfies."""

    dimensions: tuple[Dimension, ...]
    constraints: tuple[Expression, ...] = ()

    def __getitem__(self, name: str) -> Dimension:
        return next(dimension for dimension in self.dimensions if dimension.name == name)

    @property
    def names(self) -> list[str]:
        """The dimensions' names, in order."""
        return [dimension.name for dimension in self.dimensions]

    @property
    def conditional(self) -> bool:
        """Whether a dimension exists in some configurations only."""
        return any(dimension.variants is not None for dimension in self.dimensions)

    def exists(self, dimension: Dimension, configuration: Mapping[str, Any]) -> bool:
        """Whether the dimension exists where the variants are chosen as in ``configuration``."""
        if dimension.variants is None or dimension.stage not in configuration:
            return True
        return configuration[dimension.stage] in dimension.variants

    def allows(self, configuration: Mapping[str, Any]) -> bool:
        """Whether every constraint holds; one that names an absent dimension does."""
        return all(constraint.evaluate(configuration) for constraint in self.constraints)

    def build(self, value: Callable[[Dimension], Any]) -> Configuration:
        """A configuration of ``value(dimension)`` for each dimension that exists, choices of variants asked first."""
        configuration: Configuration = {}
        for dimension in self.dimensions:
            if self.exists(dimension, configuration):
                configuration[dimension.name] = value(dimension)
        return configuration

    def sample(self, generator: np.random.Generator) -> Configuration:
        """A random configuration that satisfies the constraints; ValueError if none is found."""
        for _ in range(DRAWS):
            configuration = self.build(lambda dimension: dimension.distribution.sample(generator))
            if self.allows(configuration):
                return configuration
        raise ValueError(f"none of {DRAWS:,} random configurations satisfies the constraints")

    def contains(self, configuration: Mapping[str, Any]) -> bool:
        """Whether it has exactly the dimensions that exist in it, each with a value of its distribution."""
        existing = [dimension for dimension in self.dimensions if self.exists(dimension, configuration)]
        return {dimension.name for dimension in existing} == set(configuration) and all(
            dimension.distribution.contains(configuration[dimension.name]) for dimension in existing
        )

    def vector(self, configuration: Mapping[str, Any]) -> list[float]:
        """Unit positions of all dimensions, NaN for an absent one."""
        return [
            d.distribution.to_unit(configuration[d.name]) if d.name in configuration else float("nan")
            for d in self.dimensions
        ]

    def from_vector(self, positions: Mapping[str, float] | np.ndarray) -> Configuration:
        """The configuration at these unit positions, given for every dimension."""
        at = dict(zip(self.names, positions, strict=True)) if not isinstance(positions, Mapping) else positions
        return self.build(lambda dimension: dimension.distribution.from_unit(float(at[dimension.name])))

    @property
    def size(self) -> int | None:
        """How many configurations there are without conditions and constraints; None if infinitely many."""
        total = 1
        for dimension in self.dimensions:
            if dimension.distribution.values is None:
                return None
            total *= len(dimension.distribution.values)
        return total


def split_name(name: str) -> tuple[str, str | None, tuple[str, ...]] | None:
    """Stage, variant and path of a dimension's name; None if it has not the form of one."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    path = match["path"]
    return match["stage"], match["variant"], tuple(path.split(".")) if path else ()


def is_variants(dimension: Dimension) -> bool:
    """Whether the dimension chooses among a stage's variants."""
    return not dimension.path and isinstance(dimension.distribution, Choice)
