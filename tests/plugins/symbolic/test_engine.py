import numpy as np
import pytest

from plugins.symbolic.engine import constants, scaling, semantic
from plugins.symbolic.engine.forest import Forest
from plugins.symbolic.engine.search import Search, Settings
from plugins.symbolic.engine.seeds import power_laws, rational
from plugins.symbolic.programs import evaluate

FUNCTIONS = ("add", "sub", "mul", "div", "sqrt", "square", "exp", "log", "sin", "cos")
RNG = np.random.default_rng(0)
ROWS = RNG.uniform(0.5, 2.0, (60, 3))


def test_equal_subtrees_are_one_node():
    forest = Forest(ROWS)

    assert forest.add(("add", "sin", 0, 1)) == forest.add(("add", 1, "sin", 0))


def test_the_constant_one_is_not_variable_number_one():
    forest = Forest(ROWS)

    assert forest.terminal(1) != forest.terminal(1.0)


def test_a_forest_computes_what_the_program_says():
    forest = Forest(ROWS)
    program = ("div", "exp", "sin", 0, "add", "mul", 1, 2, 1.5)
    root = forest.add(program)

    assert np.allclose(evaluate(program, ROWS), forest.values([root])[0])
    assert np.allclose(evaluate(program, ROWS), evaluate(forest.program(root), ROWS))


def test_a_replaced_subtree_is_where_its_path_led():
    forest = Forest(ROWS)
    root = forest.add(("div", "sin", 0, "exp", 1))

    assert ("div", "sin", 0, "exp", 2) == forest.program(forest.replaced(forest.path(root, 4), 2))


def test_linear_scaling_is_the_squared_correlation():
    values = RNG.normal(size=(5, 60))
    y = RNG.normal(size=60)
    expected = [1 - np.corrcoef(row, y)[0, 1] ** 2 for row in values]

    assert np.allclose(expected, scaling.relative_errors(values, y))


def test_constants_and_overflowing_values_are_refused():
    values = np.stack([np.full(60, 3.0), np.full(60, np.nan), ROWS[:, 0] * 1e200])

    assert np.isinf(scaling.relative_errors(values, ROWS[:, 0])).all()


def test_levenberg_marquardt_finds_the_constants_of_the_law():
    y = 3 * np.exp(-1.7 * ROWS[:, 0]) + 2
    program, error = constants.refine(("exp", "mul", -1.0, 0), ROWS, y, 30)

    assert program[2] == pytest.approx(-1.7, rel=1e-6)
    assert error < 1e-20


@pytest.mark.parametrize("name", ["sin", "cos", "exp", "log", "sqrt", "square", "inv", "neg"])
def test_inversion_undoes_a_function(name):
    forest = Forest(ROWS)
    root = forest.node(name, 0)
    wanted, _ = semantic.invert(name, False, forest.values([root])[0], None, ROWS[:, 0])

    assert np.allclose(ROWS[:, 0], wanted)


def test_a_quotient_of_polynomials_is_found_exactly():
    x, y, z = ROWS.T
    wanted = (x + y) / (1 + x * y / z**2)
    program = rational(ROWS, wanted, 3, 3)

    assert program is not None
    assert np.allclose(wanted, evaluate(program, ROWS), rtol=1e-9)


def test_data_that_are_no_quotient_give_none():
    assert rational(ROWS, np.sin(3 * ROWS[:, 0]) + RNG.normal(0, 0.1, 60), 2, 2) is None


def test_a_power_law_is_found_exactly():
    x, y, z = ROWS.T
    (program,) = power_laws(ROWS, 0.3 * x**2 * np.sqrt(y) / z**3)

    assert np.ptp(evaluate(program, ROWS) / (x**2 * np.sqrt(y) / z**3)) < 1e-9


def test_the_same_seed_finds_the_same_front():
    y = np.sin(ROWS[:, 0] ** 2) * ROWS[:, 1] + 0.1 * RNG.normal(size=60)
    settings = Settings(FUNCTIONS, population=100, generations=3, time_limit=60)
    first, second = (Search(ROWS, y, settings, 7).run(lambda progress: None) for _ in range(2))

    assert list(map(str, first)) == list(map(str, second))


def test_a_law_with_sines_is_recovered():
    points = np.random.default_rng(1).uniform(0, 1, (20, 2))
    y = 2 * np.sin(points[:, 0]) * np.cos(points[:, 1])
    search = Search(points, y, Settings(FUNCTIONS, generations=20), 0)
    search.run(lambda progress: None)

    assert min(error for error, _ in search.archive.values()) < 1e-20


def test_noisy_rows_are_looked_at_in_greater_number_after_the_first_population():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 3, (90, 2))
    y = x[:, 0] * x[:, 1] + rng.normal(0, 0.5, 90)
    settings = Settings(("add", "mul"), population=20, generations=8, rows=15, patience=1, time_limit=60)
    search = Search(x, y, settings, seed=0)
    first = len(search.y)
    front = search.run(lambda progress: None)

    assert search.restarts > 0
    assert (15, 75) == (first, len(search.y))
    for size, (error, program) in search.archive.items():
        assert size == len(program)
        assert error == pytest.approx(scaling.relative_errors(np.array([evaluate(program, search.x)]), search.y)[0])
    assert front


def test_what_matters_is_found_among_a_thousand_variables():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 1000))
    y = 2 * x[:, 777] - x[:, 123] ** 3
    search = Search(x, y, Settings(("add", "sub", "mul"), population=100, generations=5, time_limit=60), seed=0)

    assert {777, 123} <= set(search.leading)
    search.run(lambda progress: None)
    assert min(error for error, _ in search.archive.values()) < 1e-20


@pytest.mark.parametrize("functions", [("add", "sub", "mul", "div"), ("add", "mul"), ("sin", "exp"), ("div",)])
def test_any_set_of_functions_will_do(functions):
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 3, (60, 2))
    y = 5 / (1 + 2 * x[:, 0]) + 0.3 * x[:, 1] ** 2 + rng.normal(0, 0.05, 60)
    settings = Settings(functions, population=100, generations=15, patience=4, time_limit=60)

    assert Search(x, y, settings, seed=0).run(lambda progress: None)
