"""The comparison of runs, against scipy and worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from pipeline.compare import Comparison, Group, Judged, Statistics, compare, figure, grouped, holm, paired
from pipeline.compare import Test as PairedTest
from pipeline.describe import comparison_markdown

SCORES = {
    "ease": [0.330, 0.312, 0.341, 0.325, 0.318],
    "als": [0.315, 0.309, 0.322, 0.311, 0.316],
    "knn": [0.281, 0.264, 0.290, 0.268, 0.275],
}


def runs_of(scores: dict[str, list[float]], metric: str = "quality/ndcg") -> list[Judged]:
    return [
        Judged({"model": name}, seed, {metric: value})
        for name, values in scores.items()
        for seed, value in enumerate(values)
    ]


def comparison_of(scores: dict[str, list[float]], direction: str = "max") -> Comparison:
    return compare(runs_of(scores), {"quality/ndcg": direction})


def group(comparison: Comparison, name: str) -> Group:
    return next(group for group in comparison.groups if group.name == name)


@pytest.mark.parametrize("n", [2, 3, 10, 200])
def test_mean_deviation_and_interval_equal_scipys(n):
    values = np.random.default_rng(n).normal(3, 2, n)

    actual = Statistics.of(values.tolist())

    low, high = stats.t.interval(0.95, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert n == actual.n
    assert actual.mean == pytest.approx(values.mean(), rel=1e-12)
    assert actual.std == pytest.approx(values.std(ddof=1), rel=1e-12)
    assert actual.ci95 == pytest.approx((low, high), rel=1e-9)


def test_one_run_tells_no_deviation_and_no_interval():
    assert Statistics.of([0.5]) == Statistics(1, 0.5, None, None)


@pytest.mark.parametrize("strange", [math.nan, math.inf])
def test_a_metric_that_is_not_finite_has_no_interval(strange):
    actual = Statistics.of([1.0, strange])

    assert actual.std is None
    assert actual.ci95 is None


def test_runs_that_differ_in_nothing_but_their_seed_are_one_group():
    runs = [
        Judged({"model": m}, s, {"q/x": 1.0}, {"model.size": size}) for s in (0, 1) for m, size in (("a", 1), ("b", 2))
    ]

    names = [(group.name, len(group.runs)) for group in grouped(runs)]

    assert [("a", 2), ("b", 2)] == names


def test_runs_with_other_parameters_are_groups_of_their_own():
    runs = [Judged({}, 0, {"q/x": 1.0}, {"model.size": size}) for size in (1, 2, 1)]

    assert [2, 1] == [len(group.runs) for group in grouped(runs)]


def test_a_metric_that_some_runs_lack_counts_those_that_have_it():
    runs = [Judged({}, 0, {"q/x": 1.0}), Judged({}, 1, {"q/x": 3.0, "q/y": 5.0})]

    metrics = grouped(runs)[0].metrics

    assert (2, 2.0) == (metrics["q/x"].n, metrics["q/x"].mean)
    assert (1, 5.0) == (metrics["q/y"].n, metrics["q/y"].mean)


@pytest.mark.parametrize(("direction", "best"), [("max", "ease"), ("min", "knn")])
def test_the_best_is_the_one_at_the_better_end(direction, best):
    assert {"quality/ndcg": best} == dict(comparison_of(SCORES, direction).best)


def test_a_group_whose_metric_is_not_a_number_is_never_the_best():
    scores = {"good": [0.1, 0.2], "broken": [math.nan, math.nan]}

    assert {"quality/ndcg": "good"} == dict(comparison_of(scores).best)


def test_one_group_alone_is_not_called_the_best():
    actual = comparison_of({"ease": SCORES["ease"]})

    assert ({}, ()) == (dict(actual.best), actual.tests)


def test_paired_p_values_equal_scipys_ttest_rel():
    actual = {test.other: test for test in comparison_of(SCORES).tests}

    for other in ("als", "knn"):
        expected = stats.ttest_rel(SCORES["ease"], SCORES[other]).pvalue
        assert actual[other].p == pytest.approx(expected, rel=1e-9)
        assert actual[other].difference == pytest.approx(np.subtract(SCORES["ease"], SCORES[other]).mean(), rel=1e-9)


def test_only_common_seeds_are_paired():
    ease = [Judged({"model": "ease"}, seed, {"q/x": value}) for seed, value in enumerate([5.0, 6.0, 8.0, 9.0])]
    als = [Judged({"model": "als"}, seed, {"q/x": value}) for seed, value in [(1, 5.5), (2, 7.0), (3, 8.9), (7, 1.0)]]

    test = compare([*ease, *als], {"q/x": "max"}).tests[0]

    assert test.n == 3
    assert test.p == pytest.approx(stats.ttest_rel([6.0, 8.0, 9.0], [5.5, 7.0, 8.9]).pvalue, rel=1e-9)


@pytest.mark.parametrize(
    ("ours", "theirs", "p"),
    [([1.0, 2.0], [1.0, 2.0], 1.0), ([2.0, 3.0], [1.0, 2.0], 0.0), ([2.0], [1.0], None)],
    ids=["equal", "the same difference each time", "one pair"],
)
def test_pairs_that_need_no_test_have_their_obvious_p_value(ours, theirs, p):
    first, second = grouped(runs_of({"a": ours, "b": theirs}))

    assert p == paired("quality/ndcg", first, second).p


def test_groups_without_a_common_seed_have_no_p_value():
    first, second = grouped([Judged({"m": "a"}, 0, {"q/x": 1.0}), Judged({"m": "b"}, 1, {"q/x": 2.0})])

    test = paired("q/x", first, second)

    assert (0, None) == (test.n, test.p)
    assert math.isnan(test.difference)


def with_p_values(p_values: list[float | None]) -> list[PairedTest]:
    return [PairedTest("q/x", "best", f"other {i}", 5, 0.1, p) for i, p in enumerate(p_values)]


def test_holms_correction_worked_by_hand():
    # Sorted: .005 .01 .03 .04 -> times 4, 3, 2, 1: .02 .03 .06 .04 -> never falling: .02 .03 .06 .06
    corrected = [test.p_holm for test in holm(with_p_values([0.01, 0.04, 0.03, 0.005]))]

    assert corrected == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_a_corrected_p_value_is_at_most_one():
    assert [1.0, 1.0] == [test.p_holm for test in holm(with_p_values([0.9, 0.6]))]


def test_a_test_without_a_p_value_does_not_count_in_the_correction():
    assert [0.04, None] == [test.p_holm for test in holm(with_p_values([0.04, None]))]


def test_the_table_has_a_row_for_each_group_and_metric():
    rows = {row["variant"]: row for row in comparison_of(SCORES).rows()}

    assert list(SCORES) == list(rows)
    assert [True, False, False] == [row["best"] for row in rows.values()]
    assert rows["ease"]["p_holm"] is None
    assert 0 < rows["knn"]["p_holm"] < 0.05
    assert rows["als"]["ci95_low"] < rows["als"]["mean"] < rows["als"]["ci95_high"]


def test_the_picture_shows_every_run_and_marks_the_best():
    drawing = figure(comparison_of(SCORES))

    (axis,) = drawing.axes
    dots = [line.get_xdata() for line in axis.lines if line.get_marker() == "o"]
    assert list(SCORES.values()) == [list(map(float, dot)) for dot in dots]
    assert ["ease", "als", "knn"] == [label.get_text() for label in axis.get_yticklabels()]
    assert "tab:blue" == axis.lines[0].get_color()


@pytest.mark.parametrize(
    ("scores", "title"), [(SCORES, "mean and 95 % interval over seeds; dots are runs"), ({"a": [1.0]}, "one run each")]
)
def test_the_picture_speaks_of_seeds_where_there_are_several(scores, title):
    assert title == figure(comparison_of(scores)).axes[0].get_title(loc="left")


def test_the_picture_leaves_out_metrics_that_nothing_has():
    drawing = figure(compare(runs_of(SCORES), {"quality/ndcg": "max", "quality/recall": "max"}))

    assert len(drawing.axes) == 1


def test_the_description_says_in_words_whether_the_best_is_better():
    told = comparison_markdown(comparison_of({**SCORES, "twin": [0.330, 0.311, 0.340, 0.326, 0.317]}))

    assert "- quality/ndcg: knn differs from the best, ease, at 5 % (difference +0.0496 over 5 paired seeds" in told
    assert "- quality/ndcg: twin does not differ from the best, ease, at 5 %" in told
