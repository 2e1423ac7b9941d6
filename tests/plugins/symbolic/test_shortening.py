import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.testing import run_stage
from plugins.symbolic import stages
from plugins.symbolic.folding import folded
from plugins.symbolic.grammar import parse
from plugins.symbolic.programs import Program, evaluate
from plugins.symbolic.shortening import one_sided, shorter
from plugins.symbolic.types import Equation, Front

NAMES = ["a", "b", "c", "d"]
ROWS = np.random.default_rng(0).uniform(1, 3, (20, 4))


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("sqrt(d**2 + (-2*(b*d) + b**2 + a**2 + c**2 + (-2*(a*c))))", "sqrt((a - c)**2 + (b - d)**2)"),
        ("a + a**2 + a**3 + a**4 + a**5 + a**6", "(a + a**4)*(1 + a + a**2)"),
        ("0.3*a*b + 0.3*a*c", "0.3*(a*(b + c))"),
        ("exp(b*log(a))", "a**b"),
        ("a**2*b**2", "(a*b)**2"),
        ("-1*(a - b)/(c - d)", "(a - b)/(d - c)"),
        ("a*b + a*c + 0*a + (a - a)/b", "a*(b + c)"),
        ("exp(b)*exp(c)", "exp(b + c)"),
        ("sin(a)*cos(b)", None),
    ],
)
def test_formulas_are_written_shorter_where_they_can_be(long, short):
    program = parse(long, NAMES)
    found = shorter(program)

    assert [] == found if short is None else len(folded(found[-1])) == len(parse(short, NAMES))
    assert all(np.allclose(evaluate(program, ROWS), evaluate(one, ROWS)) for one in found)
    assert all(len(one) < len(program) for one in found)


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("sqrt(-(a*(b - c*d))**2/(c**2 - a**2))", "a*(c*d - b)/sqrt(a**2 - c**2)"),
        ("2*abs(a)", "2*a"),
        ("sqrt(a + b)", None),
    ],
)
def test_roots_of_squares_are_undone_where_the_sign_is_known(long, short):
    found = one_sided(parse(long, NAMES))

    if short is None:
        assert found is None
    else:
        assert found is not None
        values, expected = evaluate(found, ROWS), evaluate(parse(short, NAMES), ROWS)
        assert np.allclose(values, expected, equal_nan=True) or np.allclose(values, -expected, equal_nan=True)


def test_a_law_is_found_that_holds_beyond_the_rows_though_the_search_found_its_absolute_value():
    problem = stages.Problem(name="I.15.3x").run()
    row = Equation("sqrt(-(c*(x - u*t))**2/(u**2 - c**2))", 16, 0.0)
    front = Front((row,), 0, problem.variables, problem.target, 1.0, 500)
    formula = run_stage(stages.Refine(), problem=problem, model=front).value
    verdict = run_stage(stages.Verify(), problem=problem, formula=formula).metrics

    assert "abs" not in formula.best.expression
    assert (1, 1) == (verdict["recovered"], pytest.approx(verdict["r2_extrapolation"]))


@pytest.mark.parametrize(
    "vast",
    [
        "a*10**1000000000 + a*b",
        "(a + b)**9*(c + d)**9 + (a + c)**9*(b + d)**9 + a*b*c*d",
        "sin(a)/(b + c) + cos(b)/(c + d) + exp(c)/(a + d) + log(d)/(a + b) + 1/(a + c)**4 + 1/(b + d)**4",
    ],
)
def test_what_would_take_minutes_and_all_memory_to_factor_is_left_as_it_is(vast):
    program = parse(vast, NAMES)

    assert all(np.allclose(evaluate(program, ROWS), evaluate(one, ROWS)) for one in shorter(program))


def sums(inner: st.SearchStrategy[Program]) -> st.SearchStrategy[Program]:
    """Programs of sums, products and powers of others."""
    pairs = st.tuples(st.sampled_from(["add", "sub", "mul", "div"]), inner, inner)
    return pairs.map(lambda parts: (parts[0], *parts[1], *parts[2])) | inner.map(lambda part: ("square", *part))


LEAVES = st.integers(0, 3).map(lambda number: (number,)) | st.sampled_from([(2.0,), (0.1,), (-0.7,), (1.5,)])


@given(st.recursive(LEAVES, sums, max_leaves=10))
@settings(max_examples=60, deadline=None)
def test_whatever_is_found_has_the_same_values(program):
    values = evaluate(program, ROWS)

    for one in shorter(program):
        defined = np.isfinite(values)
        assert np.allclose(values[defined], evaluate(one, ROWS)[defined], rtol=1e-6, atol=1e-6)
