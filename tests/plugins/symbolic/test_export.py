import shutil
import subprocess
import sys

import numpy as np
import pytest

from pipeline.testing import run_stage
from plugins.symbolic import export, stages
from plugins.symbolic.conversion import from_sympy, symbols, to_sympy
from plugins.symbolic.grammar import parse
from plugins.symbolic.programs import evaluate

NAMES = ["flow [m/s]", "double", "x"]
TEXT = "-2.5*sin(`flow [m/s]`)**2 + max(double, 1)/abs(x - 3)"
ROWS = np.random.default_rng(0).uniform(0.5, 2, (4, 3))


def test_names_become_distinct_identifiers():
    assert ["flow_m_s", "flow_m_s_2", "x_double", "x_class", "x_2nd"] == export.identifiers(
        ["flow [m/s]", "flow(m/s)", "double", "class", "2nd"]
    )


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_c_function_computes_the_formula(tmp_path):
    program = parse(TEXT, NAMES)
    row = ROWS[0]
    main = f'#include <stdio.h>\nint main(void) {{ printf("%.17g", formula({row[0]}, {row[1]}, {row[2]})); }}\n'
    (tmp_path / "f.c").write_text(export.to_c(program, export.identifiers(NAMES)) + main)
    subprocess.run(["cc", "f.c", "-o", "f", "-lm"], cwd=tmp_path, check=True)
    printed = subprocess.run(["./f"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    assert float(printed) == pytest.approx(evaluate(program, ROWS)[0], rel=1e-14)


def test_the_python_function_computes_the_formula(tmp_path):
    program = parse(TEXT, NAMES)
    (tmp_path / "f.py").write_text(export.to_python(program, export.identifiers(NAMES)))
    code = f"from f import formula; print(*formula(*__import__('numpy').array({ROWS.T.tolist()})))"
    printed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert np.allclose(evaluate(program, ROWS), np.array(printed.stdout.split(), float))


def test_whole_numbers_are_written_as_such():
    program = parse("x**3 + 2*flow + 0.5", ["flow", "x"])

    assert export.to_latex(program, ["flow", "x"], "y") == r"y = 2 flow + x^{3} + 0.5"
    assert export.to_sympy_text(program, ["flow", "x"]) == "2*flow + x**3 + 0.5"


def test_sympy_and_back_is_the_same_function():
    program = parse("exp(-x**2/2)/y + sqrt(x*y) - log(y)**3", ["x", "y"])
    names = symbols(2, [True, True])

    assert np.allclose(
        evaluate(program, ROWS),
        evaluate(from_sympy(to_sympy(program, names), dict(zip(names, range(2), strict=True))), ROWS),
    )


def test_a_formula_is_exported_in_every_language():
    problem = stages.Problem(name="I.12.1", rows=50).run()
    front = run_stage(stages.Linear(degree=2), problem=problem).value
    run = run_stage(stages.Export(), formula=run_stage(stages.Refine(), problem=problem, model=front).value)

    assert "F = Nn \\mu" == run.value
    assert {"formula.tex", "formula.py", "formula.c", "formula.sympy"} <= set(run.files)


def test_the_sparse_baseline_finds_a_polynomial():
    problem = stages.Problem(name="Nguyen-1").run()
    front = run_stage(stages.Linear(degree=3), problem=problem).value

    assert front.equations[-1].error < 1e-20
