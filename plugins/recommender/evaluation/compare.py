"""What `recommender.compare` does: models side by side under one protocol, each tested against the best."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.context import Context
from pipeline.errors import DataError, closest, listing
from pipeline.types import Table
from plugins.recommender import figures
from plugins.recommender.evaluation.significance import holm, interval, paired
from plugins.recommender.types import Ranking

if TYPE_CHECKING:
    from plugins.recommender import stages


def compare(stage: stages.Compare, rankings: dict[str, Ranking], context: Context) -> Table:
    """The leaderboard; DataError where the rankings do not mean the same or have not been judged by the metric."""
    if len(rankings) < 2:
        raise DataError("'recommender.compare' needs at least two rankings. Wire them: inputs: {rankings: [a, b]}.")
    _demand_one_protocol(rankings)
    first = next(iter(rankings.values()))
    if stage.metric not in first.per_user:
        meant = closest(stage.metric, first.per_user)
        hint = f"Did you mean {meant!r}?" if meant else f"There are {listing(first.per_user)}."
        raise DataError(f"the rankings were not judged by {stage.metric!r}. {hint}")
    frame = leaderboard(rankings, stage.metric)
    context.table("leaderboard", frame)
    context.text("protocol", first.protocol.describe())
    context.figure("leaderboard", figures.leaderboard(frame, stage.metric, first.protocol.digest))
    context.figure("popularity", figures.accuracy_by_popularity(rankings, stage.metric))
    return Table(frame)


def leaderboard(rankings: dict[str, Ranking], metric: str) -> pd.DataFrame:
    """One row for each model, best first: mean and bootstrap interval, difference to the best with its p-values."""
    values = {name: ranking.per_user[metric] for name, ranking in rankings.items()}
    order = sorted(values, key=lambda name: -values[name].mean())
    best = values[order[0]]
    tests = [paired(best, values[name]) for name in order[1:]]
    corrected = holm(np.array([test.p_wilcoxon for test in tests]))
    rows = []
    for place, name in enumerate(order):
        low, high = interval(values[name])
        row = {"model": name, metric: values[name].mean(), "ci95_low": low, "ci95_high": high}
        if place:
            test = tests[place - 1]
            row |= {"behind_best": test.difference, "behind_low": test.low, "behind_high": test.high,
                    "p_wilcoxon": test.p_wilcoxon, "p_holm": corrected[place - 1], "p_t": test.p_t}  # fmt: skip
        rows.append(row | {k: v for k, v in rankings[name].metrics.items() if k != metric})
    return pd.DataFrame(rows)


def _demand_one_protocol(rankings: dict[str, Ranking]) -> None:
    for (one, ours), (other, theirs) in pairwise(rankings.items()):
        if ours.protocol.digest != theirs.protocol.digest:
            differences = "; ".join(ours.protocol.differences(theirs.protocol))
            raise DataError(
                f"{one!r} and {other!r} cannot stand in one table: their protocols differ ({differences}). "
                "Judge both on the same split in the same way."
            )
