"""Stage: what is read off a class, and which values may be passed where."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import pytest
from pydantic import Field, ValidationError

from pipeline.context import Context
from pipeline.errors import RequestError
from pipeline.stage import DataPath, Input, Stage, accepts, type_name
from pipeline.types import Images, Predictor, Split, Table, TorchModel

T = TypeVar("T")


class FitVAE(Stage):
    """Fit a model.

    More about it.
    """

    emits: ClassVar = {"elbo": "max", "kl": None}

    latent_dim: int = Field(16, gt=0)
    folder: DataPath | None = None
    files: tuple[DataPath, ...] = ()
    cache_folder: Path | None = None

    def run(self, images: Split[Images], others: dict[str, Table], context: Context, extra: Table | None = None) -> int:
        return 1


def test_a_stage_is_named_like_its_class_in_snake_case():
    class KNNBaseline(Stage):
        pass

    class ALS(Stage):
        pass

    class Fit2Models(Stage):
        pass

    names = [cls.stage_name() for cls in (FitVAE, KNNBaseline, ALS, Fit2Models)]

    assert ["fit_vae", "knn_baseline", "als", "fit2_models"] == names


def test_the_summary_is_the_first_line_of_the_docstring():
    class Silent(Stage):
        pass

    assert FitVAE.summary() == "Fit a model."
    assert Silent.summary() == ""


def test_inputs_output_and_context_are_read_off_run():
    interface = FitVAE.interface()

    expected = {
        "images": Input(Split[Images], required=True),
        "others": Input(Table, required=True, many=True),
        "extra": Input(Table | None, required=False),
    }
    assert expected == dict(interface.inputs)
    assert interface.output is int
    assert interface.context == "context"


def test_a_mapping_input_takes_many_stages_like_a_dict():
    class Join(Stage):
        def run(self, tables: Mapping[str, Table]) -> Table:
            return next(iter(tables.values()))

    assert {"tables": Input(Table, required=True, many=True)} == dict(Join.interface().inputs)


def test_data_paths_are_the_fields_whose_content_matters():
    assert FitVAE.data_paths() == ("folder", "files")


def no_run() -> type[Stage]:
    class NoRun(Stage):
        pass

    return NoRun


def no_return() -> type[Stage]:
    class NoReturn(Stage):
        def run(self, images: Images):
            return images

    return NoReturn


def no_type() -> type[Stage]:
    class NoType(Stage):
        def run(self, images) -> int:
            return 1

    return NoType


def starred() -> type[Stage]:
    class Starred(Stage):
        def run(self, **tables: Table) -> int:
            return 1

    return Starred


def unknown_type() -> type[Stage]:
    class UnknownType(Stage):
        def run(self, images: Imagess) -> int:  # noqa: F821  # the mistake that is tested
            return 1

    return UnknownType


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_run, "has no run() method"),
        (no_return, "does not say what it returns: add '-> Type'"),
        (no_type, "parameter 'images' of"),
        (starred, "parameter 'tables' of"),
        (unknown_type, "name 'Imagess' is not defined; import the types it names"),
    ],
)
def test_a_run_that_cannot_be_read_is_told_with_class_and_module(make, message):
    with pytest.raises(RequestError) as caught:
        make().interface()

    assert message in str(caught.value)
    assert __name__ in str(caught.value)


def test_configuration_is_closed_frozen_and_finite():
    with pytest.raises(ValidationError, match="Extra inputs"):
        FitVAE(latent_dimension=3)
    with pytest.raises(ValidationError, match="frozen"):
        FitVAE().latent_dim = 3

    class Rate(Stage):
        rate: float = 0.1

    with pytest.raises(ValidationError, match="finite"):
        Rate(rate=float("nan"))


class Forest(Predictor):
    """A subclass."""


@pytest.mark.parametrize(
    ("wanted", "made", "fits"),
    [
        (Images, Images, True),
        (Images, Table, False),
        (Predictor, TorchModel, True),
        (TorchModel, Predictor, False),
        (Any, Table, True),
        (Table, Any, True),
        (Split[Images], Split[Images], True),
        (Split[Images], Split[Table], False),
        (Split[Predictor], Split[Forest], True),
        (Split, Split[Table], True),
        (Split[Table], Split, True),
        (Table, Split[Table], False),
        (Images | Table, Table, True),
        (Table, Images | Table, False),
        (Images | Table | None, Images | Table, True),
        (Table | None, Table, True),
        (float, int, True),
        (int, float, False),
        (dict[str, float], dict[str, float], True),
        (dict[str, float], dict[str, str], False),
        (tuple[int, str], tuple[int], False),
        (Split[T], Split[Images], True),
        (Mapping[str, float], dict[str, float], True),
    ],
)
def test_a_value_fits_where_its_annotation_is_asked_for(wanted, made, fits):
    assert fits is accepts(wanted, made)


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (Split[Images], "Split[Images]"),
        (None, "None"),
        (Table | None, "Table | None"),
        (dict[str, float], "dict[str, float]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (Annotated[int, Field(gt=0)], "int"),
        (Any, "Any"),
        (DataPath, "Path"),
    ],
)
def test_annotations_are_named_as_a_person_writes_them(annotation, name):
    assert name == type_name(annotation)
