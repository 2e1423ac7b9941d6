"""A run of a pipeline as ordered steps: what the planner makes and the runner executes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.stage import Stage


@dataclass(frozen=True)
class Step:
    """One stage of one run: the configured stage, and which steps' outputs its ``run()`` receives.

    ``secrets`` maps a field that holds something from the environment to its value as it was written.
    """

    name: str
    uses: str
    stage: Stage
    inputs: Mapping[str, str | tuple[str, ...]]
    variant: str | None = None
    retries: int = 0
    timeout: float | None = None
    secrets: Mapping[str, Any] = field(default_factory=dict)

    @property
    def upstream(self) -> list[str]:
        """Names of the steps that this one needs, in the order of its parameters."""
        return [name for given in self.inputs.values() for name in ([given] if isinstance(given, str) else given)]

    def shown_fields(self) -> dict[str, Any]:
        """Every field of the configuration, defaults included, a secret as written."""
        return self.stage.model_dump(mode="json") | dict(self.secrets)


@dataclass(frozen=True)
class RunPlan:
    """One run: a choice of variants, a seed, and the steps in the order of execution."""

    variants: Mapping[str, str]
    seed: int
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """What tells this run from the others of the same file."""
        chosen = [f"{name}" for name in self.variants.values()]
        return " ".join([*chosen, f"seed {self.seed}"])

    @property
    def params(self) -> dict[str, Any]:
        """``stage.field`` to value, as it may be shown."""
        return {f"{step.name}.{key}": value for step in self.steps for key, value in step.shown_fields().items()}

    def until(self, name: str) -> RunPlan:
        """Only what ``name`` needs, and itself."""
        by_name = {step.name: step for step in self.steps}
        wanted, waiting = set(), [name]
        while waiting:
            wanted.add(current := waiting.pop())
            waiting += [up for up in by_name[current].upstream if up not in wanted]
        return replace(self, steps=tuple(step for step in self.steps if step.name in wanted))
