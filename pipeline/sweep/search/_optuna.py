"""What the searches that rest on an Optuna sampler share: the space in Optuna's words, and a study that is told."""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.sweep.distributions import Choice, QUniform, Range
from pipeline.sweep.objective import Objective
from pipeline.sweep.search._base import Search
from pipeline.sweep.space import Configuration, Dimension, Space

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, Trial


class OptunaSearch(Search):
    """A search by an Optuna sampler, in memory; dimensions are suggested one by one, so conditions cost nothing."""

    def __init__(self, space: Space, objectives: Sequence[Objective], seed: int, options: Any) -> None:
        super().__init__(space, objectives, seed, options)
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        better = optuna.study.StudyDirection
        directions = [better.MINIMIZE if o.mode == "min" else better.MAXIMIZE for o in self.objectives]
        self.study: Study = optuna.create_study(directions=directions)
        self._open: dict[int, Trial] = {}
        self._curves: dict[int, dict[int, float]] = {}

    @abstractmethod
    def sampler(self, seed: int) -> BaseSampler:
        """A sampler for one draw."""

    def ask(self, number: int, attempt: int = 0) -> Configuration:
        """What the sampler suggests after all that the study was told."""
        import optuna

        if refused := self._open.pop(number, None):
            self.study.tell(refused, state=optuna.trial.TrialState.FAIL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self.study.sampler = self.sampler(self.derived_seed(number, attempt))
            trial = self._open[number] = self.study.ask()
            return self.space.build(lambda dimension: _suggest(trial, dimension))

    def observe(self, number: int, configuration: Mapping[str, Any], step: int, value: float) -> None:
        """Kept until the trial is told; a study of several metrics has no curves."""
        if len(self.objectives) == 1:
            self._curves.setdefault(number, {})[step] = value

    def tell(self, number: int, configuration: Mapping[str, Any], values: Sequence[float] | None) -> None:
        """Close the study's trial, or add one that was not proposed here."""
        import optuna

        failed = values is None or not all(map(math.isfinite, values))
        state = optuna.trial.TrialState.FAIL if failed else optuna.trial.TrialState.COMPLETE
        told, curve = self._open.pop(number, None), self._curves.pop(number, {})
        inside = {
            d.name: configuration[d.name]
            for d in self.space.dimensions
            if d.name in configuration and d.distribution.contains(configuration[d.name])
        }
        params = {name: internal(self.space[name], value) for name, value in inside.items()}
        if told is not None:
            if told.params == params:
                for step, value in curve.items():
                    told.report(value, step)
                self.study.tell(told, None if failed else list(values or ()), state=state)
                return
            self.study.tell(told, state=optuna.trial.TrialState.FAIL)
        if failed:
            return
        frozen: FrozenTrial = optuna.trial.create_trial(
            params=params,
            distributions={name: optuna_distribution(self.space[name]) for name in params},
            values=list(values or ()),
            intermediate_values=curve,
        )
        self.study.add_trial(frozen)


def optuna_distribution(dimension: Dimension) -> BaseDistribution:
    """The dimension in Optuna's words: a choice by its index, steps by their number."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    distribution = dimension.distribution
    if isinstance(distribution, Choice):
        return CategoricalDistribution(tuple(range(len(distribution.options))))
    if isinstance(distribution, QUniform):
        return IntDistribution(0, distribution.count - 1)
    assert isinstance(distribution, Range)
    if distribution.whole:
        return IntDistribution(int(distribution.low), int(distribution.high), log=distribution.log)
    return FloatDistribution(distribution.low, distribution.high, log=distribution.log)


def internal(dimension: Dimension, value: Any) -> Any:
    """A value as Optuna holds it."""
    distribution = dimension.distribution
    if isinstance(distribution, Choice):
        return distribution.index(value)
    if isinstance(distribution, QUniform):
        return round((value - distribution.low) / distribution.step)
    return int(value) if isinstance(distribution, Range) and distribution.whole else float(value)


def _suggest(trial: Trial, dimension: Dimension) -> Any:
    drawn = trial._suggest(dimension.name, optuna_distribution(dimension))
    distribution = dimension.distribution
    if isinstance(distribution, Choice):
        return distribution.options[drawn]
    return distribution._value(drawn) if isinstance(distribution, QUniform) else drawn
