"""The stages of the `multitask` plugin."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from pipeline.context import Context
from pipeline.datasets import Dataset
from pipeline.hooks import hookimpl
from pipeline.stage import Stage
from plugins.multitask.types import Comparison, MultiTaskModel, TaskSet

Share = Annotated[float, Field(gt=0, lt=0.5)]


class Tasks(Stage):
    """Load a published table with several targets, each a task, and split its rows.

    Adult keeps its official test set; its tasks are income over 50,000 and never married (Ma et al. 2018).
    """

    dataset: Literal["adult", "enb", "jura", "wq"] = Field(description="The table by its name.")
    validation: Share = Field(0.1, description="Share of the rows to choose the epoch on.")
    test: Share = Field(0.2, description="Share of the rows to judge on, where there is no official test set.")
    split_seed: int = Field(0, ge=0, description="Seed of the split.")

    def run(self, context: Context) -> TaskSet:
        """Load, encode, standardise, split."""
        from plugins.multitask import loading

        return loading.named(self, context)


class Fit(Stage):
    """Train one network for all tasks, and one for each task alone with as many epochs; keep the best epoch of each."""

    emits: ClassVar = {"validation_loss": "min"}
    per_step: ClassVar = ("validation_loss",)
    seeded: ClassVar = True

    architecture: Literal["hard_sharing", "mixture_of_experts", "cross_stitch"] = Field(
        "hard_sharing", description="What the tasks share."
    )
    balancing: Literal["equal", "uncertainty", "pcgrad", "mgda"] = Field(
        "equal",
        description="How the tasks are weighed: their losses (equal; uncertainty, Kendall et al. 2018), or their "
        "gradients (pcgrad, Yu et al. 2020; mgda, Sener & Koltun 2018).",
    )
    hidden: tuple[PositiveInt, ...] = Field((64, 32), min_length=1, description="Widths of the shared layers.")
    experts: int = Field(4, gt=0, description="How many experts a mixture has.")
    learning_rate: float = Field(1e-3, gt=0, description="Step size of Adam.")
    batch_size: int = Field(128, gt=0, description="Rows in a step.")
    epochs: int = Field(20, gt=0, description="Passes over the training rows.")

    def run(self, tasks: TaskSet, context: Context) -> MultiTaskModel:
        """Train."""
        from plugins.multitask import training

        return training.fit(self, tasks, context)


class Evaluate(Stage):
    """Compare each task's test metric with that of a network of its own: delta-m is the mean gain in percent."""

    emits: ClassVar = {"delta_m": "max", "worst_gain": "max"}

    def run(self, model: MultiTaskModel, data: TaskSet, context: Context) -> Comparison:
        """Judge both, and draw the gains."""
        from plugins.multitask import evaluation

        return evaluation.evaluate(model, data, context)


@hookimpl
def pipeline_stages() -> list[Any]:
    """The menu."""
    return [Tasks, Fit, Evaluate]


@hookimpl
def pipeline_datasets() -> list[Dataset]:
    """The tables known by name."""
    from plugins.multitask.registry import ADULT, MULTI_TARGET

    return [ADULT, *(dataset for dataset, _ in MULTI_TARGET.values())]
