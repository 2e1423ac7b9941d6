"""The stages of the `multitask` plugin."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from pipeline.context import Context
from pipeline.datasets import Dataset
from pipeline.hooks import hookimpl
from pipeline.stage import DataPath, Stage
from pipeline.types import Images, Split
from plugins.multitask.types import Comparison, Grouping, MultiTaskModel, TaskSet

Share = Annotated[float, Field(gt=0, lt=0.5)]


class Tasks(Stage):
    """Load a table with several targets, each a task, and split its rows: a published one, or a file of your own.

    A target of numbers is standardised and regressed; 0 and 1, or two words, are a yes-or-no task; more words are
    classes. Adult keeps its official test set; its tasks and those of the census are income over 50,000 and never
    married (Ma et al. 2018).
    """

    dataset: (
        Literal["adult", "census-income", "andro", "edm", "enb", "jura", "scpf", "sf1", "sf2", "slump", "wq"] | None
    ) = Field(None, description="A published table by its name.")
    path: DataPath | None = Field(None, description="A .csv or .parquet file with a header instead.")
    targets: tuple[str, ...] = Field((), description="The columns of the file that are the tasks.")
    validation: Share = Field(0.1, description="Share of the rows to choose the epoch on.")
    test: Share = Field(0.2, description="Share of the rows to judge on, where there is no official test set.")
    split_seed: int = Field(0, ge=0, description="Seed of the split.")

    @model_validator(mode="after")
    def _check(self) -> Tasks:
        if (self.dataset is None) == (self.path is None):
            raise ValueError("must name either a dataset or a path")
        if bool(self.targets) != (self.path is not None):
            raise ValueError("must name the targets of a file of your own, and of no other")
        return self

    def run(self, context: Context) -> TaskSet:
        """Load, encode, standardise, split."""
        from plugins.multitask import loading

        return loading.load(self, context)


class Pairs(Stage):
    """Put two labelled pictures into one, the first at the top left, the second at the bottom right: MultiMNIST.

    Each task tells one of them (Sener & Koltun 2018), so that the tasks want different things of the same pixels.
    """

    shift: int | None = Field(None, ge=0, description="Pixels between the corners of the two; 2/7 of a picture.")
    pairs_seed: int = Field(0, ge=0, description="Seed of who is paired with whom.")

    def run(self, images: Split[Images], context: Context) -> TaskSet:
        """Pair the pictures of each part."""
        from plugins.multitask import pairs

        return pairs.compose(images, self.shift, self.pairs_seed, context)


class Training(Stage):
    """What training together and apart have in common."""

    emits: ClassVar = {"validation_loss": "min"}
    per_step: ClassVar = ("validation_loss",)
    seeded: ClassVar = True

    architecture: Literal["hard_sharing", "cross_stitch", "mixture_of_experts", "progressive_extraction"] = Field(
        "hard_sharing", description="What the tasks share."
    )
    hidden: tuple[PositiveInt, ...] = Field((64, 32), min_length=1, description="Widths of the layers.")
    channels: tuple[PositiveInt, ...] = Field(
        (16, 32), min_length=1, description="Channels of the convolutional blocks before them, for pictures."
    )
    experts: int = Field(4, gt=0, description="How many experts a mixture has, or shared ones beside each task's own.")
    learning_rate: float = Field(1e-3, gt=0, description="Step size of Adam.")
    batch_size: int = Field(128, gt=0, description="Rows in a step.")
    epochs: int = Field(20, gt=0, description="Passes over the training rows; the best on the validation rows counts.")


class Fit(Training):
    """Train one network for all tasks, or one for each group of them, and keep its best epoch.

    Of one for all tasks it draws how they get on: cosines of their gradients, affinity, weights over time.
    """

    balancing: Literal[
        "equal", "uncertainty", "dynamic_average", "gradnorm", "pcgrad", "mgda", "cagrad", "imtl_g", "aligned_mtl"
    ] = Field(
        "equal",
        description="How the tasks are weighed: their losses (equal; uncertainty, Kendall et al. 2018; dynamic_average,"
        " Liu et al. 2019; gradnorm, Chen et al. 2018), or their gradients (pcgrad, Yu et al. 2020; mgda, Sener &"
        " Koltun 2018; cagrad, Liu et al. 2021; imtl_g, Liu et al. 2021; aligned_mtl, Senushkin et al. 2023).",
    )

    def run(self, tasks: TaskSet, context: Context, grouping: Grouping | None = None) -> MultiTaskModel:
        """Train."""
        from plugins.multitask import training

        return training.fit(self, tasks, training.groups_of(tasks, grouping), context)


class FitAlone(Training):
    """The control: train a network of its own for each task, with as many epochs, and keep the best of each."""

    balancing: ClassVar = "equal"

    def run(self, tasks: TaskSet, context: Context) -> MultiTaskModel:
        """Train."""
        from plugins.multitask import training

        return training.fit(self, tasks, [(task,) for task in range(len(tasks.tasks))], context)


class Group(Stage):
    """Say which tasks to train together, by what a step for one does to the loss of another (Fifty et al. 2021)."""

    emits: ClassVar = {"score": "max", "groups": None}

    groups: int = Field(3, gt=0, description="At most so many groups; a task may stay alone.")

    def run(self, model: MultiTaskModel, tasks: TaskSet, context: Context) -> Grouping:
        """Compare all groupings by the affinity that was noted while the one network learnt."""
        from plugins.multitask import grouping

        return grouping.group(model, tasks, self.groups, context)


class Evaluate(Stage):
    """Compare each task's metric with that of a network of its own: delta-m is the mean gain in percent."""

    emits: ClassVar = {"delta_m": "max", "worst_gain": "max"}

    part: Literal["validation", "test"] = Field("test", description="Judge on these rows; choose on the former.")

    def run(self, model: MultiTaskModel, alone: MultiTaskModel, data: TaskSet, context: Context) -> Comparison:
        """Judge both, and draw the gains."""
        from plugins.multitask import evaluation

        return evaluation.evaluate(model, alone, data, self.part, context)


@hookimpl
def pipeline_stages() -> list[Any]:
    """The menu."""
    return [Tasks, Pairs, Fit, FitAlone, Group, Evaluate]


@hookimpl
def pipeline_datasets() -> list[Dataset]:
    """The tables known by name."""
    from plugins.multitask.registry import ADULT, CENSUS, MULTI_TARGET

    return [ADULT, CENSUS, *(dataset for dataset, _ in MULTI_TARGET.values())]
