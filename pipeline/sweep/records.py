"""What is known of trials: plain values that the driver keeps, the journal stores and the report shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

State = Literal["finished", "stopped", "failed", "interrupted"]


@dataclass(frozen=True)
class Assignment:
    """One thing to run: a configuration, the ``number`` of its trial, and the seed."""

    number: int
    configuration: Mapping[str, Any]
    seed: int

    @property
    def name(self) -> str:
        """Unique within the sweep."""
        return f"{self.number:05d}_{self.seed}"


@dataclass(frozen=True)
class TrialRecord:
    """How one assignment ended.

    values: the objectives' last values; None where one is missing. curve: the first objective by step.
    state: ``stopped`` means that the scheduler ended it at ``step``. began, ended: seconds since the epoch.
    changes: for trials that changed on the way, ``step: configuration from then on``.
    """

    number: int
    configuration: Mapping[str, Any]
    seed: int
    state: State
    values: tuple[float, ...] | None
    run: str
    began: float
    ended: float
    step: int | None = None
    curve: Mapping[int, float] = field(default_factory=dict)
    worker: str = ""
    error: str | None = None
    changes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrialRecord:
        """The inverse of ``as_dict`` after a round trip through JSON."""
        return cls(
            **{
                **data,
                "values": None if data["values"] is None else tuple(data["values"]),
                "curve": {int(step): value for step, value in data["curve"].items()},
                "changes": {int(step): value for step, value in data["changes"].items()},
            }
        )
