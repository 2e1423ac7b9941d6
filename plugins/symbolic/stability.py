"""How often the search comes back with the same form when it starts from another seed and sees other rows."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.context import Context
from pipeline.types import Table
from plugins.symbolic import figures, models
from plugins.symbolic.equivalence import is_equivalent
from plugins.symbolic.forms import form
from plugins.symbolic.grammar import parse
from plugins.symbolic.refine import refined
from plugins.symbolic.types import Front, Problem, Stability, arrays

if TYPE_CHECKING:
    from plugins.symbolic import stages


def repeat(stage: stages.Stability, problem: Problem, formula: Front, context: Context) -> Stability:
    """Search again ``repeats`` times; the forms by how often they came, and the share that is the formula's own."""
    own = form(parse(formula.best.expression, formula.variables), problem.variables)
    forms: list[str] = []
    texts: dict[str, str] = {}
    recovered = 0
    for number in context.progress(range(stage.repeats), "repeats"):
        rng = np.random.default_rng([context.seed, number])
        seen = resampled(problem, rng) if stage.bootstrap else problem
        front = models.search_with(stage, seen, int(rng.integers(2**31)), lambda progress: None)
        chosen = refined(seen, front, select="bic", deadline=time.monotonic() + stage.time_limit)
        program = parse(chosen.best.expression, chosen.variables)
        forms.append(form(program, problem.variables))
        texts.setdefault(forms[-1], chosen.best.expression)
        if problem.truth is not None:
            truth = parse(problem.truth, problem.variables)
            recovered += is_equivalent(program, truth, arrays(problem.test)[0])
    counts = Counter(forms).most_common()
    metrics = {"agreement": forms.count(own) / len(forms), "forms": float(len(counts))}
    if problem.truth is not None:
        metrics["recovered"] = recovered / len(forms)
    context.log(metrics)
    context.table("forms", [{"form": f, "times": n, "example": texts[f], "chosen": f == own} for f, n in counts])
    context.figure("forms", figures.forms(counts, own))
    return Stability(own, tuple(f for f, _ in counts), tuple(n for _, n in counts), metrics)


def resampled(problem: Problem, rng: np.random.Generator) -> Problem:
    """The problem with as many training rows, drawn with replacement."""
    train = problem.train
    rows = rng.integers(0, len(train), len(train))
    return replace(problem, train=Table(train.frame.iloc[rows].reset_index(drop=True), train.targets))
