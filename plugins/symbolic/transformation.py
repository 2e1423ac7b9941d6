"""New columns made of formulas, as gplearn's SymbolicTransformer makes them: the fittest that are least alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.context import Context
from pipeline.types import Table
from plugins.symbolic.engine.search import Search
from plugins.symbolic.grammar import write
from plugins.symbolic.models import reported, settings
from plugins.symbolic.programs import evaluate
from plugins.symbolic.types import Features, Problem, arrays

if TYPE_CHECKING:
    import pandas as pd

    from plugins.symbolic import stages


def search(stage: stages.GplearnTransformer, problem: Problem, context: Context) -> Features:
    """Evolve, keep the fittest programs as a hall of fame, and of these the components that correlate least."""
    x, y = arrays(problem.train)
    engine = Search(x, y, settings(stage), context.seed)
    engine.run(reported(context))
    fittest = [program for program in engine.fittest() if len(program) > 1]
    values, fame = [], []
    for program in fittest:
        row = evaluate(program, x)
        if np.isfinite(row).all() and row.std() > 0:
            values.append(row)
            fame.append(program)
        if len(fame) == stage.hall_of_fame:
            break
    kept = least_alike(np.array(values), stage.components) if fame else []
    expressions = tuple(write(fame[place], problem.variables, 6) for place in kept)
    context.table("features", {"formula": list(expressions)})
    return Features(expressions, problem.variables)


def least_alike(values: np.ndarray, count: int) -> list[int]:
    """Of rows by falling fitness, shape (m, n), ``count`` places: of the most alike pair the less fit one goes."""
    kept = list(range(len(values)))
    alike = np.abs(np.corrcoef(values)).reshape(len(values), len(values))
    np.fill_diagonal(alike, 0)
    while len(kept) > count:
        part = alike[np.ix_(kept, kept)]
        _, second = divmod(int(np.argmax(np.triu(part))), len(kept))
        kept.pop(second)
    return kept


def augment(problem: Problem, features: Features) -> Problem:
    """The problem with the features as further columns; an undefined value becomes the training rows' median."""
    medians = np.nanmedian(_finite(features.predict(arrays(problem.train)[0])), axis=0)

    def wider(table: Table) -> Table:
        made = _finite(features.predict(arrays(table)[0]))
        made = np.where(np.isnan(made), medians, made)
        return Table(_beside(table, made, features.expressions), table.targets)

    beyond = None if problem.extrapolation is None else wider(problem.extrapolation)
    return replace(
        problem, train=wider(problem.train), test=wider(problem.test), extrapolation=beyond, truth=None, units=()
    )


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def _beside(table: Table, made: np.ndarray, names: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    new = pd.DataFrame(made, columns=list(names), index=table.frame.index)
    return pd.concat([table.features, new, table.target], axis="columns")
