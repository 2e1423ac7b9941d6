"""The stages of the `symbolic` plugin."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pipeline.context import Context
from pipeline.datasets import Dataset
from pipeline.hooks import hookimpl
from pipeline.stage import DataPath, Stage
from pipeline.types import Predictor
from plugins.symbolic import types

FunctionName = Literal[
    "add", "sub", "mul", "div", "sqrt", "square", "exp", "log", "sin", "cos", "tan", "tanh", "asin", "acos", "atan",
    "abs", "neg", "inv", "max", "min",
]  # fmt: skip
GplearnName = Literal[
    "add", "sub", "mul", "div", "sqrt", "log", "abs", "neg", "inv", "max", "min", "sin", "cos", "tan"
]  # fmt: skip
OperonName = Literal[
    "add", "sub", "mul", "div", "sqrt", "square", "exp", "log", "sin", "cos", "tan", "tanh", "asin", "acos", "atan",
    "abs", "aq", "pow",
]  # fmt: skip
TimeLimit = Annotated[
    float, Field(gt=0, description="Seconds of wall time after which the best so far is handed over.")
]


class Problem(Stage):
    """Draw the rows of a law that is known: Feynman's, Nguyen's, Keijzer's, Strogatz's and others, by name."""

    name: str = Field("I.12.1", description="The problem: I.12.1, Nguyen-1, Keijzer-4, Korns-2, lv1 ...")
    rows: int | None = Field(
        None, ge=2, description="Training rows; as the problem's authors have it by default, else 500."
    )
    test_rows: int = Field(500, ge=2, description="Rows to judge on, and as many outside the training range.")
    noise: float = Field(0.0, ge=0, description="Normal noise on the training target, in units of its deviation.")
    beyond: float = Field(
        0.5, ge=0, description="How far extrapolation rows reach beyond a variable's range, in widths; 0 for none."
    )
    sample_seed: int = Field(0, ge=0, description="Seed of the rows, which so are the same for every seed of the run.")
    units: dict[str, str] = Field(
        default_factory=dict, description="Units by column, such as {v: m/s, F: kg*m/s^2}; 1 for a plain number."
    )

    def run(self) -> types.Problem:
        """Draw training, test and extrapolation rows."""
        from plugins.symbolic.problems import build

        return build.from_law(self)


class Table(Stage):
    """Read a table of numbers and split it into training and test rows."""

    path: DataPath = Field(description="A .csv, .tsv or .parquet file with a header, the first two also gzipped.")
    target: str = Field(description="The column to find a formula for.")
    test: float = Field(0.25, gt=0, lt=1, description="Share of the rows to judge on.")
    split_seed: int = Field(0, ge=0, description="Seed of the split, which so is the same for every seed of the run.")
    truth: str | None = Field(None, description="The law behind the data, where it is known, as a formula.")
    units: dict[str, str] = Field(
        default_factory=dict, description="Units by column, such as {v: m/s, F: kg*m/s^2}; 1 for a plain number."
    )

    def run(self) -> types.Problem:
        """Read, clean and split."""
        from plugins.symbolic.problems import build

        return build.from_table(self)


class Pmlb(Stage):
    """Load a real regression set of the Penn Machine Learning Benchmarks and split it."""

    name: str = Field("192_vineyard", description="The set by PMLB's name: 192_vineyard, 561_cpu ...")
    test: float = Field(0.25, gt=0, lt=1, description="Share of the rows to judge on.")
    split_seed: int = Field(0, ge=0, description="Seed of the split, which so is the same for every seed of the run.")

    def run(self, context: Context) -> types.Problem:
        """Find or download, clean and split."""
        from plugins.symbolic.problems import build

        return build.from_pmlb(self, context)


class Distill(Stage):
    """Put what a fitted model says in the target's place, so that the formula found is the model's own."""

    emits: ClassVar = {"teacher_r2": "max"}
    seeded: ClassVar = True

    output: int = Field(0, ge=0, description="Which of the model's outputs, counted from 0.")
    rows: int | None = Field(
        None, ge=10, description="Ask at so many rows, uniform in the training range, instead of the training rows."
    )

    def run(self, problem: types.Problem, teacher: Predictor, context: Context) -> types.Problem:
        """Ask the model at every row; the known law, if any, stays to be compared with."""
        from plugins.symbolic.problems import distill

        return distill.distill(self, problem, teacher, context)


class Searching(Stage):
    """What every stage with the accelerated search can be told."""

    functions: tuple[FunctionName, ...] = Field(
        ("add", "sub", "mul", "div", "sqrt", "square", "exp", "log", "sin", "cos"),
        min_length=1,
        description="What formulas are made of.",
    )
    population: int = Field(500, ge=10, description="Formulas alive at a time.")
    generations: int = Field(300, gt=0, description="Generations at most; fewer where the law is found.")
    max_size: int = Field(40, ge=3, le=200, description="Nodes of a formula at most.")
    rows: int = Field(
        200, ge=10, description="Training rows that decide who survives; five times as many after a restart."
    )
    time_limit: TimeLimit = 60.0


class Gplearn(Searching):
    """Evolve formulas as gplearn does, accelerated: shared subtrees, linear scaling, refined constants, restarts."""

    emits: ClassVar = {"error": "min", "size": None, "evaluations": None}
    per_step: ClassVar = ("error", "size", "evaluations")
    seeded: ClassVar = True

    def run(self, problem: types.Problem, context: Context) -> types.Front:
        """Search until the law is found, or generations or time are spent."""
        from plugins.symbolic import models

        return models.search(self, problem, context)


class GplearnClassifier(Searching):
    """Find a formula whose logistic function is the probability of the second of two classes."""

    emits: ClassVar = {"error": "min", "size": None, "evaluations": None}
    per_step: ClassVar = ("error", "size", "evaluations")
    seeded: ClassVar = True

    def run(self, problem: types.Problem, context: Context) -> types.Classifier:
        """Search on the labels, then fit each formula's constants by maximum likelihood."""
        from plugins.symbolic import classification

        return classification.search(self, problem, context)


