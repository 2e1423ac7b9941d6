"""Baselines without evolution: linear, polynomial and sparse regression, each a front by the number of its terms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np

from plugins.symbolic.engine.seeds import product
from plugins.symbolic.front import front_of
from plugins.symbolic.models import numbers_only
from plugins.symbolic.programs import Program, evaluate
from plugins.symbolic.types import Front, Problem, arrays

if TYPE_CHECKING:
    from plugins.symbolic import stages

MOST_TERMS = 2000


def fit(stage: stages.Linear, problem: Problem) -> Front:
    """Orthogonal matching pursuit over the terms of the stage's library: one equation for each number of terms."""
    numbers_only(problem)
    x, y = arrays(problem.train)
    terms = library(x.shape[1], stage.degree, stage.functions)
    columns = np.array([evaluate(term, x) for term in terms])
    with np.errstate(all="ignore"):
        usable = np.isfinite(columns).all(axis=1) & (columns.std(axis=1) > 1e-12 * np.abs(columns).max(axis=1))
    terms = [term for term, good in zip(terms, usable, strict=True) if good]
    programs: list[Program] = [(float(y.mean()),)]
    for chosen, intercept, slopes in pursuit(columns[usable], y, min(stage.terms, len(terms), len(y) - 2)):
        programs.append(weighted_sum([terms[place] for place in chosen], intercept, slopes))
    return front_of(programs, problem)


def library(count: int, degree: int, functions: Sequence[str]) -> list[Program]:
    """Products of up to ``degree`` variables, as many as there may be, and functions of one variable."""
    found: list[Program] = []
    for size in range(1, degree + 1):
        if len(found) + math.comb(count + size - 1, size) > MOST_TERMS:
            break
        terms = combinations_with_replacement(range(count), size)
        found += [product({column: float(term.count(column)) for column in dict.fromkeys(term)}) for term in terms]
    return found + [(name, column) for name in functions for column in range(count)]


def pursuit(columns: np.ndarray, y: np.ndarray, most: int) -> list[tuple[list[int], float, np.ndarray]]:
    """Orthogonal matching pursuit (Pati, Rezaiifar & Krishnaprasad 1993): for 1, 2, ... terms which, and the fit."""
    centred = columns - columns.mean(axis=1, keepdims=True)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    residual = y - y.mean()
    chosen: list[int] = []
    fits = []
    for _ in range(most):
        gains = np.abs(centred @ residual)
        gains[chosen] = -1
        chosen.append(int(np.argmax(gains)))
        design = np.vstack([np.ones(len(y)), columns[chosen]]).T
        solution = np.linalg.lstsq(design, y, rcond=None)[0]
        residual = y - design @ solution
        fits.append((list(chosen), float(solution[0]), solution[1:]))
        if residual @ residual < 1e-24 * (y @ y):
            break
    return fits


def weighted_sum(terms: Sequence[Program], intercept: float, slopes: np.ndarray) -> Program:
    """intercept + slopes . terms."""
    result: Program = (intercept,)
    for term, slope in zip(terms, slopes, strict=True):
        result = ("add", *result, "mul", float(slope), *term)
    return result
