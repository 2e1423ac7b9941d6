"""The test kit: it runs a stage as a pipeline would, and its suite finds each way of not conforming."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline import Context, Stage
from pipeline.testing import check_plugin, conformance_checks, run_stage

GOOD = '''
"""A plugin that conforms."""

from dataclasses import dataclass
from typing import ClassVar

from pipeline import Context, Field, Stage, hookimpl


@dataclass(frozen=True)
class Dice:
    """Numbers that were rolled."""

    numbers: list[int]


class Roll(Stage):
    """Roll dice."""

    seeded: ClassVar = True
    number: int = Field(3, gt=0, description="How many dice.")

    def run(self, context: Context) -> Dice:
        return Dice(context.rng.integers(1, 7, self.number).tolist())


class Count(Stage):
    """Count the eyes."""

    emits: ClassVar = {"eyes": "max"}
    per_step: ClassVar = ("eyes",)

    def run(self, roll: Dice, context: Context) -> int:
        for step, _ in enumerate(roll.numbers):
            context.log({"eyes": sum(roll.numbers[: step + 1])}, step=step)
        return sum(roll.numbers)


@hookimpl
def pipeline_stages() -> list[type[Stage]]:
    """``dice.roll`` and ``dice.count``."""
    return [Roll, Count]
'''

EXAMPLE = "stages:\n  roll: {uses: dice.roll}\n  count: {uses: dice.count}\n"


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes a variation of the plugin, and gives its module's name and its example."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(old: str = "", new: str = "", name: str = "dice") -> tuple[str, Path]:
        assert old in GOOD
        (tmp_path / f"{name}.py").write_text(GOOD.replace(old, new, 1))
        (tmp_path / "example.yaml").write_text(EXAMPLE.replace("dice.", f"{name}."))
        sys.modules.pop(name, None)
        return name, tmp_path / "example.yaml"

    yield write
    sys.modules.pop("dice", None)


class Curve(Stage):
    """Log everything that can be logged."""

    def run(self, number: int, context: Context) -> int:
        for step in (2, 1, 3):
            context.log({"loss": 1 / step}, step=step)
        context.log({"final": number})
        context.text("note", "hello")
        return number + 1


class Noisy(Stage):
    """Return three random numbers: the stage's own, and those of two libraries."""

    seeded = True

    def run(self, context: Context) -> list[float]:
        import random

        import numpy as np

        return [float(context.rng.random()), random.random(), float(np.random.rand())]  # noqa: NPY002  # on purpose


def test_a_stage_runs_on_plain_values_and_shows_what_it_logged():
    run = run_stage(Curve(), number=4)

    assert run.value == 5
    assert {"loss": 1 / 3, "final": 4.0} == dict(run.metrics)
    assert [1.0, 0.5, 1 / 3] == run.curve("loss")
    assert {"note.txt": b"hello"} == dict(run.files)


def test_a_figure_is_drawn_when_it_is_looked_at_and_keeps_its_place():
    class Draw(Stage):
        def run(self, context: Context) -> None:
            from matplotlib.figure import Figure

            context.text("before", "")
            context.figure("plot", Figure(figsize=(1, 1)))
            context.text("after", "")

    files = run_stage(Draw()).files

    assert ["before.txt", "plot.png", "after.txt"] == list(files)
    assert files["plot.png"].startswith(b"\x89PNG")


def test_a_figure_that_cannot_be_drawn_fails_where_it_is_looked_at():
    class Unreadable(Stage):
        def run(self, context: Context) -> None:
            from matplotlib.figure import Figure

            figure = Figure()
            figure.suptitle("$\\unknown{}$")
            context.figure("plot", figure)

    run = run_stage(Unreadable())

    with pytest.raises(ValueError, match="Unknown symbol"):
        _ = run.files


def test_a_seeded_stage_gives_the_same_for_the_same_seed_and_something_else_for_another():
    first, again, other = (run_stage(Noisy(), seed=seed).value for seed in (1, 1, 2))

    assert first == again
    assert not set(first) & set(other)


def test_what_a_stage_raises_passes_through():
    class Broken(Stage):
        def run(self) -> int:
            raise ZeroDivisionError("no")

    with pytest.raises(ZeroDivisionError):
        run_stage(Broken())


