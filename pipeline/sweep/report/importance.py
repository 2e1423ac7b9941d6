"""How much of the objective's variation each dimension explains: functional ANOVA (Hutter et al. 2014)."""

from __future__ import annotations

import math

from pipeline.sweep.report.study import Column, Study

# Fewer points tell nothing.
LEAST_POINTS = 5


def importance(study: Study) -> dict[str, float]:
    """The share of the variance of the first objective that each dimension alone explains, the largest first.

    By Optuna's random forest. A dimension that does not exist everywhere counts with its mean where it does not.
    """
    columns = [column for column in study.columns if column.varies]
    if len(study.points) < LEAST_POINTS or not columns or len({point.values[0] for point in study.points}) == 1:
        return {}
    if len(columns) == 1:
        return {columns[0].name: 1.0}
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    filled = {column.name: _filled(column) for column in columns}
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.FloatDistribution(min(values), max(values)) for name, values in filled.items()
    }
    forest = optuna.create_study(direction="minimize")
    for index, point in enumerate(study.points):
        forest.add_trial(
            optuna.trial.create_trial(
                params={name: values[index] for name, values in filled.items()},
                distributions=distributions,
                value=point.values[0],
            )
        )
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    shares = optuna.importance.get_param_importances(forest, evaluator=evaluator)
    return {name: float(share) for name, share in sorted(shares.items(), key=lambda item: -item[1])}


def _filled(column: Column) -> list[float]:
    values = [math.log(value) if column.log and not math.isnan(value) else value for value in column.values]
    present = [value for value in values if not math.isnan(value)]
    mean = math.fsum(present) / len(present)
    return [mean if math.isnan(value) else value for value in values]
