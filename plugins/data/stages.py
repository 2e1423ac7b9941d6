"""The stages of the `data` plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from pipeline import types
from pipeline.context import Context
from pipeline.hooks import hookimpl
from pipeline.stage import DataPath, Stage

if TYPE_CHECKING:
    from pipeline.datasets import Dataset

Pixels = Annotated[int, Field(gt=0, le=4096)]
Share = Annotated[float, Field(gt=0, lt=1)]

DEFAULT_TEST_SHARE = 0.2
OFFICIAL_TEST_SET = ("mnist", "fashion-mnist")


class Images(Stage):
    """Load pictures, of a known data set or of a folder, and split them into train, validation and test.

    Each class has the same share of every part. Omniglot is shrunk to 28x28 pixels. MNIST and Fashion-MNIST keep their
    official test set; the validation part is then taken from the official training set.
    """

    dataset: Literal["digits", "mnist", "fashion-mnist", "omniglot"] | None = Field(
        None, description="A data set by its name."
    )
    folder: DataPath | None = Field(
        None, description="A folder of pictures instead; where it has sub-folders, they are the classes."
    )
    size: Pixels | tuple[Pixels, Pixels] | None = Field(
        None, description="Resize every picture to [height, width] pixels, or to a square."
    )
    grayscale: bool = Field(False, description="Turn colours into one channel.")
    binarise: bool = Field(
        False,
        description="Draw each pixel black or white, once for all, white with the probability of its grey value.",
    )
    validation: Share = Field(0.1, description="Share of the pictures to choose models on.")
    test: Share | None = Field(
        None,
        description=f"Share to judge on; {DEFAULT_TEST_SHARE} by default. Official test sets are kept as they are.",
    )
    limit: int | None = Field(None, ge=3, description="Use only so many pictures, and at most so many of a test set.")
    split_seed: int = Field(0, ge=0, description="Seed of the split, which so is the same for every seed of the run.")

    @model_validator(mode="after")
    def _check(self) -> Images:
        if (self.dataset is None) == (self.folder is None):
            raise ValueError("must name either a dataset or a folder")
        if self.test is not None and self.has_official_test:
            raise ValueError(f"must leave out 'test', because {self.dataset} has an official test set")
        if self.validation + self.test_share >= 1:
            raise ValueError("must leave something to train on: 'validation' and 'test' together are 1 or more")
        return self

    @property
    def has_official_test(self) -> bool:
        """Whether the data set's publisher says what to judge on."""
        return self.dataset in OFFICIAL_TEST_SET

    @property
    def test_share(self) -> float:
        """Share of the pictures that is split off for the test."""
        return 0.0 if self.has_official_test else self.test or DEFAULT_TEST_SHARE

    def run(self, context: Context) -> types.Split[types.Images]:
        """Load, split, and draw a contact sheet."""
        from plugins.data import images

        return images.load(self, context)


class Table(Stage):
    """Load a table, a known one or a file, and split its rows by chance into train, validation and test."""

    dataset: Literal["iris", "wine"] | None = Field(None, description="A table by its name; scikit-learn ships both.")
    file: DataPath | None = Field(None, description="A CSV file with a header, or a Parquet file, instead.")
    targets: tuple[str, ...] | None = Field(None, description="Columns to be told from the others, if any.")
    validation: Share = Field(0.1, description="Share of the rows to choose models on.")
    test: Share = Field(DEFAULT_TEST_SHARE, description="Share of the rows to judge on.")
    limit: int | None = Field(None, ge=3, description="Use only so many rows.")
    split_seed: int = Field(0, ge=0, description="Seed of the split, which so is the same for every seed of the run.")

    @model_validator(mode="after")
    def _check(self) -> Table:
        if (self.dataset is None) == (self.file is None):
            raise ValueError("must name either a dataset or a file")
        if self.validation + self.test >= 1:
            raise ValueError("must leave something to train on: 'validation' and 'test' together are 1 or more")
        return self

    def run(self, context: Context) -> types.Split[types.Table]:
        """Load and split."""
        from plugins.data import tables

        return tables.load(self)


@hookimpl
def pipeline_stages() -> list[Any]:
    """The menu."""
    return [Images, Table]


@hookimpl
def pipeline_datasets() -> list[Dataset]:
    """The data sets that `data.images` knows by name."""
    from plugins.data.registry import DATASETS

    return list(DATASETS)