class GplearnTransformer(Searching):
    """Find formulas that serve as new columns: the fittest ones that are least alike."""

    emits: ClassVar = {"error": "min", "size": None, "evaluations": None}
    per_step: ClassVar = ("error", "size", "evaluations")
    seeded: ClassVar = True

    max_size: int = Field(15, ge=3, le=200, description="Nodes of a formula at most.")
    generations: int = Field(20, gt=0, description="Generations at most.")
    components: int = Field(10, ge=1, description="New columns at most.")
    hall_of_fame: int = Field(100, ge=1, description="The fittest formulas, of which the columns are chosen.")

    def run(self, problem: types.Problem, context: Context) -> types.Features:
        """Search, and choose."""
        from plugins.symbolic import transformation

        return transformation.search(self, problem, context)


class Augment(Stage):
    """Add formulas to a problem as further columns, for any model to use."""

    def run(self, problem: types.Problem, features: types.Features) -> types.Problem:
        """Compute them at training, test and extrapolation rows."""
        from plugins.symbolic import transformation

        return transformation.augment(problem, features)


class GplearnPlain(Stage):
    """Run gplearn itself, unchanged: the same seed gives the formula that gplearn gives."""

    emits: ClassVar = {"error": "min", "size": None, "evaluations": None}
    per_step: ClassVar = ("error", "size", "evaluations")
    seeded: ClassVar = True

    functions: tuple[GplearnName, ...] = Field(
        ("add", "sub", "mul", "div", "sqrt", "log", "sin", "cos"), min_length=1, description="gplearn's function set."
    )
    population: int = Field(1000, ge=2, description="Programs in a generation.")
    generations: int = Field(20, gt=0, description="Generations at most.")
    tournament_size: int = Field(20, gt=0, description="Programs that compete to become a parent.")
    metric: Literal["mean absolute error", "mse", "rmse", "pearson", "spearman"] = Field(
        "mean absolute error", description="gplearn's raw fitness."
    )
    parsimony_coefficient: float = Field(0.001, ge=0, description="What a node costs in fitness.")
    stopping_criteria: float = Field(0.0, description="The fitness at which to stop.")
    n_jobs: int = Field(1, description="Processes; the result does not depend on it.")
    time_limit: TimeLimit = 60.0

    def run(self, problem: types.Problem, context: Context) -> types.Front:
        """Evolve generation by generation until they or the time are spent."""
        from plugins.symbolic import plain

        return plain.search(self, problem, context)


class Operon(Stage):
    """Run Operon (Burlacu et al. 2020), a fast C++ engine, with two objectives: r2 and length."""

    emits: ClassVar = {"evaluations": None}
    seeded: ClassVar = True

    functions: tuple[OperonName, ...] = Field(
        ("add", "sub", "mul", "div", "sqrt", "square", "exp", "log", "sin", "cos"),
        min_length=1,
        description="What formulas are made of.",
    )
    population: int = Field(1000, ge=10, description="Formulas alive at a time.")
    generations: int = Field(100_000, gt=0, description="Generations at most.")
    max_size: int = Field(40, ge=3, le=200, description="Nodes of a formula at most, variables with their weights.")
    optimizer_iterations: int = Field(5, ge=0, description="Levenberg-Marquardt steps for each new formula.")
    epsilon: float = Field(1e-12, gt=0, description="The error, 1 - r2, at which to stop.")
    n_jobs: int = Field(1, ge=1, description="Threads.")
    time_limit: TimeLimit = 60.0

    def run(self, problem: types.Problem, context: Context) -> types.Front:
        """Search until the time is spent."""
        from plugins.symbolic import operon

        return operon.search(self, problem, context)