def test_a_seed_without_a_word_of_it_is_refused_as_in_a_pipeline():
    class Silent(Stage):
        def run(self, context: Context) -> int:
            return context.seed

    with pytest.raises(TypeError, match="uses a seed without saying so"):
        run_stage(Silent())


def test_a_good_plugin_passes(plugin):
    check_plugin(*plugin())


def test_each_check_has_a_name_that_tells_stage_and_requirement(plugin):
    names = [str(check) for check in conformance_checks(*plugin())]

    assert "dice imports nothing heavy" in names
    assert "dice.count declares its metrics" in names
    assert "dice gives the same again" in names
    assert len(names) == len(set(names))


def test_without_an_example_nothing_is_run(plugin):
    name, _ = plugin()

    assert not any("example" in str(check) for check in conformance_checks(name))


def test_an_installed_plugin_is_known_by_its_name():
    checks = {str(check): check for check in conformance_checks("data")}

    checks["data is loaded"]()
    assert "data.images has a docstring" in checks


@pytest.mark.parametrize(
    ("old", "new", "failing", "message"),
    [
        ('"""Roll dice."""', '"""roll dice"""', "dice.roll has a docstring", "must be a sentence"),
        (', description="How many dice."', "", "dice.roll describes its fields", "without a description: number"),
        ("-> Dice:", "-> object:", "dice.roll returns what can be stored", "object is no frozen dataclass"),
        ("@dataclass(frozen=True)", "@dataclass", "dice.roll returns what can be stored", "Dice must be frozen"),
        ('{"eyes": "max"}', '{"eyes": "up"}', "dice.count declares its metrics", "Got 'up' instead"),
        ('{"eyes": "max"}', '{"Eyes": "max"}', "dice.count declares its metrics", "must be in snake_case"),
        ('("eyes",)', '("eyes", "ears")', "dice.count declares its metrics", "per_step names metrics"),
        ("Field(3, gt=0", "Field(0, gt=0", "dice.roll has valid defaults", "the default of 'number' is not valid"),
        ("number: int", "Number: int", "dice.roll uses snake_case", "'Number' must be in snake_case"),
        ("from typing", "import pandas\nfrom typing", "dice imports nothing heavy", "pandas"),
        ("@hookimpl\n", "", "dice marks its hooks", "put @hookimpl above it"),
        ("from dataclasses", "import nowhere_to_be_found\nfrom dataclasses", None, "nowhere_to_be_found"),
        ("-> Dice:", ":", "dice is loaded", "does not say what it returns"),
    ],
)  # fmt: skip
def test_each_fault_fails_its_check(plugin, old, new, failing, message):
    name, _ = plugin(old, new)
    if failing is None:
        with pytest.raises(ModuleNotFoundError, match=message):
            conformance_checks(name)
        return

    check = next(check for check in conformance_checks(name) if str(check) == failing)

    with pytest.raises(AssertionError, match=message):
        check()


@pytest.mark.parametrize(
    ("old", "new", "failing", "message"),
    [
        ("return sum(", "raise ValueError('no dice'); sum(", "dice runs its example", "no dice"),
        ('log({"eyes"', 'log({"ears"', "dice logs the metrics that it declares", "which is not in its emits"),
        ("per_step:", "unused:", "dice logs the metrics that it declares", "not in its per_step"),
        (", step=step", "", "dice logs the metrics that it declares", "never logs eyes with a step"),
        ("context.rng.integers(1, 7, self.number).tolist()", "[__import__('time').time_ns()]",
         "dice gives the same again", "dice.roll returned something else when run again"),
    ],
)  # fmt: skip
def test_each_fault_of_the_work_itself_fails_its_check(plugin, old, new, failing, message):
    name, example = plugin(old, new)

    check = next(check for check in conformance_checks(name, example) if str(check) == failing)

    with pytest.raises(AssertionError, match=message):
        check()


def test_all_failures_are_told_at_once(plugin):
    name, _ = plugin(', description="How many dice."', "")
    source = Path(sys.path[0], f"{name}.py")
    source.write_text(source.read_text().replace('"""Count the eyes."""', '""""""'))

    with pytest.raises(AssertionError) as caught:
        check_plugin(name)

    assert "dice.roll describes its fields" in str(caught.value)
    assert "dice.count has a docstring" in str(caught.value)
