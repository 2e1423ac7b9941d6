"""No scheduler: every trial runs to its end."""

from __future__ import annotations

from typing import Any, ClassVar

from pipeline.sweep.schedulers._base import Scheduler


class NoScheduler(Scheduler):
    """Lets every trial finish. When: trials are short, or their metric says nothing before the end."""

    watches_steps: ClassVar[bool] = False

    def build(self) -> Any:
        """First in, first out."""
        from ray.tune.schedulers import FIFOScheduler

        return FIFOScheduler()
