import numpy as np
import pytest
from scipy import sparse

from pipeline.context import Context
from pipeline.testing import run_stage
from plugins.recommender import ranking_stages, stages
from plugins.recommender.models import attribute_mapping, ease, hybrid
from plugins.recommender.models.factors import with_one
from plugins.recommender.models.gram import gram
from plugins.recommender.models.linear import DenseWeights
from plugins.recommender.models.similarity import nearest

DATA = run_stage(stages.Interactions(n_users=120, n_items=60)).value
SPLIT = run_stage(stages.Split(), data=DATA).value
BASES = [cls for cls in ranking_stages.STAGES if {"split"} == set(cls.interface().inputs)]


def score(model, split=SPLIT):
    users = np.arange(split.catalogue.shape[0])
    return model.scores(users, split.history[users])


def ndcg(model, split=SPLIT, **configuration):
    return run_stage(stages.Evaluate(**configuration), model=model, split=split).metrics["ndcg_at_10"]


@pytest.mark.parametrize("cls", BASES, ids=lambda cls: cls.stage_name())
def test_a_model_scores_every_item_for_a_batch_of_users_and_does_so_again(cls):
    model = run_stage(cls(), split=SPLIT).value
    again = run_stage(cls(), split=SPLIT).value

    scores = score(model)

    assert (120, 60) == scores.shape
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, score(again))


@pytest.mark.parametrize("name", ["ItemKnn", "UserKnn", "Rp3beta", "Ease", "Als"])
def test_a_model_of_who_took_what_beats_popularity(name):
    popularity = run_stage(ranking_stages.Popularity(), split=SPLIT).value

    assert ndcg(popularity) < ndcg(run_stage(getattr(ranking_stages, name)(), split=SPLIT).value)


def test_ease_is_the_best_linear_model_with_a_zero_diagonal():
    rng = np.random.default_rng(0)
    taken = (rng.random((200, 12)) < 0.3).astype(np.float64)

    weights = ease.weights_of((taken.T @ taken).astype(np.float32), 5.0)

    # Each column is a ridge regression of an item on all the others.
    for item in range(12):
        others = np.delete(np.arange(12), item)
        x = taken[:, others]
        expected = np.linalg.solve(x.T @ x + 5 * np.eye(11), x.T @ taken[:, item])
        np.testing.assert_allclose(expected, weights[others, item], rtol=1e-3, atol=1e-4)
    assert not np.diag(weights).any()


@pytest.mark.parametrize("density", [0.01, 0.1, 0.9])
def test_products_of_columns_are_exact_for_rows_of_any_length(density):
    rng = np.random.default_rng(0)
    matrix = sparse.random(300, 600, density, "csr", np.float32, rng, data_rvs=lambda n: np.ones(n, np.float32))

    np.testing.assert_array_equal((matrix.T @ matrix).toarray(), gram(matrix))


@pytest.mark.parametrize("density", [0.02, 0.5])
def test_dense_weights_score_histories_of_any_density_and_values(density):
    rng = np.random.default_rng(0)
    history = sparse.random(40, 700, density, "csr", np.float32, rng)
    model = DenseWeights(rng.standard_normal((700, 700), dtype=np.float32))

    np.testing.assert_allclose(history @ model.weights, model.scores(np.arange(40), history), rtol=1e-4, atol=1e-4)


def similarity_by_hand(x, y, kind, shrinkage, n):
    shared = float((x * y).sum())
    if kind == "cosine":
        return shared / (np.linalg.norm(x) * np.linalg.norm(y) + shrinkage + 1e-6)
    if kind == "jaccard":
        return shared / (x.sum() + y.sum() - shared + shrinkage + 1e-6)
    return np.corrcoef(x, y)[0, 1] * shared / (shared + shrinkage)


