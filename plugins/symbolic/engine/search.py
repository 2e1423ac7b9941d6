"""The accelerated search: gplearn's evolution of programs, with everything evaluated once and constants refined."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from plugins.symbolic.engine import constants, scaling, seeds, semantic
from plugins.symbolic.engine.forest import Forest
from plugins.symbolic.engine.variation import Variation
from plugins.symbolic.folding import folded
from plugins.symbolic.functions import FUNCTIONS
from plugins.symbolic.programs import Program, Token

EXACT = 1e-20
"""A relative error that only rounding is left of."""
SMALLEST_ERROR = 1e-16
"""Errors below this count alike when programs compete, so that the shorter one wins."""

WIDER = 5
"""So many times more rows are looked at once the first population has come to an end."""

LEADING = 12
"""So many variables are combined in every library; of wider data those that correlate most with the target."""

MOST_VALUES = 80_000_000
"""Of subtrees at rows, kept so that none is computed twice; 640 MB, then the population starts afresh."""

NODE_COSTS = (math.log(0.003), math.log(1.0))
"""What a node may cost in a tournament, in units of the logarithm of the error; drawn between their exponentials."""


@dataclass(frozen=True)
class Settings:
    """What a search may use.

    rows: so many training rows decide the fitness of the first population, ``WIDER`` times as many that of later ones.
    refined: programs whose constants are refined in each generation.
    wishes: nodes for which the library is asked in each generation.
    patience: generations without improvement after which the population starts afresh.
    """

    functions: tuple[str, ...]
    population: int = 500
    generations: int = 300
    largest: int = 40
    time_limit: float = 60.0
    rows: int = 200
    refined: int = 20
    wishes: int = 40
    patience: int = 15
    tournament: int = 5


@dataclass(frozen=True)
class Progress:
    """Where a search stands after a generation; ``error`` and ``size`` are the best program's."""

    generation: int
    evaluations: int
    error: float
    size: int
    restarts: int


