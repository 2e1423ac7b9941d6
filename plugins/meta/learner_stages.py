"""The stages that make learners."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, PositiveInt, model_validator

from pipeline.context import Context
from pipeline.stage import Stage
from plugins.meta.types import MetaLearner, Tasks


class Learner(Stage):
    """What all learners have in common."""

    seeded: ClassVar = True
    method: ClassVar[str]
    settings: ClassVar[tuple[str, ...]] = ("hidden",)

    hidden: tuple[PositiveInt, ...] | None = Field(
        None,
        min_length=1,
        description="Widths of the layers, or channels of the convolutional blocks; 40-40 or four blocks of 64.",
    )

    def chosen(self) -> dict[str, Any]:
        """The settings of the learner itself."""
        return {name: getattr(self, name) for name in self.settings}


class Trained(Learner):
    """A learner that is meta-trained on batches of tasks; its best look at validation tasks counts."""

    emits: ClassVar = {"loss": "min", "validation_loss": "min", "compute": None}
    per_step: ClassVar = ("loss", "validation_loss")

    iterations: int = Field(10_000, gt=0, description="Steps of meta-training.")
    compute: float | None = Field(
        None,
        gt=0,
        description="GFLOP to spend on meta-training in place of a number of iterations, to compare at equal cost.",
    )
    meta_batch_size: int = Field(25, gt=0, description="Tasks in a step.")
    learning_rate: float = Field(1e-3, gt=0, description="Step size of Adam at first; it falls to 0 along a cosine.")
    ways: int | None = Field(None, ge=2, description="Classes of a training task; as in the tasks by default.")
    log_every: int = Field(500, gt=0, description="Steps between two looks at validation tasks, and checkpoints.")

    @model_validator(mode="after")
    def _check(self) -> Trained:
        if self.compute is not None and "iterations" in self.model_fields_set:
            raise ValueError("must give either 'iterations' or 'compute'")
        return self

    def run(self, tasks: Tasks, context: Context) -> MetaLearner:
        """Meta-train on the training tasks; go on from a checkpoint where there is one."""
        from plugins.meta import training

        return training.fit(self, tasks, context)


class _Adapting(Trained):
    settings: ClassVar = ("hidden", "inner_learning_rate", "inner_steps")

    inner_learning_rate: float = Field(0.01, gt=0, description="Step size of the adaptation to a task.")
    inner_steps: int = Field(1, gt=0, description="Gradient steps of an adaptation while training.")


class MAML(_Adapting):
    """Find weights from which a gradient step leads far (MAML, Finn, Abbeel & Levine 2017)."""

    method: ClassVar = "maml"
    settings: ClassVar = (*_Adapting.settings, "first_order", "only_head")

    first_order: bool = Field(False, description="Take the inner gradients for constants, which is cheaper.")
    only_head: bool = Field(False, description="Adapt the last layer alone (ANIL, Raghu et al. 2020).")


class MetaSGD(_Adapting):
    """Learn a step size for every weight beside where to start (Meta-SGD, Li et al. 2017)."""

    method: ClassVar = "meta_sgd"


class Reptile(_Adapting):
    """Move the first weights towards those that each task leads to (Nichol, Achiam & Schulman 2018)."""

    method: ClassVar = "reptile"


class Pretrained(_Adapting):
    """The control: one network trained on all tasks at once, fine-tuned on each."""

    method: ClassVar = "pretrained"


class Prototypes(Trained):
    """Embed pictures so that classes lie around their means (prototypical networks, Snell et al. 2017)."""

    method: ClassVar = "prototypes"


class Matching(Trained):
    """Embed pictures so that attention to the support set tells classes (matching networks, Vinyals et al. 2016)."""

    method: ClassVar = "matching"


class NeuralProcess(Trained):
    """Summarise the support set in a vector that conditions a predictor (Garnelo et al. 2018)."""

    method: ClassVar = "neural_process"


class Scratch(Learner):
    """The control: random weights that see nothing but a task's support set."""

    method: ClassVar = "scratch"
    settings: ClassVar = ("hidden", "inner_learning_rate", "inner_steps")

    inner_learning_rate: float = Field(0.01, gt=0, description="Step size of the adaptation to a task.")
    inner_steps: int = Field(1, gt=0, description="Gradient steps of an adaptation.")

    def run(self, tasks: Tasks, context: Context) -> MetaLearner:
        """Draw the weights."""
        from plugins.meta import training

        return training.untrained(self, tasks, context)


class NearestNeighbour(Stage):
    """The control: the answer of the nearest support input."""

    def run(self, tasks: Tasks) -> MetaLearner:
        """There is nothing to learn."""
        from plugins.meta.problems import problem_of

        return MetaLearner("nearest_neighbour", {}, problem_of(tasks), {})


STAGES = (MAML, MetaSGD, Reptile, Prototypes, Matching, NeuralProcess, Pretrained, Scratch, NearestNeighbour)
