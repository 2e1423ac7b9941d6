from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import DataError
from pipeline.testing import conformance_checks, run_stage
from plugins.symbolic import stages
from plugins.symbolic.equivalence import is_equivalent
from plugins.symbolic.front import front_of
from plugins.symbolic.grammar import parse, write
from plugins.symbolic.refinement import plainer, prune, rounded, steady
from plugins.symbolic.types import arrays

ROWS = np.random.default_rng(0).uniform(1, 3, (50, 2))


@pytest.mark.parametrize("check", conformance_checks("plugins.symbolic.stages"), ids=str)
def test_the_plugin_conforms(check):
    check()


@pytest.fixture
def table(tmp_path):
    def written(frame):
        path = tmp_path / "data.csv"
        pd.DataFrame(frame).to_csv(path, index=False)
        return path

    return written


def solved(problem, **settings):
    model = run_stage(stages.Gplearn(generations=5, **settings), problem=problem).value
    return run_stage(stages.Refine(), problem=problem, model=model).value


def judged(problem, formula):
    return run_stage(stages.Verify(), problem=problem, formula=formula).metrics


def test_a_feynman_law_is_recovered_and_extrapolates():
    problem = stages.Problem(name="I.16.6", rows=200).run()
    metrics = judged(problem, solved(problem))

    assert metrics["recovered"] == 1
    assert metrics["r2_extrapolation"] == pytest.approx(1)


def test_plain_gplearn_gives_what_gplearn_gives():
    from gplearn.genetic import SymbolicRegressor

    problem = stages.Problem(name="Nguyen-5").run()
    run = run_stage(stages.GplearnPlain(population=60, generations=4), seed=3, problem=problem)
    x, y = arrays(problem.train)
    own = SymbolicRegressor(
        population_size=60,
        generations=4,
        function_set=("add", "sub", "mul", "div", "sqrt", "log", "sin", "cos"),
        random_state=3,
    ).fit(x, y)

    assert np.allclose(own.predict(x), run.value.predict(x), rtol=1e-12)
    assert own.run_details_["best_length"] == run.curve("size")


def test_operon_fits_and_its_formula_reads_back():
    pytest.importorskip("pyoperon")
    problem = stages.Problem(name="Nguyen-1").run()
    run = run_stage(stages.Operon(time_limit=1), problem=problem)
    front = run.value

    assert run.metrics["evaluations"] > 1000

    assert judged(problem, front)["r2_test"] > 0.9


@pytest.mark.parametrize(
    ("found", "truth", "same"),
    [
        ("0.0795774715459*x*y", "x*y/(4*pi)", True),
        ("sin(x)**2 + y", "1 - cos(x)**2 + y", True),
        ("2*x*y", "x*y", True),
        ("x*y + 3", "x*y", True),
        ("x*y + 0.001*x", "x*y", False),
        ("exp(-0.4999999999*x**2)", "exp(-x**2/2)", True),
        ("(1.3*x + 0.26)*(y/1.3) - 0.2*y", "x*y", True),
        ("exp(-0.4999*x**2)", "exp(-x**2/2)", False),
        ("x + x**3/6.0001", "x + x**3/6", False),
    ],
)
def test_a_formula_is_the_law_up_to_one_constant(found, truth, same):
    assert same == is_equivalent(parse(found, ["x", "y"]), parse(truth, ["x", "y"]), ROWS)


def test_idle_parts_are_pruned_and_constants_rounded():
    y = 2.5 * ROWS[:, 0] * np.sin(ROWS[:, 1])
    bloated = parse("2.4999999*x*sin(y + 0.00000001*x) + 0.000000001*exp(y)", ["x", "y"])
    program = rounded(prune(bloated, ROWS, y)[0], ROWS, y)

    assert "2.5*x*sin(y)" == write(program, ["x", "y"], 6)


@pytest.mark.parametrize(
    ("factor", "noise", "plain"), [(0.3949, 0.05, 0.395), (0.3927, 0, 0.3927), (np.pi / 8, 0, np.pi / 8)]
)
def test_a_constant_is_a_multiple_of_pi_only_where_it_is_known_well(factor, noise, plain):
    y = factor * ROWS[:, 0] + np.random.default_rng(0).normal(0, noise, len(ROWS))

    assert rounded(("mul", float(factor), 0), ROWS, y, slack=1.01) == ("mul", pytest.approx(plain, rel=1e-12), 0)


@pytest.mark.parametrize(
    ("formula", "holds"), [("x*y", True), ("1/(x - 1.01)", False), ("exp(9*x)", False), ("log(x - y)", False)]
)
def test_a_formula_that_breaks_down_between_the_rows_is_told(formula, holds):
    assert holds == steady(parse(formula, ["x", "y"]), ROWS, ROWS[:, 0] * ROWS[:, 1])


