"""Constants of a formula joined and put where one would write them."""

import random

import numpy as np
import pytest

from plugins.symbolic.folding import folded
from plugins.symbolic.grammar import parse, write
from plugins.symbolic.programs import evaluate

NAMES = ("x", "y", "z")
ROWS = np.random.default_rng(0).uniform(0.5, 2, (50, 3))


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("y*x + (3 + (-2*z + 0.5))", "3.5 + y*x - 2*z"),
        ("(1 + x) - (y - 2)", "3 + x - y"),
        ("-1*x - 2*y", "-2*y - x"),
        ("-(x - y)", "y - x"),
        ("x*2*(3*y)", "6*x*y"),
        ("3*x/(6 + 3*z)", "x/(2 + z)"),
        ("5/(1 + 2*x)", "1/(0.2 + 0.4*x)"),
        ("x/(4*y)", "0.25*x/y"),
        ("2*(y*(0.5 + 3*x))", "y*(1 + 6*x)"),
        ("4*(1 + 3*x)**2", "(2 + 6*x)**2"),
        ("2*(1 + x)", "2*(1 + x)"),
        ("x + 0*y", "x"),
        ("1*x/1", "x"),
        ("exp(1 + 1)*x - 0", "7.38906*x"),
        ("x*(2*y/z)/(3/x)", "0.666667*x*y*x/z"),
        ("x/y/z", "x/(y*z)"),
        ("inv(x)*inv(y)", "1/(x*y)"),
        ("(x - y)*(-z)", "(y - x)*z"),
        ("x/0", "x/0"),
        ("1e200*(1e200*x + 1e200)", "1e+200*(1e+200 + 1e+200*x)"),
    ],
)
def test_constants_are_joined(long, short):
    assert short == write(folded(parse(long, NAMES)), NAMES, 6)


def grown(rng, depth):
    if depth == 0 or rng.random() < 0.2:
        constants = [1.0, -1.0, 2.0, 0.5, -3.0, 0.0, rng.uniform(-5, 5)]
        return (rng.randrange(3),) if rng.random() < 0.5 else (rng.choice(constants),)
    name = rng.choice(["add", "sub", "mul", "div", "neg", "inv", "square", "sqrt", "exp"])
    arguments = 2 if name in ("add", "sub", "mul", "div") else 1
    return (name, *(token for _ in range(arguments) for token in grown(rng, depth - 1)))


@pytest.mark.parametrize("seed", range(8))
def test_the_function_stays_the_same_and_grows_no_longer(seed):
    rng = random.Random(seed)
    for _ in range(500):
        program = grown(rng, rng.randint(1, 6))
        shorter = folded(program)
        before, after = evaluate(program, ROWS), evaluate(shorter, ROWS)
        moderate = np.abs(before) < 1e6

        assert len(shorter) <= len(program), write(program, NAMES)
        assert np.allclose(before[moderate], after[moderate], rtol=1e-6, atol=1e-9), write(program, NAMES)
