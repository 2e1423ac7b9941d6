import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import ndcg_score

from plugins.recommender.evaluation import beyond, metrics
from plugins.recommender.evaluation.lists import Candidates, tie_order, top_k, top_lists
from plugins.recommender.largest import largest
from plugins.recommender.models.linear import DenseWeights


def random_case(seed, levels=1000, n=30, n_items=25):
    """Scores of ``levels`` different values (few of them tie), and which items are relevant."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(levels, size=(n, n_items)).astype(np.float32)
    relevant = rng.random((n, n_items)) < 0.2
    relevant[:, 0] = True
    return scores, relevant


def by_hand(ranked, wanted, k):
    """Textbook definitions, one user at a time, in plain Python."""
    gains = [1.0 if item in wanted else 0.0 for item in ranked[:k]]
    ideal = sum(1 / np.log2(place + 2) for place in range(min(len(wanted), k)))
    precisions = [sum(gains[: place + 1]) / (place + 1) for place in range(len(gains)) if gains[place]]
    return {
        f"ndcg_at_{k}": sum(gain / np.log2(place + 2) for place, gain in enumerate(gains)) / ideal,
        f"recall_at_{k}": sum(gains) / len(wanted),
        f"precision_at_{k}": sum(gains) / k,
        f"map_at_{k}": sum(precisions) / min(len(wanted), k),
        f"mrr_at_{k}": 1 / (gains.index(1.0) + 1) if 1.0 in gains else 0.0,
        f"hit_at_{k}": float(any(gains)),
    }


@pytest.mark.parametrize("levels", [2, 5, 100_000])
@pytest.mark.parametrize("k", [1, 5, 10, 25])
def test_every_metric_agrees_with_its_definition_ties_included(levels, k):
    scores, relevant = random_case(0, levels)
    lists = top_k(scores, 25, tie_order(25), np.arange(30))

    hits = metrics.hits_of(lists, sparse.csr_matrix(relevant))
    actual = metrics.per_user(hits, relevant.sum(axis=1), (k,))

    expected = [by_hand(list(row), set(np.flatnonzero(wanted)), k) for row, wanted in zip(lists, relevant, strict=True)]
    for name, values in actual.items():
        np.testing.assert_allclose([each[name] for each in expected], values, rtol=1e-12)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_ndcg_agrees_with_scikit_learn(k):
    scores, relevant = random_case(1, levels=10**6)
    lists = top_k(scores, k, tie_order(25), np.arange(30))

    actual = metrics.ndcg(metrics.hits_of(lists, sparse.csr_matrix(relevant)), relevant.sum(axis=1), k).mean()

    assert ndcg_score(relevant, scores, k=k, ignore_ties=True) == pytest.approx(actual, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 50, 10**6]), st.integers(1, 300), st.integers(1, 12))
def test_the_largest_are_those_that_sorting_finds(seed, levels, columns, k):
    k = min(k, columns)
    values = np.random.default_rng(seed).integers(levels, size=(5, columns)).astype(np.float32)
    values[0] = -np.inf

    found = np.take_along_axis(values, largest(values, k), axis=1)

    np.testing.assert_array_equal(-np.sort(-values, axis=1)[:, :k], found)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 30))
def test_the_best_items_come_in_falling_order_and_ties_by_the_order_of_items(seed, levels, k):
    rng = np.random.default_rng(seed)
    scores = rng.integers(levels, size=(4, 20)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    order = rng.permutation(20)

    lists = top_k(scores, k, order, np.zeros(4, int))

    for row, found in zip(scores, lists, strict=True):
        ranked = [item for item in np.lexsort((order, -row)) if np.isfinite(row[item])]
        assert ranked[:k] + [-1] * (k - len(ranked[:k])) == found.tolist()


def test_items_that_tie_win_for_equally_many_users():
    lists = top_k(np.zeros((2000, 20), np.float32), 5, tie_order(20), np.arange(2000))

    counts = np.bincount(lists.ravel(), minlength=20)
    assert counts.min() > 0.6 * counts.mean()


def test_what_a_user_has_is_not_recommended_again():
    history = sparse.csr_matrix(np.array([[1, 0, 0], [0, 1, 1]], np.float32))
    model = DenseWeights(np.ones((3, 3), np.float32))

    lists = top_lists(model, np.arange(2), history, Candidates(history, np.ones(3, bool)), 3)

    assert [{1, 2, -1}, {0, -1}] == [set(row) for row in lists.tolist()]


def test_batches_make_no_difference(monkeypatch):
    rng = np.random.default_rng(3)
    history = sparse.csr_matrix((rng.random((50, 30)) < 0.2).astype(np.float32))
    model = DenseWeights(rng.random((30, 30)).astype(np.float32))
    candidates = Candidates(history, np.ones(30, bool))

    whole = top_lists(model, np.arange(50), history, candidates, 5)
    monkeypatch.setattr("plugins.recommender.evaluation.lists.SCORES_PER_BATCH", 90)
    parts = top_lists(model, np.arange(50), history, candidates, 5)

    assert whole.tolist() == parts.tolist()


def test_sampled_candidates_are_the_relevant_items_and_so_many_others():
    rng = np.random.default_rng(0)
    relevant = sparse.csr_matrix(np.eye(10, 50, dtype=np.float32))
    history = sparse.csr_matrix(np.roll(np.eye(10, 50, dtype=np.float32), 1, axis=1))
    model = DenseWeights(rng.random((50, 50)).astype(np.float32))

    lists = top_lists(model, np.arange(10), history, Candidates(history, np.ones(50, bool), 7, relevant), 20)

    assert (8 == (lists >= 0).sum(axis=1)).all()
    assert (lists == np.arange(10)[:, None]).any(axis=1).all()
    assert not (lists == np.arange(1, 11)[:, None]).any()


def test_coverage_gini_and_novelty_have_their_closed_forms():
    lists = np.array([[0, 1], [0, 1], [0, -1]])

    assert 0.5 == beyond.coverage(lists, 4)
    # Shown 0, 0, 2, 3 times: (1*-3*0 ... ) = (1 * 2 + 3 * 3) / (4 * 5).
    assert (1 * 2 + 3 * 3) / 20 == pytest.approx(beyond.gini(lists, 4))
    assert (3 * 1 + 2 * 2) / 5 == pytest.approx(beyond.novelty(lists, np.array([4, 2, 1, 1]), 8))
    assert (3 * 4 + 2 * 2) / 5 == pytest.approx(beyond.average_popularity(lists, np.array([4, 2, 1, 1])))
    assert 2 / 5 == pytest.approx(beyond.tail_share(lists, np.array([4, 2, 1, 1])))


def test_diversity_is_one_less_the_mean_cosine_of_the_pairs_of_a_list():
    rng = np.random.default_rng(0)
    features = (rng.random((12, 6)) < 0.5).astype(np.float32)
    features[0] = 0
    lists = np.array([[0, 1, 2, 3], [4, 5, 6, -1], [7, -1, -1, -1]])

    actual = beyond.diversity(lists, sparse.csr_matrix(features))

    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    cosine = unit @ unit.T
    expected = [np.mean([1 - cosine[a, b] for a in row for b in row if a != b]) for row in ([0, 1, 2, 3], [4, 5, 6])]
    assert np.mean(expected) == pytest.approx(actual)
