"""The distributions that a dimension of a search space can have, each with its way from and to the unit interval."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import numpy as np


class Distribution(ABC):
    """Values of one dimension; ``usage`` is how a pipeline file writes it."""

    usage: ClassVar[str]

    @classmethod
    @abstractmethod
    def read(cls, arguments: Any) -> Distribution:
        """The distribution of a file's arguments; ValueError says what they must be."""

    @abstractmethod
    def from_unit(self, position: float) -> Any:
        """The value at ``position`` in 0..1, so that a uniform position gives this distribution."""

    @abstractmethod
    def to_unit(self, value: Any) -> float:
        """A position in 0..1 that gives ``value``."""

    @abstractmethod
    def contains(self, value: Any) -> bool:
        """Whether ``value`` can be drawn."""

    @property
    @abstractmethod
    def probes(self) -> Sequence[Any]:
        """Values whose validity stands for that of all: the ends of a range, or each choice."""

    @property
    def values(self) -> Sequence[Any] | None:
        """Every value, in order; None where there are infinitely many."""
        return None

    def sample(self, generator: np.random.Generator) -> Any:
        """A random value."""
        return self.from_unit(float(generator.random()))


@dataclass(frozen=True)
class Choice(Distribution):
    """One of some values, without an order."""

    usage: ClassVar[str] = "choice: [a, b, ...]"
    options: tuple[Any, ...]

    @classmethod
    def read(cls, arguments: Any) -> Choice:
        """A list of at least one value, each once."""
        if not isinstance(arguments, list) or not arguments:
            raise ValueError("must be a list of at least one value")
        texts = [json.dumps(value, sort_keys=True) for value in arguments]
        if len(set(texts)) < len(texts):
            repeated = next(text for text in texts if texts.count(text) > 1)
            raise ValueError(f"must name each value once; {repeated} is there twice")
        return cls(tuple(arguments))

    def from_unit(self, position: float) -> Any:
        """The option in whose equal share ``position`` lies."""
        return self.options[min(int(position * len(self.options)), len(self.options) - 1)]

    def to_unit(self, value: Any) -> float:
        """The middle of the option's share."""
        return (self.index(value) + 0.5) / len(self.options)

    def index(self, value: Any) -> int:
        """Where ``value`` stands among the options; ValueError if it does not."""
        return [(type(o), o) for o in self.options].index((type(value), value))

    def contains(self, value: Any) -> bool:
        """Whether it is an option."""
        return any(type(option) is type(value) and option == value for option in self.options)

    @property
    def probes(self) -> Sequence[Any]:
        """Each option."""
        return self.options

    @property
    def values(self) -> Sequence[Any]:
        """Each option."""
        return self.options


@dataclass(frozen=True)
class Grid(Choice):
    """The values that a grid search visits; other searches choose among them."""

    usage: ClassVar[str] = "grid: [a, b, ...]"


