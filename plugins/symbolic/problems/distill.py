"""A fitted model as the law to find: what any ``Predictor`` says takes the target's place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.context import Context
from pipeline.errors import DataError
from pipeline.types import Predictor, Table
from plugins.symbolic.types import Problem, arrays

if TYPE_CHECKING:
    from plugins.symbolic import stages


def distill(stage: stages.Distill, problem: Problem, teacher: Predictor, context: Context) -> Problem:
    """The problem with the teacher's answers as target, also at further rows, where it can be asked anything."""
    x, y = arrays(problem.train)
    fidelity = answers(teacher, x, stage.output)
    spread = float(np.var(y))
    context.log({"teacher_r2": 1 - float(np.mean((fidelity - y) ** 2)) / spread if spread else 0.0})
    if stage.rows:
        x = context.rng.uniform(x.min(axis=0), x.max(axis=0), (stage.rows, x.shape[1]))

    def told(rows: np.ndarray) -> Table:
        import pandas as pd

        frame = pd.DataFrame(rows, columns=list(problem.variables))
        frame[problem.target] = answers(teacher, rows, stage.output)
        return Table(frame, (problem.target,))

    beyond = None if problem.extrapolation is None else told(arrays(problem.extrapolation)[0])
    return replace(
        problem,
        name=f"{problem.name}, distilled",
        train=told(x),
        test=told(arrays(problem.test)[0]),
        extrapolation=beyond,
        classes=(),
    )


def answers(teacher: Predictor, x: np.ndarray, output: int) -> np.ndarray:
    """One output of the teacher at each row, shape (n,); DataError where it has none, or is not finite."""
    kind = type(teacher).__name__
    try:
        said = np.asarray(teacher.predict(x), float)
    except (ValueError, RuntimeError, IndexError, TypeError) as error:
        raise DataError(
            f"the {kind} cannot be distilled: it does not take rows of {x.shape[1]} numbers ({error})."
        ) from error
    said = said.reshape(len(said), -1)
    if len(said) != len(x) or output >= said.shape[1]:
        raise DataError(f"the {kind} has {said.shape[1]} outputs for each row; output {output} is none of them.")
    if not np.isfinite(said[:, output]).all():
        raise DataError(f"the {kind} says infinity or nothing at some rows and cannot be distilled.")
    return said[:, output]
