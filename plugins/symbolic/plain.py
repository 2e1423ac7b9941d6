"""gplearn itself, as it is: its own evolution, its result read into the common form."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.context import Context
from plugins.symbolic.front import front_of
from plugins.symbolic.models import numbers_only
from plugins.symbolic.programs import Program, Token
from plugins.symbolic.types import Front, Problem, arrays

if TYPE_CHECKING:
    from plugins.symbolic import stages

_OURS = {"div": "pdiv", "sqrt": "psqrt", "log": "plog", "inv": "pinv"}
"""gplearn's protected functions under the names that they have here."""


def search(stage: stages.GplearnPlain, problem: Problem, context: Context) -> Front:
    """Evolve with gplearn, one generation after the other until the time is up; its last generation as a front."""
    from gplearn.genetic import SymbolicRegressor

    numbers_only(problem)
    x, y = arrays(problem.train)
    deadline = time.monotonic() + stage.time_limit
    regressor: Any = SymbolicRegressor(
        population_size=stage.population,
        generations=1,
        tournament_size=stage.tournament_size,
        function_set=stage.functions,
        metric=stage.metric,
        parsimony_coefficient=stage.parsimony_coefficient,
        stopping_criteria=stage.stopping_criteria,
        n_jobs=stage.n_jobs,
        random_state=context.seed,
        warm_start=True,
        low_memory=True,
    )
    for generation in context.progress(range(stage.generations), "generations"):
        regressor.set_params(generations=generation + 1)
        regressor.fit(x, y)
        details = regressor.run_details_
        context.log(
            {
                "error": _mean_squared_error(regressor, x, y),
                "size": details["best_length"][-1],
                "evaluations": stage.population * (generation + 1),
            },
            step=generation,
        )
        best = details["best_fitness"][-1]
        greater = regressor._metric.greater_is_better
        if time.monotonic() > deadline or (
            best >= stage.stopping_criteria if greater else best <= stage.stopping_criteria
        ):
            break
    population = [program_of(individual) for individual in regressor._programs[-1]]
    front = front_of([*population, program_of(regressor._program)], problem)
    return chosen_as(front, program_of(regressor._program), problem)


def program_of(individual: Any) -> Program:
    """A gplearn program in our words."""
    tokens: list[Token] = []
    for node in individual.program:
        if isinstance(node, (int, np.integer)):
            tokens.append(int(node))
        elif isinstance(node, (float, np.floating)):
            tokens.append(float(node))
        else:
            tokens.append(_OURS.get(node.name, node.name))
    return tuple(tokens)


def chosen_as(front: Front, program: Program, problem: Problem) -> Front:
    """The front with gplearn's own winner chosen, put in where another beats it."""
    from dataclasses import replace

    from plugins.symbolic.grammar import write
    from plugins.symbolic.programs import evaluate
    from plugins.symbolic.types import Equation

    x, y = arrays(problem.train)
    error = float(np.mean((evaluate(program, x) - y) ** 2))
    winner = Equation(write(program, problem.variables), len(program), error)
    equations = sorted({*front.equations, winner}, key=lambda e: (e.complexity, e.error, e.expression))
    return replace(front, equations=tuple(equations), chosen=equations.index(winner))


def _mean_squared_error(regressor: Any, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean((regressor.predict(x) - y) ** 2) / np.var(y))
