import math

import numpy as np
import pytest

from pipeline.errors import DataError
from plugins.symbolic.functions import FUNCTIONS
from plugins.symbolic.grammar import parse, write
from plugins.symbolic.problems.catalogue import laws
from plugins.symbolic.programs import constants, evaluate, gradient, with_constants

ROWS = np.random.default_rng(0).uniform(0.2, 0.9, (7, 2))


def test_powers_bind_tighter_than_signs_and_signs_tighter_than_products():
    x, _ = ROWS.T

    assert np.allclose(-(x**2) * 3 - (x - 1) / 2**-x, evaluate(parse("-x**2*3 - (x - 1)/2**-x", ["x", "y"]), ROWS))


@pytest.mark.parametrize("name", ["a b", "sin", "2nd", "Größe", "x[0]"])
def test_any_column_name_survives_writing_and_reading(name):
    program = ("add", "sin", 0, "mul", 2.5, 1)

    assert program == parse(write(program, [name, "y"]), [name, "y"])


def test_every_known_law_reads_the_same_after_writing():
    for law in laws().values():
        names = list(law.points)
        again = parse(write(law.program, names), names)
        rows = np.random.default_rng(0).uniform(0.3, 0.9, (5, len(names)))

        assert np.allclose(evaluate(law.program, rows), evaluate(again, rows), equal_nan=True), law.name


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x + z", "there is no variable 'z'"),
        ("sn(x)", "did you mean 'sin'"),
        ("sin(x, y)", "sin takes 1 argument, not 2"),
        ("x +", "is missing before 'the end'"),
        ("x y", "stands where the formula should end"),
        ("__import__('os')", "has no meaning"),
        ("(" * 500 + "x" + ")" * 500, "nested deeper"),
    ],
)
def test_what_is_no_formula_is_refused_with_its_place(text, complaint):
    with pytest.raises(DataError, match="position"):
        parse(text, ["x", "y"])
    with pytest.raises(DataError) as refusal:
        parse(text, ["x", "y"])

    assert complaint in str(refusal.value)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_equal_finite_differences(name):
    program = (name, "mul", 0.7, 0) if FUNCTIONS[name].arity == 1 else (name, "mul", 0.7, 0, "mul", 1.3, 1)
    step = 1e-6
    _, slopes = gradient(program, ROWS)

    for place in range(len(constants(program))):
        up, down = ([c + s * (k == place) for k, c in enumerate(constants(program))] for s in (step, -step))
        difference = evaluate(with_constants(program, up), ROWS) - evaluate(with_constants(program, down), ROWS)

        assert np.allclose(difference / (2 * step), slopes[place], atol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("value", [0.0, -1.0, 1e308, -1e308])
def test_a_function_of_constants_has_derivatives_or_none_but_never_raises(name, value):
    program = ("add", 0, name, *([value] * FUNCTIONS[name].arity))

    values, slopes = gradient(program, ROWS)

    assert np.array_equal(values, evaluate(program, ROWS), equal_nan=True)
    assert slopes.shape == (FUNCTIONS[name].arity, len(ROWS))


def test_pi_is_a_number_unless_a_column_has_its_name():
    assert (math.pi,) == parse("pi", ["x"])
    assert (0,) == parse("`pi`", ["pi"])


@pytest.mark.parametrize(
    ("program", "text"),
    [
        (("inv", 0), "1/x"),
        (("div", 1.0, 0), "1.0/x"),
        (("mul", "inv", "add", 1.0, 0, 0), "1/(1 + x)*x"),
        (("div", 0, "inv", 0), "x/(1/x)"),
        (("inv", "neg", 0), "1/(-x)"),
        (("square", "inv", 0), "(1/x)**2"),
        (("inv", "square", 0), "1/x**2"),
        (("div", 1.0, 2.0), "1.0/2"),
        (("inv", 2.0), "inv(2)"),
    ],
)
def test_an_inverse_is_written_as_one_over_and_read_back(program, text):
    assert text == write(program, ["x"])
    assert program == parse(text, ["x"])
