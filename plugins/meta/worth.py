"""Was it worth it? Methods against controls on the same tasks, with what each cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import ttest_rel

from pipeline.compare import Test, holm
from pipeline.context import Context
from pipeline.errors import DataError
from plugins.meta import figures
from plugins.meta.episodes import half_interval
from plugins.meta.types import Adaptation, Verdict

CONTROLS = ("pretrained", "scratch", "nearest_neighbour")
SIGNIFICANT = 0.05
EQUAL_COST = 1.1


def compare(adaptations: Mapping[str, Adaptation], context: Context) -> Verdict:
    """Table, figure and verdict; DataError where the tasks differ, or methods or controls are missing."""
    measure = _measure(adaptations)
    errors = {name: 1 - a.scores if measure == "accuracy" else a.scores for name, a in adaptations.items()}
    order = sorted(errors, key=lambda name: errors[name].mean())
    methods = [name for name in order if adaptations[name].method not in CONTROLS]
    controls = [name for name in order if name not in methods]
    if not methods or not controls:
        raise DataError(
            f"a comparison needs a meta-learned method and a control ({', '.join(CONTROLS)}), each judged on the same "
            f"tasks. Given: {', '.join(f'{name} ({a.method})' for name, a in adaptations.items())}."
        )
    best, control = methods[0], controls[0]
    tests = holm([_test(measure, control, name, errors) for name in methods])
    p_of = {test.other: test.p_holm for test in tests}
    rows = [
        {
            "name": name,
            "method": adaptations[name].method,
            "control": name in controls,
            measure: adaptations[name].scores.mean(),
            "ci95": half_interval(adaptations[name].scores),
            "tasks": len(errors[name]),
            "compute": adaptations[name].compute,
            "steps": adaptations[name].steps,
            "gain_percent": _gain(errors[control], errors[name]),
            "p_holm": p_of.get(name),
        }
        for name in order
    ]
    verdict = Verdict(best, control, _gain(errors[control], errors[best]), float(p_of[best] or 0.0))
    context.log({"gain": verdict.gain, "p": verdict.p})
    context.table("worth", rows)
    context.figure("worth", figures.worth(rows, measure))
    context.text("verdict", sentence(verdict, adaptations[best].compute, adaptations[control].compute) + "\n")
    return verdict


def sentence(verdict: Verdict, spent: float, control_spent: float) -> str:
    """The verdict in words."""
    better, sure = verdict.gain > 0, verdict.p < SIGNIFICANT
    words = {
        (True, True): "It was worth it",
        (True, False): "It made no difference that is more than chance",
        (False, False): "It made no difference that is more than chance",
        (False, True): "It was not worth it",
    }[better, sure]
    change = f"{abs(verdict.gain):.1f} % {'less' if better else 'more'}"
    cost = "The control was not trained."
    if control_spent:
        ratio = spent / control_spent
        equal = 1 / EQUAL_COST <= ratio <= EQUAL_COST
        cost = "Both cost the same." if equal else f"Its training cost {ratio:.3g} times as much as the control's."
    test = f"(paired t-test over the tasks, Holm p = {verdict.p:.2g})"
    return f"{words}: {verdict.method} errs {change} than {verdict.control} {test}. {cost}"


def _measure(adaptations: Mapping[str, Adaptation]) -> str:
    kinds = {(a.measure, len(a.scores)) for a in adaptations.values()}
    if len(kinds) != 1:
        raise DataError(
            "only what was judged on the same tasks can be compared. Given: "
            + ", ".join(f"{name} on {len(a.scores)} tasks by {a.measure}" for name, a in adaptations.items())
            + "."
        )
    return kinds.pop()[0]


def _gain(control: np.ndarray, method: np.ndarray) -> float:
    return float(100 * (control.mean() - method.mean()) / max(control.mean(), 1e-12))


def _test(measure: str, control: str, method: str, errors: Mapping[str, np.ndarray]) -> Test:
    ours, theirs = errors[method], errors[control]
    difference = float((ours - theirs).mean())
    p = 1.0 if np.array_equal(ours, theirs) else float(ttest_rel(ours, theirs).pvalue)
    return Test(measure, control, method, len(ours), difference, p)
