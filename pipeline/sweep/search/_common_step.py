"""TPE on unfinished trials: configurations are compared at a step that enough of them have reached.

A scheduler leaves most trials at their first steps. Their last values side by side would say that short trainings are
bad, and hide which of the long ones is good.
"""

from __future__ import annotations

from typing import Any

import optuna
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState


class CommonStepSampler(TPESampler):
    """Optuna's, on the values at the largest step that ``enough`` trials have reached; those that ended before are out.

    So BOHB chooses its budget (Falkner et al. 2018). Where no trial has a curve, or all have reached the same step, it
    is Optuna's to the last digit.
    """

    def __init__(self, enough: int, **options: Any) -> None:
        super().__init__(**options)
        self.enough = max(1, enough)

    def _sample(self, study: optuna.Study, trial: FrozenTrial, *space: Any, **options: Any) -> dict[str, Any]:
        return super()._sample(self._comparable(study, trial), trial, *space, **options)

    def _comparable(self, study: optuna.Study, trial: FrozenTrial) -> optuna.Study:
        trials = [t for t in study.get_trials(deepcopy=False) if t.number != trial.number]
        reached = sorted((max(curve) for t in trials if (curve := _curve(t))), reverse=True)
        if len(reached) < self.enough or reached[0] == reached[-1]:
            return study
        step = reached[self.enough - 1]
        comparable = optuna.create_study(directions=study.directions)
        for each in trials:
            if curve := _curve(each):
                # One that was resumed from a checkpoint may have nothing of its first steps.
                before = [s for s in curve if s <= step]
                if before and max(curve) >= step:
                    comparable.add_trial(_ended(curve[max(before)], each))
            elif each.state in (TrialState.RUNNING, TrialState.COMPLETE):
                comparable.add_trial(each)
        return comparable


def _ended(value: float, like: FrozenTrial) -> FrozenTrial:
    """A finished trial of the same configuration."""
    return optuna.trial.create_trial(params=like.params, distributions=like.distributions, value=value)


def _curve(trial: FrozenTrial) -> dict[int, float]:
    return trial.intermediate_values if trial.state == TrialState.COMPLETE else {}
