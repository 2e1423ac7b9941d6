import numpy as np
import pytest
from scipy import stats

from pipeline.errors import DataError
from pipeline.testing import run_stage
from plugins.recommender import ranking_stages, stages
from plugins.recommender.evaluation.significance import holm, interval, paired

DATA = run_stage(stages.Interactions(n_users=120, n_items=60)).value
SPLIT = run_stage(stages.Split(), data=DATA).value
EASE = run_stage(ranking_stages.Ease(), split=SPLIT).value
POPULARITY = run_stage(ranking_stages.Popularity(), split=SPLIT).value


def evaluated(model=EASE, split=SPLIT, baseline=None, **configuration):
    return run_stage(stages.Evaluate(**configuration), model=model, split=split, baseline=baseline)


def test_every_declared_metric_is_logged():
    stage = stages.Evaluate(cutoffs=(10, 5))

    assert set(stage.emits) <= set(evaluated(cutoffs=(10, 5)).metrics)


def test_slices_protocol_and_pictures_are_logged():
    files = evaluated().files

    assert {"slices.csv", "slices.png", "cutoffs.png", "popularity.png", "protocol.txt"} == set(files)
    assert b"candidates=all, masked=train_and_validation" in files["protocol.txt"]
    assert b"little_active" in files["slices.csv"]


def test_sampled_candidates_are_flagged_and_score_higher():
    run = evaluated(candidates="sampled", negatives=15)

    assert b"not comparable with full ranking" in run.files["protocol.txt"]
    assert run.metrics["ndcg_at_10"] > evaluated().metrics["ndcg_at_10"]


def test_a_baseline_gives_a_paired_difference_with_its_p_value():
    run = evaluated(baseline=POPULARITY)

    gain = evaluated().metrics["ndcg_at_10"] - evaluated(POPULARITY).metrics["ndcg_at_10"]
    assert gain == pytest.approx(run.metrics["ndcg_at_10_gain"])
    assert 0 < run.metrics["ndcg_at_10_p_value"] < 0.05
    assert "against_baseline.csv" in run.files


def test_a_model_is_not_better_than_itself():
    run = evaluated(baseline=EASE)

    assert (0.0, 1.0) == (run.metrics["ndcg_at_10_gain"], run.metrics["ndcg_at_10_p_value"])


def test_rankings_under_one_protocol_stand_in_one_table_best_first():
    rankings = {"popularity": evaluated(POPULARITY).value, "ease": evaluated().value}

    run = run_stage(stages.Compare(), rankings=rankings)

    assert ["ease", "popularity"] == run.value.frame["model"].tolist()
    assert {"leaderboard.csv", "leaderboard.png", "popularity.png", "protocol.txt"} == set(run.files)


@pytest.mark.parametrize(
    ("configuration", "difference"),
    [
        ({"candidates": "sampled"}, "ranking.candidates: all / sampled"),
        ({"masked": "train"}, "ranking.masked: train_and_validation / train"),
        ({"part": "validation"}, "ranking.part: test / validation"),
    ],
)
def test_rankings_under_different_protocols_are_never_put_in_one_table(configuration, difference):
    rankings = {"a": evaluated().value, "b": evaluated(**configuration).value}

    with pytest.raises(DataError, match=f"'a' and 'b' cannot stand in one table.*{difference}"):
        run_stage(stages.Compare(), rankings=rankings)


def test_comparing_by_an_unknown_metric_says_what_was_meant():
    rankings = {"a": evaluated().value, "b": evaluated(POPULARITY).value}

    with pytest.raises(DataError, match=r"not judged by 'ndgc_at_10'. Did you mean 'ndcg_at_10'"):
        run_stage(stages.Compare(metric="ndgc_at_10"), rankings=rankings)


def test_collaborative_models_say_that_they_cannot_score_cold_items():
    split = run_stage(stages.Split(by="cold_items", test=0.2), data=DATA).value
    model = run_stage(ranking_stages.Ease(), split=split).value

    with pytest.raises(DataError, match="cannot score items without a training interaction"):
        evaluated(model, split)


def test_content_scores_cold_items_better_than_chance():
    split = run_stage(stages.Split(by="cold_items", test=0.2), data=DATA).value
    content = run_stage(ranking_stages.Content(), split=split).value
    popularity = run_stage(ranking_stages.Popularity(), split=split).value

    run = evaluated(content, split, popularity, candidates="cold_items")

    assert run.metrics["ndcg_at_10_gain"] > 0
    assert run.metrics["ndcg_at_10_p_value"] < 0.05


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("Ease", 0, "cannot score for users without a history"),
        ("Als", 5, "who were not there when it was fitted"),
    ],
)
def test_models_say_that_they_cannot_score_new_users(name, given, message):
    split = run_stage(stages.Split(by="cold_users", test=0.2, given=given), data=DATA).value
    model = run_stage(getattr(ranking_stages, name)(), split=split).value

    with pytest.raises(DataError, match=message):
        evaluated(model, split)


def test_a_model_of_items_scores_new_users_from_what_they_gave():
    split = run_stage(stages.Split(by="cold_users", test=0.2, given=5), data=DATA).value
    ease, popularity = (run_stage(cls(), split=split).value for cls in (ranking_stages.Ease, ranking_stages.Popularity))

    assert evaluated(ease, split).metrics["ndcg_at_10"] > evaluated(popularity, split).metrics["ndcg_at_10"]


def test_items_of_a_genre_lie_close_together_on_the_map():
    run = run_stage(stages.ItemMap(), model=EASE, split=SPLIT)

    frame = run.value.frame
    x, y = frame["x"].to_numpy(), frame["y"].to_numpy()
    apart = np.hypot(x[:, None] - x, y[:, None] - y)
    same = np.equal.outer(frame["group"].to_numpy(), frame["group"].to_numpy()) & ~np.eye(len(frame), dtype=bool)
    assert {"item_map.csv", "item_map.png"} == set(run.files)
    assert apart[same].mean() < apart[~same].mean()


def test_a_model_that_tells_no_users_apart_has_no_map():
    with pytest.raises(DataError, match="Popularity scores alike for all users"):
        run_stage(stages.ItemMap(), model=POPULARITY, split=SPLIT)


def test_relevance_needs_ratings_and_a_part_to_judge_on():
    with pytest.raises(DataError, match="no relevant interaction to judge on"):
        evaluated(relevance=9.0)


def test_paired_tests_agree_with_scipy():
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((2, 200))

    test = paired(ours + 0.05, theirs)

    assert stats.wilcoxon(ours + 0.05, theirs, method="asymptotic").pvalue == pytest.approx(test.p_wilcoxon)
    assert stats.ttest_rel(ours + 0.05, theirs).pvalue == pytest.approx(test.p_t)


def test_the_bootstrap_interval_is_near_the_normal_one():
    values = np.random.default_rng(0).normal(3.0, 1.0, 2000)

    low, high = interval(values)

    half = 1.96 * values.std() / np.sqrt(2000)
    assert (values.mean() - half, values.mean() + half) == pytest.approx((low, high), abs=0.006)


def test_holms_correction_of_a_published_example():
    # Holm 1979 with p = .01, .04, .03, .005: 4 * .005, 3 * .01, 2 * .03, then no smaller.
    assert [0.03, 0.06, 0.06, 0.02] == pytest.approx(holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist())
