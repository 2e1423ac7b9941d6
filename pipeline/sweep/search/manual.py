"""Manual search: the configurations in ``points:``, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pipeline.sweep.search._base import Search


class Manual(Search):
    """Tries the points of the file in order.

    When: some settings are to be compared, each tracked, in parallel, and resumable. Limits: it learns nothing.
    """

    several_metrics: ClassVar[bool] = True
    exhaustive: ClassVar[bool] = True

    def ask(self, number: int, attempt: int = 0) -> None:
        """Nothing beyond the points, which the sweep tries first."""

    def tell(self, number: int, configuration: Mapping[str, Any], values: Sequence[float] | None) -> None:
        """Nothing is learned."""
