"""Operon (Burlacu, Kronberger & Kommenda 2020) through pyoperon: C++ genetic programming, its front in common form."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.context import Context
from pipeline.errors import DataError
from plugins.symbolic.folding import folded
from plugins.symbolic.front import front_of
from plugins.symbolic.grammar import parse
from plugins.symbolic.models import numbers_only
from plugins.symbolic.programs import Program
from plugins.symbolic.refinement import scaled
from plugins.symbolic.types import Front, Problem, arrays

if TYPE_CHECKING:
    from plugins.symbolic import stages


def search(stage: stages.Operon, problem: Problem, context: Context) -> Front:
    """Two objectives, r2 and length, with Levenberg-Marquardt; stops at ``time_limit``."""
    from pyoperon.sklearn import SymbolicRegressor

    numbers_only(problem)
    x, y = arrays(problem.train)
    if np.ptp(y) == 0:
        return front_of([(float(y.mean()),)], problem)
    regressor: Any = SymbolicRegressor(
        allowed_symbols=",".join([*stage.functions, "constant", "variable"]),
        objectives=["r2", "length"],
        optimizer_iterations=stage.optimizer_iterations,
        population_size=stage.population,
        max_length=stage.max_size,
        generations=stage.generations,
        max_evaluations=2**31 - 1,
        max_time=max(1, int(stage.time_limit)),
        epsilon=stage.epsilon,
        n_threads=stage.n_jobs,
        random_state=context.seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it advises on an uncertainty that these objectives do not use
        regressor.fit(x, y)
        programs = [program_of(regressor, entry["tree"], x.shape[1]) for entry in regressor.pareto_front_]
    # Its evaluation_count stays at zero.
    context.log({"evaluations": regressor.stats_["residual_evaluations"]})
    return front_from(programs, problem, x, y)


def front_from(programs: Sequence[Program], problem: Problem, x: np.ndarray, y: np.ndarray) -> Front:
    """A front with the outermost scaling redone in double precision: Operon computes in single."""
    return front_of([(float(y.mean()),), *programs, *(scaled(program, x, y) for program in programs)], problem)


def program_of(regressor: Any, tree: Any, variables: int) -> Program:
    """An Operon tree, read from its own text with every digit that single precision has."""
    names = tuple(f"X{number + 1}" for number in range(variables))
    text = regressor.get_model_string(tree, 9)
    try:
        return folded(parse(text, names))
    except DataError as error:
        raise DataError(f"a formula of pyoperon uses what the grammar does not know: {error}") from error
