"""gplearn's genetic operators (Koza 1992) on hash-consed programs."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from plugins.symbolic.engine.forest import LEAF, Forest
from plugins.symbolic.functions import FUNCTIONS

FUNCTION_SHARE = 0.9
"""How often a crossover point is a function rather than a leaf, as gplearn chooses it."""


class Variation:
    """Grows, crosses and mutates programs of a forest; every other variable is one of those that are ``leading``."""

    def __init__(self, forest: Forest, functions: tuple[str, ...], leading: Sequence[int], rng: Random) -> None:
        self.forest, self.leading, self.rng = forest, leading, rng
        self.functions = functions
        self.by_arity = {n: [f for f in functions if FUNCTIONS[f].arity == n] for n in (1, 2)}
        self.variables = forest.x.shape[1]

    def leaf(self) -> int:
        """A variable, or now and then a constant."""
        if self.rng.random() < 0.15:
            small = self.rng.random() < 0.5
            value = float(self.rng.randint(1, 5)) if small else self.rng.uniform(-5, 5)
            return self.forest.terminal(value)
        if len(self.leading) < self.variables and self.rng.random() < 0.5:
            return self.forest.terminal(self.rng.choice(self.leading))
        return self.forest.terminal(self.rng.randrange(self.variables))

    def grow(self, depth: int, full: bool = False) -> int:
        """A random program no deeper than ``depth``, and everywhere so deep where it is ``full``."""
        rng = self.rng
        if depth == 0 or (not full and rng.random() < 0.25):
            return self.leaf()
        binary = self.by_arity[2] and (not self.by_arity[1] or rng.random() < 0.7)
        name = rng.choice(self.by_arity[2 if binary else 1])
        arguments = [self.grow(depth - 1, full) for _ in range(2 if binary else 1)]
        return self.forest.node(name, *arguments)

    def point(self, root: int) -> list[tuple[int, bool]]:
        """The way to a random subtree."""
        forest, rng = self.forest, self.rng
        size = forest.size[root]
        inner = rng.random() < FUNCTION_SHARE
        path = forest.path(root, rng.randrange(size))
        for _ in range(4):
            if (forest.names[path[-1][0]] != LEAF) == inner:
                break
            path = forest.path(root, rng.randrange(size))
        return path

    def crossover(self, root: int, donor: int) -> int:
        """A subtree of the donor in place of one of the parent's."""
        return self.forest.replaced(self.point(root), self.point(donor)[-1][0])

    def subtree_mutation(self, root: int) -> int:
        """A new random subtree in place of one of the parent's."""
        return self.forest.replaced(self.point(root), self.grow(self.rng.randint(0, 3)))

    def hoist_mutation(self, root: int) -> int:
        """A subtree replaced by a part of itself."""
        path = self.point(root)
        return self.forest.replaced(path, self.point(path[-1][0])[-1][0])

    def point_mutation(self, root: int) -> int:
        """One function replaced by another of as many arguments, one variable by another, or a constant moved."""
        forest, rng = self.forest, self.rng
        path = forest.path(root, rng.randrange(forest.size[root]))
        number = path[-1][0]
        value = forest.leaf[number]
        if isinstance(value, float) and rng.random() < 0.7:
            new = forest.terminal(value * rng.gauss(1, 0.3) if rng.random() < 0.8 else value + rng.gauss(0, 1))
        elif value is not None:
            new = self.leaf()
        elif not self.by_arity[1 if forest.right[number] < 0 else 2]:
            # Folding writes 1/x and a - x, and refinement puts constants in, whatever the functions are.
            return self.subtree_mutation(root)
        elif forest.right[number] < 0:
            new = forest.node(rng.choice(self.by_arity[1]), forest.left[number])
        else:
            children = [forest.left[number], forest.right[number]]
            if rng.random() < 0.3:
                children.reverse()
            new = forest.node(rng.choice(self.by_arity[2]), *children)
        return forest.replaced(path, new)

    def wrap_mutation(self, root: int) -> int:
        """A function of one argument put around a subtree, or one taken away."""
        forest, rng = self.forest, self.rng
        path = forest.path(root, rng.randrange(forest.size[root]))
        number = path[-1][0]
        if not self.by_arity[1]:
            return self.subtree_mutation(root)
        if forest.left[number] >= 0 and rng.random() < 0.4:
            return forest.replaced(path, forest.left[number])
        return forest.replaced(path, forest.node(rng.choice(self.by_arity[1]), number))
