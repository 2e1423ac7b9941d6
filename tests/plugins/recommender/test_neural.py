import numpy as np
import pytest
import torch

from pipeline.errors import DataError
from pipeline.testing import run_stage
from plugins.recommender import neural_stages, ranking_stages, stages
from plugins.recommender.models import light_gcn, mult_vae, neural_cf, pairwise, sasrec, slim
from plugins.recommender.types import Feedback

DATA = run_stage(stages.Interactions(n_users=150, n_items=60)).value
SPLIT = run_stage(stages.Split(), data=DATA).value
QUICK = {
    "Bpr": {"epochs": 8, "batch_size": 512},
    "LightGcn": {"epochs": 8, "batch_size": 512},
    "FactorizationMachine": {"epochs": 8, "batch_size": 512},
    "MultVae": {"epochs": 30, "batch_size": 32, "hidden": 64, "latent_dim": 16},
    "NeuralCf": {"epochs": 8, "batch_size": 512, "learning_rate": 1e-2},
    "Sasrec": {"epochs": 3, "length": 12, "width": 16},
}


def fitted(name, seed=0, **changes):
    return run_stage(getattr(neural_stages, name)(**QUICK[name] | changes), seed=seed, split=SPLIT)


def ndcg(model):
    return run_stage(stages.Evaluate(), model=model, split=SPLIT).metrics["ndcg_at_10"]


@pytest.mark.parametrize("name", QUICK)
def test_training_lowers_the_loss_and_keeps_the_best_epoch(name):
    run = fitted(name)

    assert run.curve("loss")[-1] < run.curve("loss")[0]
    users = np.arange(150)
    scores = run.value.scores(users, SPLIT.history[users])
    assert (150, 60) == scores.shape
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", ["Bpr", "MultVae", "Sasrec"])
def test_the_same_seed_gives_the_same_model(name):
    users = np.arange(150)
    one, again, other = (fitted(name, seed, epochs=2).value.scores(users, SPLIT.history[users]) for seed in (0, 0, 1))

    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Bpr", "LightGcn", "FactorizationMachine", "MultVae", "NeuralCf"])
def test_a_trained_model_beats_popularity(name):
    popularity = run_stage(ranking_stages.Popularity(), split=SPLIT).value

    assert ndcg(popularity) < ndcg(fitted(name, epochs=40, patience=40).value)


def test_negatives_are_hardly_ever_items_that_were_taken():
    users, taken, others = next(pairwise.triples(SPLIT.train, 60, 10**6, np.random.default_rng(0)))

    matrix = SPLIT.matrix.toarray()
    assert (matrix[users, taken] == 1).all()
    assert matrix[users, others].mean() < 0.05


def test_light_gcn_without_layers_is_matrix_factorisation_without_biases():
    model = fitted("LightGcn", layers=0).value

    assert not model.item_bias.any()


def test_the_graph_is_normalised_symmetrically():
    graph = light_gcn.normalised(SPLIT.matrix).toarray()

    degree = np.concatenate([np.asarray(SPLIT.matrix.sum(axis=axis)).ravel() for axis in (1, 0)])
    user, item = 3, SPLIT.matrix[3].indices[0]
    assert 1 / np.sqrt(degree[user] * degree[150 + item]) == pytest.approx(graph[user, 150 + item])
    np.testing.assert_array_equal(graph, graph.T)


def test_a_factorisation_machine_scores_cold_items_better_than_chance():
    split = run_stage(stages.Split(by="cold_items", test=0.2), data=DATA).value
    model = run_stage(neural_stages.FactorizationMachine(**QUICK["FactorizationMachine"]), split=split).value
    popularity = run_stage(ranking_stages.Popularity(), split=split).value

    run = run_stage(stages.Evaluate(candidates="cold_items"), model=model, split=split, baseline=popularity)

    assert run.metrics["ndcg_at_10_gain"] > 0
    assert run.metrics["ndcg_at_10_p_value"] < 0.05


def test_the_autoencoder_scores_as_its_network_does_without_noise():
    network = mult_vae.Network(60, 20, 8, 0.0).eval()
    taken = torch.from_numpy(SPLIT.matrix[:10].toarray())

    mean, _ = network.encoder(torch.nn.functional.normalize(taken)).chunk(2, dim=1)
    expected = network.decoder(mean).detach().numpy()

    np.testing.assert_allclose(expected, network.artifact().scores(np.arange(10), SPLIT.matrix[:10]), atol=1e-5)


def test_neural_cf_scores_all_items_as_it_scores_pairs():
    network = neural_cf.Network(5, 7, 8, 4)

    users, items = torch.arange(5).repeat_interleave(7), torch.arange(7).repeat(5)

    torch.testing.assert_close(network(users, items).reshape(5, 7), network.all_items(torch.arange(5)))


def test_sequences_are_in_order_of_time_with_the_last_item_last():
    train = Feedback(np.array([0, 0, 0, 1]), np.array([4, 5, 6, 7]), None, np.array([30, 10, 20, 5]))

    assert [[7, 5], [0, 8], [0, 0]] == sasrec.last_items(train, 3, 2).tolist()


def test_sasrec_predicts_a_cycle():
    users, steps = np.repeat(np.arange(60), 8), np.tile(np.arange(8), 60)
    split = SPLIT.__class__(
        SPLIT.catalogue, Feedback(users, (users + steps) % 10, None, steps), Feedback(users[:0], users[:0]),
        SPLIT.test, SPLIT.given, SPLIT.protocol,
    )  # fmt: skip

    stage = neural_stages.Sasrec(epochs=60, length=8, width=16, batch_size=16, learning_rate=1e-2, dropout=0)
    model = run_stage(stage, split=split).value

    best = model.scores(np.arange(60), split.history[:60]).argmax(axis=1)
    assert np.mean(best == (np.arange(60) + 8) % 10) > 0.9


def test_sasrec_needs_times():
    split = SPLIT.__class__(
        SPLIT.catalogue, Feedback(SPLIT.train.users, SPLIT.train.items), SPLIT.validation, SPLIT.test, SPLIT.given,
        SPLIT.protocol,
    )  # fmt: skip

    with pytest.raises(DataError, match="needs to know what came first"):
        run_stage(neural_stages.Sasrec(), split=split)


def test_slim_satisfies_the_conditions_of_its_optimum():
    rng = np.random.default_rng(0)
    taken = (rng.random((80, 10)) < 0.4).astype(np.float64)
    gram = taken.T @ taken

    weights = slim.weights_of(gram, 2.0, 10.0, 50.0, 2000).astype(np.float64)

    # The gradient is zero where a weight is positive, and points the way in where it is zero.
    gradient = gram @ weights - gram + 10 * weights + 2
    off = ~np.eye(10, dtype=bool)
    assert np.abs(gradient[off & (weights > 1e-6)]).max() < 1e-3
    assert gradient[off & (weights <= 1e-6)].min() > -1e-3
    assert (weights[off] > 0).mean() < 0.9