@pytest.mark.parametrize("kind", ["cosine", "jaccard", "pearson"])
def test_similarities_agree_with_their_definitions(kind):
    rng = np.random.default_rng(0)
    taken = (rng.random((40, 8)) < 0.4).astype(np.float32)

    actual = nearest(sparse.csr_matrix(taken), kind, 8, 3.0).toarray()

    for i in range(8):
        for j in range(8):
            expected = 0.0 if i == j else similarity_by_hand(taken[:, i], taken[:, j], kind, 3.0, 40)
            assert max(expected, 0) == pytest.approx(actual[i, j], abs=1e-5)


def test_tfidf_neighbours_agree_with_the_library_implicit():
    from implicit.nearest_neighbours import TFIDFRecommender

    reference = TFIDFRecommender(K=60, num_threads=1)
    reference.fit(SPLIT.matrix, show_progress=False)
    ours = nearest(SPLIT.matrix, "tfidf", 60, 0.0).toarray()
    theirs = reference.similarity.toarray()
    np.fill_diagonal(theirs, 0)

    # Their idf is log(n) - log(1 + df), ours the same with their rows and columns.
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99


def test_only_the_nearest_neighbours_are_kept():
    weights = nearest(SPLIT.matrix, "cosine", 5, 0.0)

    assert 5 >= np.diff(weights.tocsc().indptr).max()


def test_blocks_make_no_difference(monkeypatch):
    whole = nearest(SPLIT.matrix, "bm25", 7, 0.0)
    monkeypatch.setattr("plugins.recommender.models.similarity._VALUES_PER_BLOCK", 100)

    np.testing.assert_allclose(whole.toarray(), nearest(SPLIT.matrix, "bm25", 7, 0.0).toarray(), rtol=1e-6)


def test_a_map_from_features_finds_the_vectors_that_features_explain():
    rng = np.random.default_rng(0)
    features = sparse.csr_matrix(rng.random((100, 5)).astype(np.float32))
    vectors = features @ rng.normal(size=(5, 3)) + 1.5

    weights = attribute_mapping.learnt_map(features[:80], vectors[:80], 1e-6)

    np.testing.assert_allclose(vectors[80:], with_one(features[80:]) @ weights, atol=1e-3)


def test_a_weighted_hybrid_of_one_model_ranks_as_the_model_does():
    model = run_stage(ranking_stages.Ease(), split=SPLIT).value
    mixed = run_stage(ranking_stages.Weighted(), models={"ease": model}).value

    assert ndcg(model) == pytest.approx(ndcg(mixed))


def test_a_switching_hybrid_uses_its_fallback_for_cold_items_and_short_histories():
    split = run_stage(stages.Split(by="cold_items", test=0.2), data=DATA).value
    main = run_stage(ranking_stages.Ease(), split=split).value
    fallback = run_stage(ranking_stages.Content(), split=split).value
    switched = run_stage(ranking_stages.Switching(minimum_history=12), main=main, fallback=fallback, split=split).value

    scores, cold = score(switched, split), switched.cold
    few = np.diff(split.history.indptr) < 12
    of_main, of_fallback = (hybrid.standardised(score(model, split)) for model in (main, fallback))
    np.testing.assert_array_equal(of_fallback[:, cold], scores[:, cold])
    np.testing.assert_array_equal(of_fallback[few], scores[few])
    np.testing.assert_array_equal(of_main[~few][:, ~cold], scores[~few][:, ~cold])
    assert switched.scores_cold_items


def test_content_names_the_features_that_speak_for_an_item():
    model = run_stage(ranking_stages.Content(), split=SPLIT).value

    shared = model.shared_features(SPLIT.history[0], int(np.argmax(score(model)[0])), 3)

    assert shared
    assert set(shared) <= set(DATA.catalogue.item_features.names)


def test_a_model_runs_outside_a_pipeline_too():
    assert ranking_stages.Als(factors=4).run(SPLIT, Context("als", seed=1)).item_factors.shape == (60, 4)
