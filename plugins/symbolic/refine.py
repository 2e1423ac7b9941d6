"""What `symbolic.refine` does to a front."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipeline.context import Context
from plugins.symbolic import figures, refinement
from plugins.symbolic.front import front_of
from plugins.symbolic.grammar import parse
from plugins.symbolic.types import Front, Problem, arrays

if TYPE_CHECKING:
    from plugins.symbolic import stages


def refine(stage: stages.Refine, problem: Problem, model: Front, context: Context) -> Front:
    """Each equation refitted, pruned and rounded while time is left; the raw ones compete with the refined."""
    x, y = arrays(problem.train)
    deadline = time.monotonic() + stage.time_limit
    programs = [parse(equation.expression, model.variables) for equation in model.equations]
    if (y == y[0]).all():
        return front_of(programs, problem, stage.select)
    finished = []
    for program in context.progress(programs, "equations"):
        if time.monotonic() > deadline:
            break
        better, _ = refinement.prune(program, x, y) if stage.prune else refinement.refit(program, x, y)
        finished.append(refinement.rounded(better, x, y) if stage.round else better)
    front = front_of([*finished, *programs], problem, stage.select)
    context.log({"equations": len(front.equations)})
    context.figure("front", figures.front(front))
    return front
