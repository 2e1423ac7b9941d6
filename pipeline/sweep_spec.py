"""What the ``sweep:`` section of a pipeline file may say; imported only for a file that has one."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from pipeline.spec import Duration, PipelineSpec, Section

SEARCHES = Literal["manual", "grid", "random", "sobol", "gp", "tpe", "cma", "bohb", "nsga2"]
SCHEDULERS = Literal["none", "median", "asha", "hyperband", "bohb", "pbt", "pb2"]


class Resources(Section):
    """What one trial occupies; other names are Ray's custom resources."""

    model_config = ConfigDict(extra="allow", frozen=True)

    cpu: float = Field(1, gt=0, description="Processors of a trial.")
    gpu: float = Field(0, ge=0, description="Accelerators of a trial; a part of one lets several trials share it.")


class SweepSpec(Section):
    """A search over the pipeline's configuration."""

    metric: str | list[str] = Field(description="stage/metric to optimise; a list is multi-objective.")
    mode: Literal["min", "max"] | list[Literal["min", "max"]] | None = Field(None, description="Where emits is silent.")
    trials: int = Field(10, gt=0, description="How many configurations to try.")
    search: SEARCHES | dict[SEARCHES, dict[str, Any]] = Field("tpe", description="How configurations are chosen.")
    scheduler: SCHEDULERS | dict[SCHEDULERS, dict[str, Any]] = Field(
        "none", description="When a trial is stopped early."
    )
    space: dict[str, Any] = Field({}, description="Dimensions: stage.field: {distribution: arguments}.")
    constraints: list[str] = Field([], description="Expressions over dimensions that every configuration satisfies.")
    points: list[dict[str, Any]] = Field([], description="Configurations tried first.")
    seeds: int = Field(1, gt=0, description="Each configuration is judged by its mean over so many seeds.")
    racing: bool = Field(False, description="Stop a hopeless configuration before all its seeds.")
    resources: Resources = Field(Resources(cpu=1, gpu=0), description="What one trial occupies.")
    concurrency: int | None = Field(None, gt=0, description="Trials at a time; as many as fit by default.")
    time_limit: Duration | None = Field(None, description="When to stop starting trials: 30m, 2h.")
    max_failures: int = Field(0, ge=0, description="How often a trial is tried again from its checkpoint.")


class SweepingSpec(PipelineSpec):
    """A whole pipeline file that has a sweep."""

    sweep: SweepSpec | None = Field(None, description="What `pipeline sweep` searches.")