def test_an_intercept_that_only_noise_has_is_left_out():
    x, y = ROWS.T
    noisy = 0.5 * x / y**2 + np.random.default_rng(1).normal(0, 0.01, len(x))
    program = prune(parse("0.001 + 0.49*x/y**2", ["x", "y"]), ROWS, noisy)[0]

    assert is_equivalent(program, parse("x/y**2", ["x", "y"]), ROWS)


def test_short_of_time_the_likeliest_formula_is_refined_first(table, monkeypatch):
    x = np.linspace(1, 2, 40)
    problem = stages.Table(path=table({"x": x, "y": 3 * x**2}), target="y").run()
    model = front_of([parse(text, ["x"]) for text in ("7*x", "2.9*x**2", "2.9*x**2 + sin(x)")], problem)
    clock = iter([0.0, 0.0, 100.0])
    monkeypatch.setattr("plugins.symbolic.refine.time", SimpleNamespace(monotonic=lambda: next(clock)))
    formula = run_stage(stages.Refine(time_limit=1), problem=problem, model=model).value

    assert "2.9*x**2" == model.best.expression
    assert ["7*x", "3*x**2"] == [equation.expression for equation in formula.equations]


def test_a_constant_of_noisy_rows_is_a_simple_multiple_of_pi_or_of_nothing():
    chance = 0.75 * np.sqrt(2 * np.pi) * 1.0001

    assert 0.75 * np.sqrt(2 * np.pi) in list(plainer(chance, noisy=False))
    assert [f"{value:.12g}" for value in plainer(chance, noisy=True)][1:4] == ["1.9", "1.88", "1.88"]
    assert next(plainer(2 * np.pi * 1.0001, noisy=True)) != 2 * np.pi
    assert 2 * np.pi in list(plainer(2 * np.pi * 1.0001, noisy=True))


def test_a_formula_is_told_in_six_digits(table):
    x = np.linspace(1, 2, 40)
    problem = stages.Table(path=table({"x": x, "y": x / 3 + 0.1}), target="y").run()
    front = front_of([parse("0.333333333333333*x + 0.1", ["x"])], problem)
    judged = run_stage(stages.Verify(), problem=problem, formula=front)

    assert "y = 0.333333*x + 0.1" == judged.files["formula.txt"].decode().strip()
    assert "0.333333333333333*x + 0.1" == judged.value.expression


def test_strange_columns_are_kept_by_name_or_left_out(table):
    x = np.linspace(1, 2, 40)
    frame = {"flow [m/s]": x, "constant": 1.0, "text": "a", "hole": np.where(x > 1.9, np.nan, x**2), "y": 3 * x}
    problem = stages.Table(path=table(frame), target="y").run()

    assert problem.variables == ("flow [m/s]", "hole")
    assert judged(problem, solved(problem))["r2_test"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        ({"x": [1.0], "y": [2.0]}, "too few"),
        ({"x": [1.0, 2, 3, 4, 5], "z": 1}, "has no column 'y'"),
        ({"x": [1.0, 2, 3, 4, 5], "y": list("abcde")}, "must be a column of numbers"),
        ({"x": [1.0, 2, 3, 4, 5], "y": [1e300, 1, 2, 3, 4]}, "overflows"),
        ({"x": [1.0] * 5, "y": [1.0, 2, 3, 4, 5]}, "no column of"),
        ({"x": [np.nan] * 5, "z": [np.nan] * 5, "y": [np.nan] * 5}, "column of numbers|is complete"),
        ({"x": [1.0, 2, 3, 4, 5], "y": [7.0] * 5}, "is the same in every"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(table, frame, complaint):
    with pytest.raises(DataError, match=complaint):
        stages.Table(path=table(frame), target="y").run()


def test_an_unknown_problem_says_what_was_meant():
    with pytest.raises(DataError, match="Did you mean 'Nguyen-1"):
        stages.Problem(name="nguyen1").run()


@pytest.mark.slow
def test_ten_thousand_columns_and_one_second_still_give_a_front(table):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 10_000))
    frame = pd.DataFrame(x, columns=[f"c{n}" for n in range(10_000)])
    frame["y"] = x[:, 3] * 2 + rng.normal(0, 0.1, 60)
    problem = stages.Table(path=table(frame), target="y").run()
    front = run_stage(stages.Gplearn(time_limit=1), problem=problem).value

    assert len(front.equations) >= 1
    assert np.isfinite(front.predict(arrays(problem.test)[0])).any()
