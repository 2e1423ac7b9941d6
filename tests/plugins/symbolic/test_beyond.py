"""Classes, features, units, distillation, stability and torch: what stands around the search for one law."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import DataError
from pipeline.testing import run_stage
from pipeline.types import Predictor, TorchModel
from plugins.symbolic import export, stages, units
from plugins.symbolic.forms import form
from plugins.symbolic.front import front_of
from plugins.symbolic.grammar import parse
from plugins.symbolic.programs import evaluate
from plugins.symbolic.transformation import least_alike
from plugins.symbolic.types import arrays

RNG = np.random.default_rng(0)
ROWS = RNG.uniform(0.5, 2, (200, 3))


@pytest.fixture
def problem(tmp_path):
    def made(target, **settings):
        path = tmp_path / "data.csv"
        frame = pd.DataFrame(ROWS[:, :2], columns=["x", "y"])
        frame.assign(z=target).to_csv(path, index=False)
        return stages.Table(path=path, target="z", **settings).run()

    return made


def inside(threshold=1.5):
    chance = 1 / (1 + np.exp(-12 * (threshold - ROWS[:, 0] * ROWS[:, 1])))
    return np.where(RNG.uniform(size=len(ROWS)) < chance, "in", "out")


def test_a_formula_tells_two_classes_apart_better_than_logistic_regression(problem):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    data = problem(inside())
    stage = stages.GplearnClassifier(generations=3, population=100, functions=["add", "sub", "mul", "div"])
    model = run_stage(stage, problem=data).value
    metrics = run_stage(stages.Judge(), problem=data, model=model).metrics
    (x, y), (test, truth) = arrays(data.train), arrays(data.test)
    linear = LogisticRegression().fit(x, y).predict_proba(test)[:, 1]

    assert ("in", "out") == model.classes
    assert metrics["accuracy"] > metrics["majority"]
    assert metrics["log_loss"] == pytest.approx(log_loss(truth, model.predict(test)))
    assert metrics["log_loss"] < log_loss(truth, linear)


def test_a_regression_refuses_classes_and_a_classifier_numbers(problem):
    with pytest.raises(DataError, match="gplearn_classifier"):
        run_stage(stages.Gplearn(), problem=problem(inside()))
    with pytest.raises(DataError, match=r"For a number use symbolic\.gplearn\."):
        run_stage(stages.GplearnClassifier(), problem=problem(ROWS[:, 0]))


def test_features_let_a_linear_model_find_what_it_could_not(problem):
    data = problem(np.sin(3 * ROWS[:, 0]) * ROWS[:, 1])
    features = run_stage(stages.GplearnTransformer(generations=5, components=4, population=200), problem=data).value
    wider = run_stage(stages.Augment(), problem=data, features=features).value
    plain, better = (
        run_stage(stages.Verify(), problem=p, formula=run_stage(stages.Linear(), problem=p).value).metrics["r2_test"]
        for p in (data, wider)
    )

    assert 4 == len(features.expressions)
    assert plain < 0.8
    assert better > 0.95


def test_of_two_features_that_are_alike_the_fitter_stays():
    a, b = ROWS[:, 0], ROWS[:, 2]

    assert [0, 2] == least_alike(np.array([a, 2 * a + 1e-6 * b, b]), 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("m/s^2", {"m": 1, "s": -2}), ("N*s^2/m", {"kg": 1}), ("1/s", {"s": -1}), ("1", {}), ("J/C", units.read("V"))],
)
def test_units_are_read(text, expected):
    assert expected == units.read(text)


@pytest.mark.parametrize(
    ("text", "free", "agrees"),
    [
        ("v*t", True, True),
        ("v*t + v", True, False),
        ("v*t*sin(v)", True, False),
        ("v*t*sin(2.5*v)", True, True),
        ("v*t*sin(2.5*v)", False, False),
        ("sqrt((v*t)**2)", False, True),
        ("v**2*t", True, False),
        ("3.5", True, True),
    ],
)
def test_units_of_a_formula_agree_or_do_not(text, free, agrees):
    speed, seconds, metres = map(units.read, ("m/s", "s", "m"))

    assert agrees == units.agree(parse(text, ["v", "t"]), [speed, seconds], metres, free)


def test_a_better_formula_whose_units_clash_does_not_displace_one_whose_units_agree(problem):
    data = problem(ROWS[:, 0] * ROWS[:, 1] + 0.2 * ROWS[:, 0], units={"x": "m/s", "y": "s", "z": "m"})
    model = front_of([parse(text, ("x", "y")) for text in ("1.9", "x*y", "x*(y + 0.2)")], data)
    run = run_stage(stages.Refine(dimensionless_constants=True), problem=data, model=model)

    assert ["x*y"] == [equation.expression for equation in run.value.equations]
    assert run.metrics["inconsistent"] >= 2
    assert 1 == run_stage(stages.Verify(), problem=data, formula=run.value).metrics["units_agree"]


@pytest.mark.parametrize(("given", "complaint"), [({"q": "m"}, "no column"), ({"x": "m+s"}, "cannot be read")])
def test_wrong_units_are_refused(problem, given, complaint):
    with pytest.raises(DataError, match=complaint):
        problem(ROWS[:, 0], units=given)


@dataclass(frozen=True)
class Saddle(TorchModel):
    """A network of another plugin, as far as this plugin can know."""

    def build(self):
        import torch

        class Net(torch.nn.Module):
            def forward(self, inputs):
                return torch.stack([inputs[:, 0] * inputs[:, 1], inputs[:, 0] - inputs[:, 1]], dim=1)

        return Net()


@dataclass(frozen=True)
class Broken(Predictor):
    def predict(self, inputs):
        return np.full(len(inputs), np.nan)


def test_a_network_is_distilled_into_its_formula(problem):
    data = problem(ROWS[:, 0] * ROWS[:, 1] + RNG.normal(0, 0.2, len(ROWS)))
    run = run_stage(stages.Distill(rows=300), problem=data, teacher=Saddle())
    model = run_stage(stages.Gplearn(generations=2, functions=["add", "mul"]), problem=run.value).value
    formula = run_stage(stages.Refine(), problem=run.value, model=model).value

    assert 300 == len(run.value.train)
    assert 0.5 < run.metrics["teacher_r2"] < 1
    assert "x*y" == form(parse(formula.best.expression, ("x", "y")), ("x", "y"))


@pytest.mark.parametrize(
    ("stage", "teacher", "complaint"),
    [(stages.Distill(output=2), Saddle(), "has 2 outputs"), (stages.Distill(), Broken(), "infinity or nothing")],
)
def test_a_teacher_that_cannot_be_asked_is_refused(problem, stage, teacher, complaint):
    with pytest.raises(DataError, match=complaint):
        run_stage(stage, problem=problem(ROWS[:, 0]), teacher=teacher)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2*x*(y + z)", "x*y - 3*x*z + 1", True),
        ("x/(1 + 0.3*y)", "7 - 2*x/(5 + y)", True),
        ("sin(2.1*x)", "3 + sin(x + 0.5)", True),
        ("sin(x)", "cos(x)", False),
        ("x*y", "x/y", False),
        ("x**2", "x", False),
    ],
)
def test_forms_are_compared_without_their_constants(one, other, same):
    names = ("x", "y", "z")

    assert same == (form(parse(one, names), names) == form(parse(other, names), names))


def test_a_law_comes_back_from_other_seeds_and_rows():
    problem = stages.Problem(name="I.12.1", rows=100).run()
    formula = run_stage(stages.Linear(degree=2), problem=problem).value
    run = run_stage(stages.Stability(repeats=3, generations=1, population=50), problem=problem, formula=formula)

    assert {"agreement": 1, "forms": 1, "recovered": 1} == dict(run.metrics)
    assert (3,) == run.value.times


def test_the_torch_module_computes_the_formula_and_can_be_trained(tmp_path):
    import torch

    text = "-2.5*sin(`flow [m/s]`)**2 + max(double, 1.5)/abs(x - 3)"
    names = ["flow [m/s]", "double", "x"]
    (tmp_path / "formula_torch.py").write_text(export.to_torch(parse(text, names), export.identifiers(names)))
    spec = importlib.util.spec_from_file_location("formula_torch", tmp_path / "formula_torch.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    formula = module.Formula()
    computed = formula(torch.from_numpy(ROWS))
    computed.sum().backward()

    assert np.allclose(evaluate(parse(text, names), ROWS), computed.detach().numpy(), rtol=1e-14)
    assert [-2.5, 1.5, 3.0] == formula.constants.tolist()
    assert formula.constants.grad[0] != 0


@pytest.mark.slow
def test_a_formula_is_registered_and_served_by_mlflow(tmp_path, monkeypatch):
    import mlflow

    from pipeline import Pipeline
    from pipeline.registry import register

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    pd.DataFrame(ROWS, columns=["a b [m/s]", "x", "z"]).assign(y=3 * ROWS[:, 0] / ROWS[:, 1]).to_csv("t.csv")
    (tmp_path / "law.yaml").write_text(
        "stages:\n  problem: {uses: symbolic.table, with: {path: t.csv, target: y}}\n"
        "  model: {uses: symbolic.gplearn, with: {generations: 1, population: 20}}\n"
    )
    result = Pipeline.load(tmp_path / "law.yaml").run()
    uri = register(result, "law").extra["registered"]["uri"]
    mlflow.set_tracking_uri(result.tracking_uri)
    x, y = arrays(result.artifact("problem").test)

    assert np.allclose(y, mlflow.pyfunc.load_model(uri).predict(x))


SEARCH = """\
import sys
from pipeline.testing import run_stage
from plugins.symbolic import stages
problem = stages.Problem(name="I.44.4", noise=0.05).run()
front = run_stage(stages.Gplearn(generations=3), problem=problem, seed=5).value
front = run_stage(stages.Refine(time_limit=100), problem=problem, model=front).value
print([(e.expression, e.error) for e in front.equations])
"""


@pytest.mark.slow
def test_the_front_does_not_depend_on_the_number_of_threads():
    def front(threads):
        limits = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], str(threads))
        done = subprocess.run(
            [sys.executable, "-c", SEARCH], capture_output=True, text=True, check=True, env={**os.environ, **limits}
        )
        return done.stdout

    assert front(1) == front(8)


@pytest.mark.slow
def test_gplearn_itself_does_not_depend_on_the_number_of_jobs():
    problem = stages.Problem(name="Nguyen-5").run()
    one, two = (
        run_stage(stages.GplearnPlain(population=60, generations=3, n_jobs=n), seed=3, problem=problem).value
        for n in (1, 2)
    )

    assert one == two
