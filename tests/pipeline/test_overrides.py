"""`key=value` on the command line reaches any value of the file."""

from __future__ import annotations

import pytest

from pipeline.errors import RequestError

PLAIN = "  make: {uses: counting.make, with: {size: 5}}\n  draw: {uses: counting.draw}"
VARIED = (
    "  make: {uses: counting.make}\n"
    "  draw:\n"
    "    uses: counting.draw\n"
    "    variants: {low: {}, high: {with: {bonus: 9.0}}, none: {uses: counting.round, inputs: {draw: number}}}\n"
    "  number: {uses: counting.fail}\n"
)


def params(project, *overrides: str) -> list[dict]:
    """What each run would be given."""
    return [run.params for run in project.load(*overrides).plan.runs]


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("make.size=7", "make.size", 7),
        ("draw.bonus=1.5", "draw.bonus", 1.5),
        ("draw.bonus=2", "draw.bonus", 2.0),
        ("draw.bonus=1e-3", "draw.bonus", 1e-3),
        ("stages.make.with.size=8", "make.size", 8),
        ("make.size= 9 ", "make.size", 9),
    ],
)
def test_a_field_is_set(project, word, name, value):
    project.write(PLAIN)

    (run,) = params(project, word)

    assert value == run[name]


def test_of_two_overrides_the_last_wins(project):
    project.write(PLAIN)

    assert params(project, "make.size=7", "make.size=8")[0]["make.size"] == 8


@pytest.mark.parametrize(
    ("word", "seeds"), [("seed=4", [4]), ("seeds=2", [0, 1]), ("seeds=[5, 7]", [5, 7]), ("seeds=1", [0])]
)
def test_seeds_of_the_command_line_replace_those_of_the_file(project, word, seeds):
    project.write(PLAIN, "seeds: [8, 9]")

    assert seeds == [run.seed for run in project.load(word).plan.runs]


def test_the_name_and_other_keys_of_the_file_are_set_too(project):
    project.write(PLAIN)

    plan = project.load("name=renamed", "stages.make.retries=2").plan

    assert plan.experiment == "renamed"
    assert plan.runs[0].steps[0].retries == 2


@pytest.mark.parametrize(
    ("word", "variants"), [("draw=low", ["low"]), ("draw=[low, high]", ["low", "high"]), ("draw=high", ["high"])]
)
def test_variants_are_chosen_by_the_stages_name(project, word, variants):
    project.write(VARIED)

    assert variants == [run.variants["draw"] for run in project.load(word).plan.runs]


def test_a_field_of_several_variants_is_set_in_those_that_have_it(project):
    project.write(VARIED)

    runs = params(project, "draw.bonus=3.0")

    assert [3.0, 3.0, None] == [run.get("draw.bonus") for run in runs]


def test_a_field_of_one_variant_is_set_in_that_alone(project):
    project.write(VARIED)

    runs = params(project, "draw[low].bonus=3.0", "draw=[low, high]")

    assert [3.0, 9.0] == [run["draw.bonus"] for run in runs]


def test_a_mapping_is_an_override_too(project):
    from pipeline import Pipeline

    project.write(PLAIN)

    plan = Pipeline.load(project.file, {"make.size": 7, "seeds": [1, 2]}, trust=True).plan

    assert [(7, 1), (7, 2)] == [(run.params["make.size"], run.seed) for run in plan.runs]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("mak.size=7", "'mak' is no stage of this pipeline"),
        ("make.sise=7", "Did you mean 'size'?"),
        ("make.size=big", "must be a valid integer"),
        ("make=low", "stage 'make' has no variants to choose from"),
        ("draw=middle", "stage 'draw' has no variant 'middle'"),
        ("draw[lo].bonus=1", "Did you mean 'low'?"),
        ("make", "this override has no '='"),
        ("make.size.deep=1", "cannot be set"),
    ],
)
def test_a_wrong_override_is_told_with_its_word(project, word, message):
    project.write(VARIED.replace("{uses: counting.make}", "{uses: counting.make, with: {size: 1}}"))

    with pytest.raises(RequestError) as caught:
        project.load(word)

    assert message in str(caught.value)
    assert f"  {word}\n" in str(caught.value)


def test_all_wrong_overrides_are_told_at_once(project):
    project.write(PLAIN)

    with pytest.raises(RequestError) as caught:
        project.load("mak.size=7", "draw.bonuss=1", "make")

    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("name", ["draw.bonus", "draw[high].bonus"])
def test_a_dimension_of_the_sweep_is_named_with_its_dots_and_brackets(project, name):
    project.write(VARIED, "sweep: {metric: draw/x, space: {make.size: {randint: [1, 2]}}}")

    space = project.load(f"sweep.space.{name}={{uniform: [0, 1]}}").plan.spec.sweep.space

    assert {"make.size": {"randint": [1, 2]}, name: {"uniform": [0, 1]}} == space