@dataclass(frozen=True)
class Range(Distribution):
    """A closed interval of numbers."""

    low: float
    high: float

    log: ClassVar[bool] = False
    whole: ClassVar[bool] = False

    @classmethod
    def read(cls, arguments: Any) -> Range:
        """Two numbers, the first below the second; positive where the scale is logarithmic."""
        low, high = _numbers(arguments, 2, cls.whole)
        if low >= high:
            raise ValueError(f"must have its lower end first. Got {arguments} instead")
        if cls.log and low <= 0:
            raise ValueError(f"must be above 0, for its scale is logarithmic. Got {arguments} instead")
        return cls(low, high)

    @property
    def _edges(self) -> tuple[float, float]:
        # A whole number owns the interval of half a step on either side.
        half = 0.5 if self.whole else 0.0
        low, high = self.low - half, self.high + half
        return (math.log(low), math.log(high)) if self.log else (low, high)

    def from_unit(self, position: float) -> Any:
        """Linear, or exponential on a logarithmic scale."""
        low, high = self._edges
        value = low + position * (high - low)
        value = math.exp(value) if self.log else value
        if self.whole:
            value = math.floor(value + 0.5)
        return type(self.low)(min(max(value, self.low), self.high))

    def to_unit(self, value: Any) -> float:
        """The inverse of ``from_unit``."""
        low, high = self._edges
        position = ((math.log(value) if self.log else value) - low) / (high - low)
        return min(max(position, 0.0), 1.0)

    def contains(self, value: Any) -> bool:
        """Whether it is a number (a whole one where the range is of whole numbers) within the ends."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high and (not self.whole or float(value).is_integer())

    @property
    def probes(self) -> Sequence[Any]:
        """The two ends."""
        return (self.low, self.high)


@dataclass(frozen=True)
class Uniform(Range):
    """A real number, all equally likely."""

    usage: ClassVar[str] = "uniform: [low, high]"


@dataclass(frozen=True)
class LogUniform(Range):
    """A positive real number, all orders of magnitude equally likely."""

    usage: ClassVar[str] = "loguniform: [low, high]"
    log: ClassVar[bool] = True


@dataclass(frozen=True)
class RandInt(Range):
    """A whole number, both ends included."""

    usage: ClassVar[str] = "randint: [low, high]"
    whole: ClassVar[bool] = True

    @property
    def values(self) -> Sequence[Any]:
        """Every whole number of the range."""
        return range(int(self.low), int(self.high) + 1)


@dataclass(frozen=True)
class LogRandInt(RandInt):
    """A positive whole number, both ends included, all orders of magnitude equally likely."""

    usage: ClassVar[str] = "lograndint: [low, high]"
    log: ClassVar[bool] = True


@dataclass(frozen=True)
class QUniform(Range):
    """``low``, ``low + step``, ... up to ``high``."""

    usage: ClassVar[str] = "quniform: [low, high, step]"
    step: float

    @classmethod
    def read(cls, arguments: Any) -> QUniform:
        """Three numbers: lower end, upper end, a step that fits between them."""
        low, high, step = _numbers(arguments, 3, whole=False)
        if low >= high or not 0 < step <= high - low:
            raise ValueError(f"must be a lower end, an upper end and a step between them. Got {arguments} instead")
        whole = all(float(number).is_integer() for number in arguments) and all(isinstance(a, int) for a in arguments)
        return cls(int(low), int(high), int(step)) if whole else cls(low, high, step)

    @property
    def count(self) -> int:
        """How many values there are."""
        return math.floor((self.high - self.low) / self.step + 1e-9) + 1

    def _value(self, index: int) -> Any:
        value = self.low + index * self.step
        # 0.1 + 2 * 0.1 must be written 0.3.
        return value if isinstance(value, int) else float(f"{value:.12g}")

    def from_unit(self, position: float) -> Any:
        """The value in whose equal share ``position`` lies."""
        return self._value(min(int(position * self.count), self.count - 1))

    def to_unit(self, value: Any) -> float:
        """The middle of the value's share."""
        return float((round((value - self.low) / self.step) + 0.5) / self.count)

    def contains(self, value: Any) -> bool:
        """Whether it is one of the steps."""
        return super().contains(value) and math.isclose(
            value, self._value(round((value - self.low) / self.step)), abs_tol=1e-9
        )

    @property
    def values(self) -> Sequence[Any]:
        """Every step."""
        return [self._value(index) for index in range(self.count)]


DISTRIBUTIONS: dict[str, type[Distribution]] = {
    "choice": Choice,
    "uniform": Uniform,
    "quniform": QUniform,
    "loguniform": LogUniform,
    "randint": RandInt,
    "lograndint": LogRandInt,
    "grid": Grid,
}


def _numbers(arguments: Any, count: int, whole: bool) -> list[Any]:
    kind = "whole numbers" if whole else "numbers"
    fitting = isinstance(arguments, list) and len(arguments) == count
    if not fitting or any(isinstance(a, bool) or not isinstance(a, int | float) for a in arguments):
        raise ValueError(f"must be a list of {count} {kind}. Got {json.dumps(arguments)} instead")
    if not all(map(math.isfinite, arguments)) or (whole and not all(float(a).is_integer() for a in arguments)):
        raise ValueError(f"must be a list of {count} {kind}. Got {json.dumps(arguments)} instead")
    return [int(a) if whole else float(a) for a in arguments]
