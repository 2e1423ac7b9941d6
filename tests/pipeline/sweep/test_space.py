"""What is wrong with a sweep is told before anything starts, with its place."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli import cli
from pipeline.errors import RequestError
from pipeline.plan import Plan
from pipeline.sweep import check, describe
from pipeline.sweep.distributions import DISTRIBUTIONS, Choice, LogRandInt, LogUniform, QUniform, RandInt, Uniform
from pipeline.sweep.request import read_request

PlanOf = Callable[..., Plan]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("sweep.space={bowl.xx: {uniform: [0, 1]}}", "unknown field 'xx' of stages_for_sweeps.bowl"),
        ("sweep.space={bowll.x: {uniform: [0, 1]}}", "names no stage: 'bowll'"),
        ("sweep.space={bowl.x: {unifrom: [0, 1]}}", "unknown distribution 'unifrom'"),
        ("sweep.space={bowl.x: {uniform: [1, 0]}}", "must have its lower end first"),
        ("sweep.space={bowl.x: {uniform: [0, 1, 2]}}", "must be a list of 2 numbers"),
        ("sweep.space={bowl.x: {loguniform: [0, 1]}}", "must be above 0"),
        ("sweep.space={bowl.n: {randint: [0.5, 2]}}", "must be a list of 2 whole numbers"),
        ("sweep.space={bowl.x: {uniform: [0, 11]}}", "must be less than or equal to 10. Got 11.0 instead."),
        ("sweep.space={bowl.kind: {choice: [plain, bent]}}", "must be 'plain' or 'shifted'. Got 'bent' instead."),
        ("sweep.space={bowl.n: {uniform: [1, 5.5]}}", "must be a valid integer"),
        ("sweep.space={bowl.x: {choice: [1, 1]}}", "must name each value once"),
        ("sweep.space={bowl: {variants: [a]}}", "has no variants to choose from"),
        ("sweep.space={'bowl[plain].x': {uniform: [0, 1]}}", "names no variant"),
        ("sweep.space={}", "no space to search"),
        ("sweep.metric=bowl/los", "does not log the metric 'los'"),
        ("sweep.metric=loss", "not of the form stage/metric"),
        ("sweep.scheduler=asha", "does not log it with a step"),
        ("sweep.search=grid", "needs a list of values"),
        ("sweep.search=tpee", "Did you mean 'tpe'?"),
        ("sweep.search={tpe: {startup: 3}}", "unknown field 'startup' of search tpe"),
        ("sweep.search={cma: {sigma: 2}}", "must be less than or equal to 1"),
        ("sweep.constraints=['bowl.x < bowl.z']", "names no dimension: 'bowl.z'"),
        ("sweep.constraints=['bowl.x > 6']", "cannot be met"),
        ("sweep.points=[{bowl.x: 7}]", "is outside its dimension"),
        ("sweep.points=[{bowl.z: 7}]", "names no dimension of the space"),
        ("sweep.racing=true", "there is one seed"),
    ],
)
def test_a_wrong_sweep_is_told_with_its_place(override: str, message: str, plan_of: PlanOf) -> None:
    try:
        problems = check(plan_of("bowl", override))
    except RequestError as error:
        problems = list(error.problems)

    assert problems
    assert any(message in problem.render() for problem in problems), [problem.render() for problem in problems]
    assert all(problem.origin is not None for problem in problems)
    assert all(problem.render().count("\n") < 6 for problem in problems)


@pytest.mark.parametrize(
    ("search", "scheduler", "message"),
    [
        ("grid", "pbt", "starts from a random population"),
        ("tpe", "bohb", "works with search: bohb only"),
        ("random", "{pbt: {perturb: [curve.y]}}", "no dimension of the space"),
        ("random", "{asha: {grace_period: 9, max_steps: 3}}", "needs max_steps above grace_period"),
    ],
)
def test_what_cannot_work_together_is_refused_with_its_reason(
    search: str, scheduler: str, message: str, plan_of: PlanOf
) -> None:
    space = "sweep.space={curve.x: {choice: [0.1, 0.2]}}"

    problems = check(plan_of("curve", f"sweep.search={search}", f"sweep.scheduler={scheduler}", space))

    assert any(message in problem.message for problem in problems), problems


@pytest.mark.parametrize("search", ["gp", "cma"])
def test_a_search_that_cannot_express_conditions_says_so(search: str, plan_of: PlanOf) -> None:
    assert "cannot search" in check(plan_of("variants", f"sweep.search={search}"))[0].message


def test_variants_that_the_space_does_not_choose_among_are_an_error(plan_of: PlanOf) -> None:
    problems = check(plan_of("variants", "sweep.space={'bowl[plain].x': {uniform: [0, 1]}}"))

    assert "the space does not choose among them" in problems[0].message


def test_a_sweeps_cost_is_counted_with_and_without_sharing(plan_of: PlanOf) -> None:
    cost = describe(plan_of("bowl", "sweep.trials=20", "sweep.seeds=2"))

    assert (["numbers"], ["bowl"]) == (cost["shared"], cost["per_trial"])
    assert (42, 80) == (cost["stage_executions"], cost["stage_executions_without_sharing"])


def test_random_configurations_satisfy_the_constraints(plan_of: PlanOf) -> None:
    request, _ = read_request(plan_of("bowl", "sweep.constraints=['bowl.x >= bowl.y']"))
    assert request is not None
    generator = np.random.default_rng(0)

    drawn = [request.space.sample(generator) for _ in range(200)]

    assert all(configuration["bowl.x"] >= configuration["bowl.y"] for configuration in drawn)


ALL = [
    Choice(("a", 1, None, True)),
    Uniform(-2.0, 3.0),
    LogUniform(1e-4, 10.0),
    RandInt(1, 7),
    LogRandInt(1, 1000),
    QUniform(0.0, 1.0, 0.25),
    QUniform(2, 10, 4),
]


@pytest.mark.parametrize("distribution", ALL, ids=lambda d: type(d).__name__)
@given(position=st.floats(0, 1, exclude_max=True))
def test_unit_positions_and_values_correspond(distribution: object, position: float) -> None:
    value = distribution.from_unit(position)  # type: ignore[attr-defined]

    assert distribution.contains(value)  # type: ignore[attr-defined]
    again = distribution.from_unit(distribution.to_unit(value))  # type: ignore[attr-defined]
    assert again == value or math.isclose(again, value, rel_tol=1e-9, abs_tol=1e-12)


def test_whole_numbers_are_equally_likely_and_both_ends_are_drawn() -> None:
    generator = np.random.default_rng(0)

    drawn = [RandInt(1, 4).sample(generator) for _ in range(8000)]

    assert all(abs(drawn.count(value) - 2000) < 200 for value in (1, 2, 3, 4))


def test_logarithmic_draws_have_equally_likely_orders_of_magnitude() -> None:
    generator = np.random.default_rng(0)

    drawn = np.log10([LogUniform(1e-3, 1.0).sample(generator) for _ in range(6000)])

    assert all(abs(((drawn >= low) & (drawn < low + 1)).sum() - 2000) < 200 for low in (-3, -2, -1))


def test_a_constraint_breaking_point_is_refused(plan_of: PlanOf) -> None:
    plan = plan_of("bowl", "sweep.constraints=['bowl.x >= bowl.y']", "sweep.points=[{bowl.x: 0, bowl.y: 1}]")

    assert "breaks a constraint" in check(plan)[0].message


def test_every_distribution_says_how_it_is_written() -> None:
    assert all(distribution.usage.startswith(name) for name, distribution in DISTRIBUTIONS.items())


def test_what_is_wrong_in_the_stages_and_in_the_sweep_is_told_in_one_pass(tmp_path: Path) -> None:
    file = tmp_path / "both.yaml"
    file.write_text(
        "name: both\nstages:\n  images: {uses: data.images, with: {dataset: 3}}\n  model: {uses: vae.fitt}\n"
        "  other: {uses: vae.fit, with: {latent_dim: 2}}\nbogus: 1\n"
        "sweep:\n  metric: model/elbo\n  serach: tpe\n  space:\n    other.epoch: {uniform: [1, 2]}\n"
        "    model.anything: {uniform: [1, 2]}\n    images.datset: {choice: [a]}\n"
    )

    done = CliRunner().invoke(cli, ["check", str(file), "--json"], standalone_mode=False)

    problems = json.loads(done.stdout)["files"][0]["problems"]
    assert 2 == done.return_value
    assert [3, 4, 6, 9, 11, 13] == [problem["line"] for problem in problems]
