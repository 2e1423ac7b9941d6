"""Published numbers, reproduced through the same stages that a pipeline file uses."""

import os

import pytest

from pipeline.testing import run_stage
from plugins.recommender import ranking_stages, rating_stages, stages

pytestmark = pytest.mark.skipif(
    "PIPELINE_DATA" not in os.environ, reason="set PIPELINE_DATA to a folder with the files"
)


@pytest.fixture(scope="module")
def leave_one_out():
    data = run_stage(stages.Interactions(dataset="movielens-100k-leave-one-out")).value
    return run_stage(stages.Split(by="given"), data=data).value


@pytest.fixture(scope="module")
def ratings():
    return run_stage(stages.Interactions(dataset="movielens-100k")).value


@pytest.mark.parametrize(
    ("model", "ndcg", "recall"),
    [
        (ranking_stages.ItemKnn(k=227, shrinkage=5), "0.06473", "0.12195"),
        (ranking_stages.Rp3beta(k=441, alpha=0, beta=0.48936), "0.06457", "0.12407"),
        (ranking_stages.Ease(l2=200), "0.07337", "0.14104"),
    ],
    ids=["item_knn", "rp3beta", "ease"],
)
def test_the_published_scores_are_met_to_five_digits(leave_one_out, model, ndcg, recall):
    fitted = run_stage(model, split=leave_one_out).value

    metrics = run_stage(stages.Evaluate(masked="train"), model=fitted, split=leave_one_out).metrics

    assert (ndcg, recall) == (f"{metrics['ndcg_at_10']:.5f}", f"{metrics['recall_at_10']:.5f}")


def test_als_is_above_the_published_weighted_matrix_factorisation(leave_one_out):
    fitted = run_stage(ranking_stages.Als(), split=leave_one_out).value

    metrics = run_stage(stages.Evaluate(masked="train"), model=fitted, split=leave_one_out).metrics

    assert metrics["ndcg_at_10"] >= 0.06995
    assert metrics["recall_at_10"] >= 0.13680


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "most"),
    [
        (rating_stages.RatingBaseline(), 0.944),
        (rating_stages.KnnBaseline(), 0.931),
        (rating_stages.BiasedMf(), 0.934),
        (rating_stages.Svdpp(), 0.919),
        (rating_stages.Nmf(), 0.963),
    ],
    ids=lambda value: value.stage_name() if hasattr(value, "stage_name") else str(value),
)
def test_rating_models_are_at_or_below_surprises_table(ratings, model, most):
    folds = run_stage(stages.Folds(), data=ratings).value

    fitted = run_stage(model, folds=folds).value

    assert run_stage(stages.EvaluateRatings(), model=fitted, folds=folds).metrics["rmse"] <= most


def test_biased_factorisation_is_below_9115_on_the_publishers_folds(ratings):
    folds = run_stage(stages.Folds(given=True), data=ratings).value

    fitted = run_stage(rating_stages.BiasedMf(), folds=folds).value

    assert run_stage(stages.EvaluateRatings(), model=fitted, folds=folds).metrics["rmse"] <= 0.9115


def test_ids_names_features_and_folds_of_movielens_are_kept(ratings):
    catalogue = ratings.catalogue

    assert (943, 1682) == catalogue.shape
    assert "Toy Story (1995)" == catalogue.item_names[catalogue.item_ids.get_loc(1)]
    assert "genres=Film-Noir" in catalogue.item_features.names
    assert "occupation=lawyer" in catalogue.user_features.names
    assert 100_000 == len(ratings.feedback)
    assert {0, 1, 2, 3, 4} == set(ratings.parts.tolist())
