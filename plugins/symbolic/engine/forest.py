"""Hash-consed programs: each distinct subtree is one numbered node, evaluated once for all programs that hold it.

A program is the number of its root. Its cost is its size, each constant counted twice. Children have lower numbers than
their parents, so the nodes that are not yet evaluated are done level by level, all nodes of one function in one call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from plugins.symbolic.functions import FUNCTIONS
from plugins.symbolic.programs import Program, end

LEAF = ""
COMMUTATIVE = frozenset({"add", "mul", "max", "min"})
_UNDONE = {("neg", "neg"), ("inv", "inv"), ("log", "exp"), ("square", "sqrt")}


class Forest:
    """All subtrees that a search has seen, with their values at the rows of ``x``, shape (n, variables)."""

    def __init__(self, x: np.ndarray) -> None:
        self.x = x
        self.names: list[str] = []
        self.left: list[int] = []
        self.right: list[int] = []
        self.size: list[int] = []
        self.depth: list[int] = []
        self.cost: list[int] = []
        self.leaf: list[int | float | None] = []
        self._numbers: dict[tuple, int] = {}
        self._values = np.empty((4096, len(x)))
        self._evaluated = 0
        for variable in range(x.shape[1]):
            self.terminal(variable)

    def __len__(self) -> int:
        return len(self.names)

    def terminal(self, value: int | float) -> int:
        """The node of a variable (int) or a constant (float)."""
        key = (LEAF, value, type(value))
        if (number := self._numbers.get(key)) is None:
            number = self._append(key, LEAF, -1, -1, 1, 0, value)
        return number

    def node(self, name: str, left: int, right: int = -1) -> int:
        """The node of a function of one or two nodes, simplified where that is a matter of one look."""
        if right >= 0:
            if left > right and name in COMMUTATIVE:
                left, right = right, left
        elif (name, self.names[left]) in _UNDONE:
            return self.left[left]
        key = (name, left, right)
        number = self._numbers.get(key)
        if number is None:
            number = self._simplified(name, left, right)
            if number is None:
                size = self.size[left] + (self.size[right] if right >= 0 else 0) + 1
                depth = max(self.depth[left], self.depth[right] if right >= 0 else 0) + 1
                number = self._append(key, name, left, right, size, depth, None)
            else:
                self._numbers[key] = number
        return number

    def is_constant(self, number: int) -> bool:
        """Whether a node is a constant."""
        return isinstance(self.leaf[number], float)

    def _simplified(self, name: str, left: int, right: int) -> int | None:
        a, b = self.leaf[left], self.leaf[right] if right >= 0 else None
        if isinstance(a, float) and (right < 0 or isinstance(b, float)):
            with np.errstate(all="ignore"):
                value = float(FUNCTIONS[name].compute(*map(np.float64, (a,) if right < 0 else (a, b))))
            return self.terminal(value if math.isfinite(value) else math.nan)
        if right < 0:
            return None
        if left == right and name in ("sub", "div"):
            return self.terminal(0.0 if name == "sub" else 1.0)
        if name == "mul" and left == right and "square" in self.offered:
            return self.node("square", left)
        for constant, other in ((a, right), (b, left)):
            if constant == 0.0 and isinstance(constant, float):
                if name == "add" or (name == "sub" and other == left):
                    return other
                if name == "mul":
                    return self.terminal(0.0)
            if constant == 1.0 and isinstance(constant, float) and (name == "mul" or (name == "div" and other == left)):
                return other
        return None

    offered: frozenset[str] = frozenset()
    """The functions that the search may use; set once, before any node is made."""

    def _append(
        self, key: tuple, name: str, left: int, right: int, size: int, depth: int, leaf: int | float | None
    ) -> int:
        number = len(self.names)
        self.names.append(name)
        self.left.append(left)
        self.right.append(right)
        self.size.append(size)
        self.depth.append(depth)
        self.leaf.append(leaf)
        below = (self.cost[left] if left >= 0 else 0) + (self.cost[right] if right >= 0 else 0)
        self.cost.append(below + 1 + isinstance(leaf, float))
        self._numbers[key] = number
        return number

    def add(self, program: Program) -> int:
        """The root of a program."""
        stack: list[int] = []
        for token in reversed(program):
            if isinstance(token, str):
                stack.append(self.node(token, *(stack.pop() for _ in range(FUNCTIONS[token].arity))))
            else:
                stack.append(self.terminal(token))
        return stack[0]

    def program(self, root: int) -> Program:
        """The program of a root."""
        tokens: list[str | int | float] = []
        stack = [root]
        while stack:
            number = stack.pop()
            value = self.leaf[number]
            if value is not None:
                tokens.append(value)
                continue
            tokens.append(self.names[number])
            if self.right[number] >= 0:
                stack.append(self.right[number])
            stack.append(self.left[number])
        return tuple(tokens)

    def path(self, root: int, position: int) -> list[tuple[int, bool]]:
        """The way from the root to the subtree at a prefix position: each node, and whether it is a right child."""
        way = [(root, False)]
        number = root
        while position:
            position -= 1
            number, is_right = self.left[number], False
            if position >= self.size[number]:
                position -= self.size[number]
                number, is_right = self.right[way[-1][0]], True
            way.append((number, is_right))
        return way

    def replaced(self, path: Sequence[tuple[int, bool]], number: int) -> int:
        """The root of the program with another subtree at the end of ``path``."""
        for step in range(len(path) - 1, 0, -1):
            parent = path[step - 1][0]
            right = self.right[parent]
            if right < 0:
                number = self.node(self.names[parent], number)
            elif path[step][1]:
                number = self.node(self.names[parent], self.left[parent], number)
            else:
                number = self.node(self.names[parent], number, right)
        return number

    def below(self, root: int) -> set[int]:
        """Every distinct node of a program."""
        found: set[int] = set()
        stack = [root]
        while stack:
            number = stack.pop()
            if number not in found:
                found.add(number)
                if self.left[number] >= 0:
                    stack.append(self.left[number])
                    if self.right[number] >= 0:
                        stack.append(self.right[number])
        return found

    def values(self, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
        """The values of nodes, shape (len(numbers), n), evaluating what is new."""
        self._evaluate()
        return self._values[np.asarray(numbers, int)]

    def _evaluate(self) -> None:
        first, last = self._evaluated, len(self.names)
        if first == last:
            return
        if last > len(self._values):
            grown = np.empty((max(last, 2 * len(self._values)), len(self.x)))
            grown[:first] = self._values[:first]
            self._values = grown
        new = sorted(range(first, last), key=lambda number: (self.depth[number], self.names[number]))
        start = 0
        with np.errstate(all="ignore"):
            while start < len(new):
                name, depth = self.names[new[start]], self.depth[new[start]]
                stop = start + 1
                while stop < len(new) and self.names[new[stop]] == name and self.depth[new[stop]] == depth:
                    stop += 1
                self._evaluate_group(name, new[start:stop])
                start = stop
        self._evaluated = last

    def _evaluate_group(self, name: str, group: list[int]) -> None:
        if name == LEAF:
            for number in group:
                value = self.leaf[number]
                self._values[number] = self.x[:, value] if isinstance(value, int) else value
            return
        function = FUNCTIONS[name]
        left = self._values[[self.left[number] for number in group]]
        if function.arity == 1:
            self._values[group] = function.compute(left)
        else:
            self._values[group] = function.compute(left, self._values[[self.right[number] for number in group]])


def subtree(program: Program, position: int) -> Program:
    """The part of a program that begins at a prefix position."""
    return program[position : end(program, position)]
