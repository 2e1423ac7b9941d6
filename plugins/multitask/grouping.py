"""Which tasks to train together: the partition with the largest affinity (Fifty et al., NeurIPS 2021)."""

from __future__ import annotations

from functools import cache

import numpy as np

from pipeline.context import Context
from pipeline.errors import DataError
from plugins.multitask import figures
from plugins.multitask.training import check_same
from plugins.multitask.types import Grouping, MultiTaskModel, TaskSet

MOST_TASKS = 14


def group(model: MultiTaskModel, tasks: TaskSet, groups: int, context: Context) -> Grouping:
    """The best grouping, logged and drawn."""
    check_same(model, tasks)
    if model.interactions is None:
        raise DataError("the model has several networks: grouping needs one that learnt all tasks together.")
    mean = model.interactions.affinity.mean(0)
    found = best_grouping(mean, groups)
    context.log({"score": found.score, "groups": len(found.groups)})
    context.text("groups", "\n".join(" + ".join(tasks.tasks[t] for t in members) for members in found.groups) + "\n")
    context.figure("groups", figures.grouping(mean, tasks.tasks, found))
    return found


def best_grouping(affinity: np.ndarray, groups: int) -> Grouping:
    """At most ``groups`` groups, the sum over tasks of the mean affinity of their partners onto them being largest.

    affinity: (tasks, tasks) of the row's task onto the column's. A task alone counts 0, so that tasks come together
    only where this helps. Exact, by dynamic programming over sets of tasks.
    """
    count = len(affinity)
    if count > MOST_TASKS:
        raise DataError(f"{count} tasks have too many groupings to compare. Group at most {MOST_TASKS}.")
    onto = affinity * (1 - np.eye(count))

    @cache
    def score(members: int) -> float:
        inside = [task for task in range(count) if members >> task & 1]
        return float(onto[np.ix_(inside, inside)].sum()) / (len(inside) - 1) if len(inside) > 1 else 0.0

    @cache
    def best(remaining: int, left: int) -> tuple[float, tuple[int, ...]]:
        if remaining == 0:
            return 0.0, ()
        if left == 1:
            return score(remaining), (remaining,)
        # The first remaining task is in some group: try each set of companions.
        first = remaining & -remaining
        others = companions = remaining ^ first
        found = (-np.inf, ())
        while True:
            group = first | companions
            rest, chosen = best(remaining ^ group, left - 1)
            if (total := score(group) + rest) > found[0]:
                found = (total, (group, *chosen))
            if companions == 0:
                return found
            companions = (companions - 1) & others

    total, chosen = best((1 << count) - 1, min(groups, count))
    return Grouping(tuple(tuple(t for t in range(count) if group >> t & 1) for group in chosen), total)