class Search:
    """One search on rows ``x``, shape (n, variables), and ``y``, shape (n,), both finite, y not constant."""

    def __init__(self, x: np.ndarray, y: np.ndarray, settings: Settings, seed: int) -> None:
        self.settings, self.rng = settings, Random(seed)
        self.deadline = time.monotonic() + settings.time_limit
        self.all = x, y
        self.order = np.random.default_rng(seed).permutation(len(y))
        self._look_at(settings.rows)
        self.given = x[: 2 * settings.rows + 100], y[: 2 * settings.rows + 100]
        self.evaluations = 0
        self.archive: dict[int, tuple[float, Program]] = {}
        self.restarts = -1
        self._restart()

    def run(self, report: Callable[[Progress], None]) -> list[Program]:
        """Search until generations, time or the wish for better are spent; the archive's front, shortest first."""
        best, stale, since_exact = math.inf, 0, 0
        for generation in range(self.settings.generations):
            self._generation()
            error, root = min((self.errors[r], r) for r in self.population)
            score = min(self.scores[root] for root in self.population)
            report(Progress(generation, self.evaluations, error, self.forest.size[root], self.restarts))
            since_exact += min(entry[0] for entry in self.archive.values()) < EXACT
            if since_exact > 2 or self._late():
                break
            stale = 0 if score < best - 1e-6 else stale + 1
            best = min(best, score)
            if stale >= self.settings.patience or len(self.forest) * len(self.y) > MOST_VALUES:
                self._restart()
                best, stale = math.inf, 0
        return self.front()

    def front(self) -> list[Program]:
        """Programs by rising size, each with a smaller error than all before."""
        found, least = [], math.inf
        for size in sorted(self.archive):
            error, program = self.archive[size]
            if error < least * (1 - 1e-9):
                found.append(program)
                least = error
        return found

    def fittest(self) -> list[Program]:
        """The last population's programs, the one with the best score first."""
        return [self.forest.program(root) for root in sorted(self.population, key=lambda r: (self.scores[r], r))]

    def _late(self) -> bool:
        return time.monotonic() > self.deadline

    def _look_at(self, rows: int) -> None:
        chosen = np.sort(self.order[:rows])
        self.x, self.y = self.all[0][chosen], self.all[1][chosen]

    def _restart(self) -> None:
        """A fresh population: random programs, and every small combination of the variables for the library.

        What holds no law that a first look finds is likely noisy: more rows decide from the first restart on. Every
        other population has the best programs so far, so that they are improved as well as looked for anew.
        """
        self.restarts += 1
        best = self.front() if self.restarts else []
        if self.restarts == 1:
            self._look_at(WIDER * self.settings.rows)
            self.archive = {}
        self.forest = Forest(self.x)
        self.forest.offered = frozenset(self.settings.functions)
        self.leading = self._leading()
        self.variation = Variation(self.forest, self.settings.functions, self.leading, self.rng)
        self.errors: dict[int, float] = {}
        self.scores: dict[int, float] = {}
        self.tried: set[tuple[Token, ...]] = set()
        self.basis = self._basis()
        self.deeper = self._deeper()
        roots = {self.variation.grow(self.rng.randint(1, 5), bool(i % 2)) for i in range(self.settings.population)}
        self.population = self._judged([*self.basis, *self.seeds(), *sorted(roots)])
        again = self._judged([self._fitted(program) for program in best])
        self.population += again if self.restarts % 2 else []
        self._survive()

    def _leading(self) -> list[int]:
        """All variables where they are few, else those that explain most of the target by themselves."""
        if self.x.shape[1] <= LEADING:
            return list(range(self.x.shape[1]))
        errors = scaling.relative_errors(self.x.T, self.y)
        return np.argsort(errors, kind="stable")[:LEADING].tolist()

    def seeds(self) -> list[int]:
        """What regression finds by itself; the first population has it, later ones do without."""
        if self.restarts:
            return []
        return [self.forest.add(program) for program in seeds.seeds(*self.given, self.forest.offered, self._late)]

    def _basis(self) -> list[int]:
        """Small subtrees that a library always holds: variables, their unary functions, products and ratios of two."""
        forest, names = self.forest, self.settings.functions
        leaves = self.leading
        unary = [name for name in names if FUNCTIONS[name].arity == 1]
        binary = [name for name in names if FUNCTIONS[name].arity == 2]
        pairs = [forest.node(name, a, b) for name in binary for a in leaves for b in leaves if a != b]
        basis = [*leaves, *(forest.node(name, leaf) for name in unary for leaf in leaves), *pairs]
        if "mul" in names:
            basis += [forest.node("mul", leaf, forest.node("mul", leaf, leaf)) for leaf in leaves]
            triples = [
                forest.node("mul", pair, leaf)
                for pair in pairs
                if forest.names[pair] in ("mul", "div")
                for leaf in leaves
            ]
            basis += triples if len(triples) <= 400 else self.rng.sample(triples, 400)
        return list(dict.fromkeys(basis))

    def _deeper(self) -> list[int]:
        """Functions of small sums and products, and products of functions: too many for every library at once."""
        forest, names, rng = self.forest, self.settings.functions, self.rng
        unary = [name for name in names if FUNCTIONS[name].arity == 1]
        level = [node for node in self.basis if forest.size[node] <= 2]
        signs = [name for name in ("add", "sub", "mul", "div") if name in names]
        couples = [(name, a, b) for name in signs for a in level for b in level if a != b]
        if len(couples) > 1500:
            couples = rng.sample(couples, 1500)
        pairs = list(dict.fromkeys(forest.node(*couple) for couple in couples))
        functions = [(name, inner) for name in unary for inner in [*pairs, *self.basis]]
        if len(functions) > 3000:
            functions = rng.sample(functions, 3000)
        return list(dict.fromkeys([*pairs, *(forest.node(*function) for function in functions)]))

    def _judged(self, roots: Sequence[int]) -> list[int]:
        """The roots that are new, small and finite, with their errors and scores noted."""
        new = [
            root
            for root in dict.fromkeys(roots)
            if root not in self.errors and self.forest.size[root] <= self.settings.largest
        ]
        if not new:
            return []
        errors = scaling.relative_errors(self.forest.values(new), self.y)
        self.evaluations += len(new)
        usable = []
        for root, error in zip(new, errors.tolist(), strict=True):
            self.errors[root] = error
            if error == math.inf:
                continue
            size = self.forest.size[root]
            self.scores[root] = self._score(error, self.forest.cost[root])
            usable.append(root)
            if size not in self.archive or error < self.archive[size][0]:
                self.archive[size] = (error, self.forest.program(root))
        return usable

    def _score(self, error: float, size: int) -> float:
        """The Bayesian information criterion, a node counted as a parameter."""
        rows = len(self.y)
        return rows * math.log(max(error, SMALLEST_ERROR)) + size * math.log(rows)

    def _generation(self) -> None:
        born = self._offspring()
        born += self._answers()
        self.population += self._judged(born)
        self.population += self._judged(self._refined())
        self._survive()

    def _offspring(self) -> list[int]:
        variation, rng = self.variation, self.rng
        parents = iter(self._winners(2 * self.settings.population))
        born = []
        for _ in range(self.settings.population):
            root, other = next(parents), next(parents)
            draw = rng.random()
            if draw < 0.6:
                child = variation.crossover(root, other)
            elif draw < 0.75:
                child = variation.subtree_mutation(root)
            elif draw < 0.9:
                child = variation.point_mutation(root)
            elif draw < 0.97:
                child = variation.wrap_mutation(root)
            else:
                child = variation.hoist_mutation(root)
            born.append(child)
        return born

    def _winners(self, count: int) -> list[int]:
        """Parents by tournament; what a node costs differs from one to the next, so that all sizes win some."""
        rng = np.random.default_rng(self.rng.getrandbits(32))
        contenders = rng.integers(0, len(self.population), (count, self.settings.tournament))
        error = np.log(np.maximum([self.errors[root] for root in self.population], SMALLEST_ERROR))
        size = np.array([self.forest.cost[root] for root in self.population])
        cost = np.exp(rng.uniform(*NODE_COSTS, (count, 1)))
        winners = np.argmin(error[contenders] + cost * size[contenders], axis=1)
        return [self.population[place] for place in contenders[np.arange(count), winners].tolist()]

    def _survive(self) -> None:
        """The best of each size, as many of each: a population on the whole front, where no size crowds out another."""
        ranked = sorted(
            dict.fromkeys(self.population), key=lambda root: (self.errors[root], self.forest.size[root], root)
        )
        # Equal errors to many digits are the same function written differently: the shorter one stays.
        distinct: dict[float, int] = {}
        for root in ranked:
            distinct.setdefault(float(f"{self.errors[root]:.9e}"), root)
        by_size: dict[int, list[int]] = {}
        for root in distinct.values():
            by_size.setdefault(self.forest.cost[root], []).append(root)
        each = max(self.settings.population // len(by_size), 1)
        self.population = [root for size in sorted(by_size) for root in by_size[size][:each]]

    def _refined(self) -> list[int]:
        """The best programs with their constants refined, some of them with a new constant put in."""
        found = []
        budget = self.settings.refined
        for root in sorted(self.population, key=lambda root: (self.scores[root], root)):
            if budget == 0 or self._late():
                break
            program = self.forest.program(root)
            if not any(isinstance(token, float) for token in program):
                continue
            shape = tuple(0.5 if isinstance(token, float) else token for token in program)
            if shape in self.tried:
                continue
            self.tried.add(shape)
            budget -= 1
            found.append(self._fitted(program))
        for root in self._winners(self.settings.refined):
            if self._late():
                break
            program = self.forest.program(root)
            if len(program) + 2 <= self.settings.largest:
                place = self.rng.randrange(len(program))
                name = self.rng.choice(["mul", "add"])
                neutral = 1.0 if name == "mul" else 0.0
                found.append(self._fitted((*program[:place], name, neutral, *program[place:])))
        return found

    def _fitted(self, program: Program) -> int:
        self.evaluations += 8
        return self.forest.add(folded(constants.refine(program, self.x, self.y, 8)[0]))

    def _answers(self) -> list[int]:
        """Programs one subtree of which was replaced by what the library offers for it."""
        forest, rng = self.forest, self.rng
        library = semantic.Library(forest, self._library())
        wishes: list[semantic.Wish] = []
        paths: list[tuple[list[tuple[int, bool]], tuple[str, ...]]] = []
        for root in self._winners(self.settings.wishes):
            intercept, slope = scaling.scale(forest.values([root])[0], self.y)
            if not slope or not math.isfinite(slope):
                continue
            path = forest.path(root, rng.randrange(forest.size[root]))
            if (wish := semantic.wish(forest, path, (self.y - intercept) / slope)) is not None:
                wishes.append(wish)
                paths.append((path, ()))
        for outer in self._outer():
            wanted, slope_ = self.y, np.ones_like(self.y)
            with np.errstate(all="ignore"):
                for name in outer:
                    wanted, factor = semantic.invert(name, False, wanted, None, np.zeros_like(self.y))
                    slope_ = slope_ * factor
            if (wish := semantic.weighted(wanted, slope_)) is not None:
                wishes.append(wish)
                paths.append(([(0, False)], outer))
        if not wishes or not len(library.numbers):
            return []
        terms = [rng.choice([1, 1, 2, 2, 3, 4]) for _ in wishes]
        found = []
        for (path, outer), answer in zip(paths, library.answers(wishes, terms), strict=True):
            root = forest.replaced(path, answer)
            for name in reversed(outer):
                root = forest.node(name, root)
            found.append(root)
        return found

    def _outer(self) -> list[tuple[str, ...]]:
        """Functions to try around a whole new formula: the target is seen through their inverses."""
        names = [name for name in self.settings.functions if FUNCTIONS[name].arity == 1] + ["inv"]
        singles: list[tuple[str, ...]] = [(), *((name,) for name in names)]
        doubles = [("inv", "sqrt"), ("inv", "exp"), ("sqrt", "inv")]
        return singles + [pair for pair in doubles if all(name in names for name in pair)]

    def _library(self) -> list[int]:
        """Subtrees to build from: the basis, and a sample of what the population is made of."""
        parts: set[int] = set()
        for root in self.population[:200]:
            parts |= self.forest.below(root)
        small = sorted(part for part in parts if self.forest.size[part] <= 15)
        if len(small) > 500:
            small = self.rng.sample(small, 500)
        basis = self.basis if len(self.basis) <= 500 else self.rng.sample(self.basis, 500)
        deeper = self.deeper if len(self.deeper) <= 500 else self.rng.sample(self.deeper, 500)
        count = self.x.shape[1]
        others = self.rng.sample(range(count), min(count, 2000)) if count > LEADING else []
        return list(dict.fromkeys([*basis, *deeper, *small, *others]))
