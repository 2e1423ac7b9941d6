"""What the accelerated engine's stages share: its settings, its reports, and how a search becomes a front."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.context import Context
from pipeline.errors import DataError
from plugins.symbolic import figures, refinement
from plugins.symbolic.engine.search import Progress, Search, Settings
from plugins.symbolic.front import front_of
from plugins.symbolic.types import Front, Problem, arrays

if TYPE_CHECKING:
    from plugins.symbolic import stages


def search(stage: stages.Gplearn, problem: Problem, context: Context) -> Front:
    """The accelerated search with its progress logged and drawn."""
    numbers_only(problem)
    seen: list[Progress] = []
    log = reported(context)

    def report(progress: Progress) -> None:
        seen.append(progress)
        log(progress)

    front = search_with(stage, problem, context.seed, report)
    if seen:
        context.figure("generations", figures.generations(seen))
    return front


def search_with(
    stage: stages.Gplearn | stages.Stability, problem: Problem, seed: int, report: Callable[[Progress], None]
) -> Front:
    """The search's archive, refitted on all training rows, as a front."""
    x, y = arrays(problem.train)
    if np.ptp(y) == 0 or x.shape[1] == 0:
        return front_of([(float(y.mean()),)], problem)
    # A sum over several threads is rounded by their number, and the same seed would find another formula.
    with threadpool_limits(1):
        found = Search(x, y, settings(stage), seed).run(report)
        return front_of([(float(y.mean()),), *(refinement.scaled(program, x, y) for program in found)], problem)


def settings(stage: stages.Searching) -> Settings:
    """What the stage allows; a tenth of its time is kept for what follows the search."""
    return Settings(
        functions=stage.functions,
        population=stage.population,
        generations=stage.generations,
        largest=stage.max_size,
        time_limit=0.9 * stage.time_limit,
        rows=stage.rows,
    )


def reported(context: Context) -> Callable[[Progress], None]:
    """What logs a search's progress."""

    def report(progress: Progress) -> None:
        context.log(
            {"error": progress.error, "size": progress.size, "evaluations": progress.evaluations},
            step=progress.generation,
        )

    return report


def numbers_only(problem: Problem) -> None:
    """DataError where the target is two words, which no regression can mean."""
    if problem.classes:
        raise DataError(
            f"the target {problem.target!r} is {' or '.join(problem.classes)}: a class, not a number. "
            "Use symbolic.gplearn_classifier."
        )