class Linear(Stage):
    """Fit sparse sums of products and functions of variables by orthogonal matching pursuit."""

    degree: int = Field(1, ge=1, le=10, description="Factors in a product at most.")
    functions: tuple[FunctionName, ...] = Field((), description="Functions of one variable that join the terms.")
    terms: int = Field(10, ge=1, description="Terms of a sum at most.")

    def run(self, problem: types.Problem) -> types.Front:
        """Add the best term again and again."""
        from plugins.symbolic import linear

        return linear.fit(self, problem)


class Refine(Stage):
    """Refit constants on all rows, prune what is idle, round, merge equal formulas, and choose from the front."""

    emits: ClassVar = {"equations": None, "inconsistent": None}

    select: Literal["bic", "aic", "mdl", "knee", "best"] = Field(
        "bic", description="How the formula is chosen; aic takes longer ones, which predict noisy rows better."
    )
    prune: bool = Field(True, description="Leave out parts of a formula that do nothing.")
    round: bool = Field(True, description="Write constants as plainly as the error allows.")
    dimensionless_constants: bool = Field(
        False, description="Where units are given: constants are plain numbers and carry none."
    )
    time_limit: TimeLimit = 10.0

    def run(self, problem: types.Problem, model: types.Front, context: Context) -> types.Front:
        """Refine every equation of the front while time is left, the likeliest first."""
        from plugins.symbolic import refine

        return refine.refine(self, problem, model, context)


class Verify(Stage):
    """Judge the chosen formula: R2 and RMSE on test and extrapolation rows, and whether it is the known law."""

    emits: ClassVar = {
        "r2_test": "max", "rmse_test": "min", "r2_train": "max", "rmse_train": "min", "r2_extrapolation": "max",
        "rmse_extrapolation": "min", "recovered": "max", "complexity": "min", "units_agree": "max",
    }  # fmt: skip

    def run(self, problem: types.Problem, formula: types.Front, context: Context) -> types.Verdict:
        """Measure, compare with the law, and draw."""
        from plugins.symbolic import verdict

        return verdict.verify(self, problem, formula, context)


class Judge(Stage):
    """Judge a classifier on the test rows, beside always saying the more frequent class."""

    emits: ClassVar = {
        "accuracy": "max", "roc_auc": "max", "log_loss": "min", "majority": None, "complexity": "min",
    }  # fmt: skip

    def run(self, problem: types.Problem, model: types.Classifier, context: Context) -> dict[str, float]:
        """Measure."""
        from plugins.symbolic import classification

        return classification.judge(problem, model, context)


class Stability(Searching):
    """Search again from other seeds and on resampled rows: how often does the same form come back?"""

    emits: ClassVar = {"agreement": "max", "forms": None, "recovered": "max"}
    seeded: ClassVar = True

    generations: int = Field(30, gt=0, description="Generations of one search at most.")
    time_limit: TimeLimit = Field(10.0, description="Seconds for one search.")
    repeats: int = Field(5, ge=2, description="Searches.")
    bootstrap: bool = Field(True, description="Each on rows drawn with replacement, else on the same rows.")

    def run(self, problem: types.Problem, formula: types.Front, context: Context) -> types.Stability:
        """Search, refine and count forms: formulas that differ in their constants alone."""
        from plugins.symbolic import stability

        return stability.repeat(self, problem, formula, context)


class Export(Stage):
    """Write the chosen formula as LaTeX, sympy, Python, torch and C; names are mapped where a language refuses them."""

    def run(self, formula: types.Front, context: Context) -> str:
        """Keep one text for each language."""
        from plugins.symbolic import export

        return export.write(self, formula, context)


@hookimpl
def pipeline_stages() -> list[Any]:
    """The menu."""
    return [
        Problem, Table, Pmlb, Distill, Gplearn, GplearnClassifier, GplearnTransformer, GplearnPlain, Operon, Linear,
        Augment, Refine, Verify, Judge, Stability, Export,
    ]  # fmt: skip


@hookimpl
def pipeline_datasets() -> list[Dataset]:
    """The sets that `symbolic.pmlb` knows by name."""
    from plugins.symbolic.problems.pmlb import DATASETS

    return list(DATASETS.values())
