"""Semantic back-propagation: what a subtree would have to be for the whole formula to be right, and what comes nearest.

Following the inverse of every function from the target down to a node gives the values that the node should have
(Pawlak, Wieloch & Krawiec 2015). A sparse linear combination of a library of subtrees, fitted to those values with the
weights that the error has at the root, takes the node's place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from plugins.symbolic.engine.forest import Forest


@dataclass(frozen=True)
class Wish:
    """What a node should be: values and weights, shape (n,); a weight is 0 where no value would do."""

    values: np.ndarray
    weights: np.ndarray


def wish(forest: Forest, path: Sequence[tuple[int, bool]], target: np.ndarray) -> Wish | None:
    """The wish for the node at the end of ``path`` so that the root's values are ``target``; None where hopeless."""
    wanted, slope = target, np.ones_like(target)
    with np.errstate(all="ignore"):
        for (parent, _), (child, is_right) in pairwise(path):
            right = forest.right[parent]
            siblings = [] if right < 0 else [forest.left[parent] if is_right else right]
            sibling = forest.values(siblings)[0] if siblings else None
            current = forest.values([child])[0]
            wanted, factor = invert(forest.names[parent], is_right, wanted, sibling, current)
            slope = slope * factor
        return weighted(wanted, slope)


def weighted(wanted: np.ndarray, slope: np.ndarray) -> Wish | None:
    """A wish from values and the root's derivative by them; None where fewer than nine in ten values exist."""
    weights = slope * slope
    usable = np.isfinite(wanted) & np.isfinite(weights) & (np.abs(wanted) < 1e12)
    if usable.mean() < 0.9:
        return None
    weights = np.where(usable, weights, 0.0)
    total = weights.sum()
    if not np.isfinite(total) or total <= 0:
        return None
    # One point must not decide alone: beyond a hundred times the median a weight is cut.
    middle = np.median(weights[usable])
    weights = np.minimum(weights, 100 * middle) if middle > 0 else weights
    return Wish(np.where(usable, wanted, 0.0), weights / weights.sum())


