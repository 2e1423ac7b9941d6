"""The stages of the `meta` plugin."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, PositiveInt

from pipeline.context import Context
from pipeline.datasets import Dataset
from pipeline.hooks import hookimpl
from pipeline.stage import Stage
from plugins.meta import learner_stages, task_stages
from plugins.meta.types import Adaptation, MetaLearner, Tasks, Verdict


class Evaluate(Stage):
    """Adapt to new tasks and judge on their query sets: the mean over tasks, and half its 95 % interval.

    Functions give `mse`; classes give `accuracy` and `error`. Every learner is judged on the same tasks.
    """

    emits: ClassVar = {
        "mse": "min",
        "mse_ci95": None,
        "accuracy": "max",
        "accuracy_ci95": None,
        "error": "min",
    }

    episodes: int = Field(600, ge=2, description="How many tasks to judge on; published episodes are all used.")
    steps: int = Field(1, ge=0, description="Gradient steps of the adaptation, where the learner takes any.")
    shots: int | None = Field(None, gt=0, description="Examples to adapt to; as in the tasks by default.")
    queries: int | None = Field(None, gt=0, description="Examples to judge on; as in the tasks by default.")
    curve_steps: int = Field(5, ge=0, description="How many steps the adaptation curve shows, on 100 of the tasks.")
    curve_shots: tuple[PositiveInt, ...] = Field(
        (), description="Numbers of examples that it shows, for instance [1, 5, 10]; each has to be there."
    )

    def run(self, learner: MetaLearner, tasks: Tasks, context: Context) -> Adaptation:
        """Judge, and draw what there is to see."""
        from plugins.meta import evaluation

        return evaluation.evaluate(self, learner, tasks, context)


class Compare(Stage):
    """Say whether meta-learning was worth it: methods against controls on the same tasks, at what cost.

    The gain is the share of the best control's error (1 - accuracy, or squared error) that the best method takes away.
    """

    emits: ClassVar = {"gain": "max", "p": None}

    def run(self, adaptations: dict[str, Adaptation], context: Context) -> Verdict:
        """Paired t-tests over the tasks, Holm-corrected."""
        from plugins.meta import worth

        return worth.compare(adaptations, context)


@hookimpl
def pipeline_stages() -> list[Any]:
    """The menu."""
    return [*task_stages.STAGES, *learner_stages.STAGES, Evaluate, Compare]


@hookimpl
def pipeline_datasets() -> list[Dataset]:
    """Omniglot."""
    from plugins.meta.registry import OMNIGLOT

    return [OMNIGLOT]
