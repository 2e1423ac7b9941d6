"""What the engine stages do: run an engine on a problem and hand over its front."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.context import Context
from plugins.symbolic import refinement
from plugins.symbolic.engine.search import Progress, Search, Settings
from plugins.symbolic.front import front_of
from plugins.symbolic.types import Front, Problem, arrays

if TYPE_CHECKING:
    from plugins.symbolic import stages


def search(stage: stages.Gplearn, problem: Problem, context: Context) -> Front:
    """The accelerated search, its archive refitted on all training rows, as a front."""
    x, y = arrays(problem.train)
    if np.ptp(y) == 0 or x.shape[1] == 0:
        return front_of([(float(y.mean()),)], problem)
    settings = Settings(
        functions=stage.functions,
        population=stage.population,
        generations=stage.generations,
        largest=stage.max_size,
        time_limit=0.9 * stage.time_limit,
        rows=stage.rows,
    )

    def report(progress: Progress) -> None:
        context.log(
            {"error": progress.error, "size": progress.size, "evaluations": progress.evaluations},
            step=progress.generation,
        )

    engine = Search(x, y, settings, context.seed)
    found = engine.run(report)
    return front_of([(float(y.mean()),), *(refinement.scaled(program, x, y) for program in found)], problem)
