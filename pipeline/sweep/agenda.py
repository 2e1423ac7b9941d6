"""What to run next: the points first, then what the search proposes, each under every seed."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.sweep.reading import completed
from pipeline.sweep.records import Assignment, TrialRecord
from pipeline.sweep.request import Request
from pipeline.sweep.space import Configuration

# A search that breaks the constraints so often in a row gets a random configuration in its place.
PATIENCE = 50
# One-sided; five paired seeds are the fewest that can reach it.
RACING_LEVEL = 0.05


class Agenda:
    """Turns trials into assignments, and what became of them into what the search learns."""

    def __init__(self, request: Request, *, known: Iterable[TrialRecord] = ()) -> None:
        self.request = request
        self.search = request.start_search()
        self._queue: deque[Assignment] = deque()
        self._next = 0
        self._configurations: dict[int, Configuration] = {}
        self._results: dict[int, dict[int, TrialRecord]] = {}
        self._told: set[int] = set()
        self.dropped: set[int] = set()
        for index, record in enumerate(known):
            # Negative numbers: the earlier sweep's trials are none of this one's.
            self._learn(-1 - index, record.configuration, record.curve, record.values)

    def resume(self, ended: Sequence[TrialRecord], begun: Sequence[Assignment]) -> None:
        """Take up a sweep where it was left: learn what has ended, queue what has not."""
        for record in ended:
            self._configurations[record.number] = dict(record.configuration)
        for assignment in begun:
            self._configurations[assignment.number] = dict(assignment.configuration)
        self._next = max(self._configurations, default=-1) + 1
        for record in ended:
            self.end(record)
        waiting = {(a.number, a.seed) for a in begun}
        self._queue.extend(begun)
        for number, configuration in self._configurations.items():
            for seed in self.request.seeds:
                if seed not in self._results.get(number, {}) and (number, seed) not in waiting:
                    self._queue.append(Assignment(number, configuration, seed))

    @property
    def total(self) -> int | None:
        """How many assignments there will be, as far as that is known."""
        trials = self.request.trials
        return None if trials is None else trials * len(self.request.seeds)

    def next(self) -> Assignment | None:
        """What to run now; None if nothing is left."""
        while True:
            if not self._queue and not self._extend():
                return None
            assignment = self._queue.popleft()
            if assignment.number not in self.dropped:
                return assignment

    def observe(self, assignment: Assignment, step: int, value: float) -> None:
        """The first objective after a step; only a single seed's curve is the configuration's own."""
        if len(self.request.seeds) == 1:
            self.search.observe(assignment.number, assignment.configuration, step, value)

    def end(self, record: TrialRecord) -> None:
        """Tell the search once all seeds of the configuration have ended."""
        results = self._results.setdefault(record.number, {})
        results[record.seed] = record
        if record.number in self._told:
            return
        if self.request.spec.racing and self._hopeless(record.number):
            self.dropped.add(record.number)
        elif len(results) < len(self.request.seeds):
            return
        self._told.add(record.number)
        self._learn(record.number, self._configurations[record.number], record.curve, self.values(record.number))

    def values(self, number: int) -> tuple[float, ...] | None:
        """A configuration's mean values over its seeds so far; None if one of them failed."""
        vectors = [record.values for record in self._results.get(number, {}).values()]
        if not vectors or any(vector is None for vector in vectors):
            return None
        return tuple(math.fsum(column) / len(vectors) for column in zip(*vectors, strict=True))

    def _learn(
        self, number: int, configuration: Mapping[str, Any], curve: Mapping[int, float], values: Sequence[float] | None
    ) -> None:
        if not self.request.space.contains({k: v for k, v in configuration.items() if k in self.request.space.names}):
            return
        if len(self.request.seeds) == 1:
            for step, value in curve.items():
                self.search.observe(number, configuration, step, value)
        self.search.tell(number, configuration, values)

    def _extend(self) -> bool:
        """Queue one more configuration under every seed."""
        request, number = self.request, self._next
        if request.trials is not None and number >= request.trials:
            return False
        if number < len(request.points):
            configuration: Configuration | None = self._point(request.points[number], number)
        else:
            configuration = self._proposal(number)
        if configuration is None:
            return False
        self._next += 1
        self._configurations[number] = configuration
        self._queue.extend(Assignment(number, configuration, seed) for seed in request.seeds)
        return True

    def _proposal(self, number: int) -> Configuration | None:
        for attempt in range(PATIENCE):
            configuration = self.search.ask(number, attempt)
            if configuration is None or self.request.space.allows(configuration):
                return configuration
        return self.request.space.sample(self.search.generator(number, PATIENCE))

    def _point(self, point: Mapping[str, Any], number: int) -> Configuration:
        """A point of the file; what it leaves out is drawn at random, except by a manual search."""
        if self.request.search_name == "manual" or not self.request.space.dimensions:
            return dict(point)
        generator = self.search.generator(number)
        for _ in range(PATIENCE):
            draw = self.request.space.sample(generator)
            configuration = completed(self.request.space, point, draw)
            if self.request.space.allows(configuration):
                break
        return configuration

    def _hopeless(self, number: int) -> bool:
        """Whether the configuration is significantly worse than the best one on their common seeds.

        The one-sided Wilcoxon signed-rank test of F-race's kind (Birattari et al. 2002).
        """
        objective = self.request.objective
        full = [n for n in self._told - self.dropped if self.values(n) is not None and n != number]
        results = self._results[number]
        if not full or any(record.values is None for record in results.values()):
            return False
        best = min(full, key=lambda n: objective.sign * (self.values(n) or (math.inf,))[0])
        pairs = [
            objective.sign * (record.values[0] - other.values[0])
            for seed, record in results.items()
            if record.values and (other := self._results[best].get(seed)) is not None and other.values
        ]
        if len(pairs) < 5 or not any(pairs):
            return False
        from scipy.stats import wilcoxon

        return bool(wilcoxon(pairs, alternative="greater").pvalue < RACING_LEVEL)
