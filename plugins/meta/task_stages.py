"""The stages that make tasks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.context import Context
from pipeline.stage import DataPath, Stage
from pipeline.types import Images, Split
from plugins.meta.types import FixedTasks, FunctionTasks, ImageTasks, TableTasks

Range = tuple[float, float]
Share = Annotated[float, Field(gt=0, lt=0.5)]


class Functions(Stage):
    """Functions of one number, drawn from a family, each a regression task (Finn, Abbeel & Levine 2017)."""

    family: Literal["sinusoid", "harmonics", "lines"] = Field("sinusoid", description="What the functions look like.")
    amplitude: Range = Field((0.1, 5.0), description="Lowest and highest amplitude, or slope of a line.")
    phase: Range = Field((0.0, 3.141592653589793), description="Lowest and highest phase, or intercept of a line.")
    inputs: Range = Field((-5.0, 5.0), description="Lowest and highest input.")
    noise: float = Field(0.0, ge=0, description="Standard deviation of the noise on the support set.")
    shots: int = Field(10, gt=0, description="Points of a function to adapt to.")
    queries: int = Field(10, gt=0, description="Points to judge on.")

    @model_validator(mode="after")
    def _check(self) -> Functions:
        for name in ("amplitude", "phase", "inputs"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"must give {name!r} as [lowest, highest]")
        return self

    def run(self) -> FunctionTasks:
        """Describe the tasks; they are drawn when they are needed."""
        return FunctionTasks(self.shots, self.queries, self.family, self.amplitude, self.phase, self.inputs, self.noise)


class Episodes(Stage):
    """N-way K-shot tasks from any labelled pictures: classes are split, so that those of the test were never seen."""

    ways: int = Field(5, ge=2, description="Classes of a task.")
    shots: int = Field(1, gt=0, description="Examples of each class to adapt to.")
    queries: int = Field(15, gt=0, description="Examples of each class to judge on.")
    validation_classes: int = Field(gt=0, description="How many classes to watch the training on.")
    test_classes: int = Field(gt=0, description="How many classes to judge on.")
    rotations: bool = Field(False, description="Take turned pictures for classes of their own when training.")
    split_seed: int = Field(0, ge=0, description="Seed of the split of the classes.")

    @model_validator(mode="after")
    def _check(self) -> Episodes:
        if self.ways > min(self.validation_classes, self.test_classes):
            raise ValueError(
                f"must have at least as many validation_classes and test_classes as ways, which is {self.ways}"
            )
        return self

    def run(self, images: Split[Images]) -> ImageTasks:
        """Pool the parts of ``images`` and split them again by class."""
        from plugins.meta.class_split import by_class, pooled

        parts, _ = by_class(pooled(images), [self.validation_classes, self.test_classes], self.split_seed)
        return ImageTasks(self.shots, self.queries, self.ways, Split(*parts), Split((), (), ()), self.rotations)


class Omniglot(Stage):
    """N-way K-shot tasks from Omniglot: background alphabets to train on, evaluation alphabets to judge on."""

    ways: int = Field(5, ge=2, description="Classes of a task.")
    shots: int = Field(1, gt=0, description="Examples of each class to adapt to.")
    queries: int = Field(15, gt=0, description="Examples of each class to judge on; a class has 20 pictures.")
    size: int = Field(28, ge=8, le=105, description="Height and width in pixels.")
    within_alphabet: bool = Field(False, description="Take all classes of a task from one alphabet, which is harder.")
    rotations: bool = Field(True, description="Take turned characters for classes of their own when training.")
    validation_classes: int = Field(100, gt=0, description="Background classes to watch the training on.")

    def run(self, context: Context) -> ImageTasks:
        """Download where need be, read and split."""
        from pipeline.datasets import fetch
        from plugins.meta import omniglot
        from plugins.meta.class_split import by_class
        from plugins.meta.registry import OMNIGLOT

        files = fetch(OMNIGLOT, context)
        context.text("source.md", OMNIGLOT.describe())
        background, alphabets = omniglot.load(files["images_background.zip"], self.size)
        test, test_alphabets = omniglot.load(files["images_evaluation.zip"], self.size)
        parts, (train, _) = by_class(background, [self.validation_classes], seed=0)
        groups = tuple(alphabets[number] for number in train) if self.within_alphabet else ()
        grouped = Split(groups, (), test_alphabets if self.within_alphabet else ())
        split = Split(*parts, test)
        return ImageTasks(self.shots, self.queries, self.ways, split, grouped, self.rotations)


class TableGroups(Stage):
    """Tasks from a table: each value of a column (a site, a customer, a country) is a task, with the same target.

    A target of numbers is standardised and regressed, words or 0 and 1 are classes. Groups that are too small for an
    episode are left out; no group is in two parts.
    """

    path: DataPath = Field(description="A .csv or .parquet file with a header.")
    by: str = Field(description="The column whose values are the tasks.")
    target: str = Field(description="The column to predict from the others.")
    shots: int = Field(5, gt=0, description="Rows (of each class) to adapt to.")
    queries: int = Field(15, gt=0, description="Rows (of each class) to judge on.")
    validation: Share = Field(0.15, description="Share of the groups to watch the training on.")
    test: Share = Field(0.25, description="Share of the groups to judge on.")
    split_seed: int = Field(0, ge=0, description="Seed of the split of the groups.")

    def run(self) -> TableTasks:
        """Read, encode, split."""
        from plugins.meta import tables

        return tables.load(self)


class OneShotRuns(Stage):
    """Omniglot's twenty published runs: 20 characters of one alphabet, one example of each (Lake et al. 2015)."""

    size: int = Field(28, ge=8, le=105, description="Height and width in pixels.")

    def run(self, context: Context) -> FixedTasks:
        """Download where need be, and read."""
        from pipeline.datasets import fetch
        from plugins.meta import omniglot
        from plugins.meta.registry import OMNIGLOT

        return omniglot.runs(fetch(OMNIGLOT, context)["all_runs.zip"], self.size)


STAGES = (Functions, Episodes, TableGroups, Omniglot, OneShotRuns)