def invert(
    name: str, is_right: bool, target: np.ndarray, sibling: np.ndarray | None, current: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The argument at which a function takes the values ``target``, and the function's derivative there.

    Where several arguments would do, the one nearest to ``current``. ``sibling`` is a binary function's other argument.
    """
    if sibling is not None:
        if name == "add":
            return target - sibling, np.ones_like(target)
        if name == "sub":
            return (sibling - target if is_right else target + sibling), np.ones_like(target)
        if name == "mul":
            return target / sibling, sibling
        if name == "div":
            return (sibling / target, target * target / sibling) if is_right else (target * sibling, 1 / sibling)
        return np.full_like(target, np.nan), target
    if name == "neg":
        return -target, np.ones_like(target)
    if name == "inv":
        return 1 / target, target * target
    if name == "square":
        root = np.sqrt(np.maximum(target, 0)) * np.where(current < 0, -1, 1)
        return np.where(target < 0, np.nan, root), 2 * root
    if name == "sqrt":
        return np.where(target < 0, np.nan, target * target), 0.5 / target
    if name == "exp":
        return np.log(target), target
    if name == "log":
        return np.exp(target), np.exp(-target)
    if name == "sin":
        first = np.arcsin(target)
        return _nearest(first, np.pi - first, current), np.sqrt(1 - target * target)
    if name == "cos":
        first = np.arccos(target)
        return _nearest(first, -first, current), np.sqrt(1 - target * target)
    if name == "tanh":
        return np.arctanh(target), 1 - target * target
    if name == "asin":
        return np.sin(target), 1 / np.cos(target)
    return np.full_like(target, np.nan), target


def _nearest(first: np.ndarray, second: np.ndarray, current: np.ndarray) -> np.ndarray:
    """The branch of a function of period 2 pi that lies nearest to ``current``."""
    first = first + 2 * np.pi * np.round((current - first) / (2 * np.pi))
    second = second + 2 * np.pi * np.round((current - second) / (2 * np.pi))
    return np.where(np.abs(first - current) <= np.abs(second - current), first, second)


class Library:
    """Subtrees to build from, standardised once."""

    def __init__(self, forest: Forest, numbers: Sequence[int]) -> None:
        values = forest.values(numbers)
        with np.errstate(all="ignore"):
            means, spreads = values.mean(axis=1), values.std(axis=1)
            usable = np.isfinite(means) & (spreads > 1e-9 * np.abs(values).max(axis=1)) & (spreads < 1e50)
        self.forest = forest
        self.numbers = np.asarray(numbers)[usable]
        self.means, self.spreads = means[usable], spreads[usable]
        self.values = (values[usable] - self.means[:, None]) / self.spreads[:, None]
        self._squares = self.values * self.values

    def answers(self, wishes: Sequence[Wish], terms: Sequence[int]) -> list[int]:
        """For each wish the node nearest to it that is a + b s + c t + ..., of up to so many ``terms``."""
        weights = np.array([wish.weights for wish in wishes])
        wanted = np.array([wish.values for wish in wishes])
        wanted_mean = np.einsum("ij,ij->i", weights, wanted)
        residual = wanted - wanted_mean[:, None]
        first = weights @ self.values.T
        with np.errstate(all="ignore"):
            variances = np.maximum(weights @ self._squares.T - first * first, 1e-12)
        chosen: list[list[int]] = [[] for _ in wishes]
        fits: list[tuple[float, np.ndarray]] = [(float(mean), np.empty(0)) for mean in wanted_mean]
        active = list(range(len(wishes)))
        for round_ in range(max(terms)):
            active = [row for row in active if terms[row] > round_]
            if not active:
                break
            products = (weights[active] * residual[active]) @ self.values.T
            gains = products * products / variances[active]
            still = []
            for place, row in enumerate(active):
                best = int(np.argmax(gains[place]))
                if best in chosen[row]:
                    continue
                before = float(weights[row] @ residual[row] ** 2)
                chosen[row].append(best)
                fits[row] = _least_squares(self.values[chosen[row]], wanted[row], weights[row])
                residual[row] = wanted[row] - fits[row][0] - fits[row][1] @ self.values[chosen[row]]
                after = float(weights[row] @ residual[row] ** 2)
                if after > 1e-24 * before:
                    still.append(row)
            active = still
        return [self._node(places, *fit) for places, fit in zip(chosen, fits, strict=True)]

    def _node(self, places: list[int], intercept: float, slopes: np.ndarray) -> int:
        """The node of intercept + slopes . values, the standardisation undone; what is negligible is left out."""
        forest = self.forest
        slopes = slopes / self.spreads[places]
        intercept = intercept - float(slopes @ self.means[places])
        sizes = [abs(slope) * (abs(self.means[p]) + self.spreads[p]) for slope, p in zip(slopes, places, strict=True)]
        largest = max([*sizes, abs(intercept), 1e-300])
        total = None
        for place, slope, size in zip(places, slopes, sizes, strict=True):
            if size < 1e-9 * largest:
                continue
            term = int(self.numbers[place])
            if abs(slope - 1) > 1e-9:
                term = forest.node("mul", forest.terminal(float(slope)), term)
            total = term if total is None else forest.node("add", total, term)
        if total is None:
            return forest.terminal(float(intercept))
        if abs(intercept) > 1e-9 * largest:
            total = forest.node("add", total, forest.terminal(float(intercept)))
        return total


def _least_squares(rows: np.ndarray, wanted: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray]:
    root = np.sqrt(weights)
    design = np.vstack([np.ones(rows.shape[1]), rows]) * root
    solution = np.linalg.lstsq(design.T, wanted * root, rcond=1e-12)[0]
    return float(solution[0]), solution[1:]
