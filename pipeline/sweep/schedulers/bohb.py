"""Hyperband as BOHB wants it (Falkner et al. 2018): large brackets first, filled by the model as trials pause."""

from __future__ import annotations

from typing import Any

from pipeline.sweep.schedulers._base import Combination
from pipeline.sweep.schedulers.hyperband import Hyperband


class BOHBHyperband(Hyperband):
    """Hyperband for ``search: bohb``: brackets run one after another, so that the model learns between them.

    When: with ``search: bohb`` and learning curves. Limits: as hyperband's.
    """

    @classmethod
    def refusal(cls, combination: Combination, options: Any) -> str | None:
        """Any other search."""
        if combination.search != "bohb":
            return f"works with search: bohb only, and the search is {combination.search}; take hyperband or asha"
        return None
