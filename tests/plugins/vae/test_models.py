"""What every model satisfies, whatever its paper."""

from copy import deepcopy
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
import torch

from pipeline.context import Context
from pipeline.errors import DataError
from pipeline.store import Store
from pipeline.testing import run_stage
from pipeline.types import Images, Split
from plugins.vae import bounds, gaussian
from plugins.vae.evaluation.bound import elbo_parts, importance_weighted
from plugins.vae.fit_stages import STAGES, VQ, Conditional, Fit, VampPrior
from plugins.vae.models import MODELS
from plugins.vae.pixels import inputs

every_model = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.stage_name())
KEY = "0123456789abcdef" * 4
QUICK = {"latent_dim": 4, "hidden": (32,), "batch_size": 16, "epochs": 5, "learning_rate": 5e-3}


@pytest.fixture(scope="module")
def fitted(digits):
    """Each model after a few epochs, fitted when it is first asked for."""
    models = {}

    def fit(stage):
        if stage not in models:
            models[stage] = run_stage(stage(**QUICK), images=digits)
        return models[stage]

    return fit


def network_and_pictures(run, images, n=20):
    network = run.value.module()
    x, given = inputs(images.test.take(np.arange(n)), run.value, torch.device("cpu"))
    return network, x, given


def test_there_is_one_stage_for_each_model():
    assert sorted(MODELS) == sorted(stage.model for stage in STAGES)


@every_model
def test_training_raises_the_bound(fitted, stage):
    run = fitted(stage)

    assert run.curve("train_elbo")[-1] > run.curve("train_elbo")[0] + 2
    assert run.metrics["elbo"] == pytest.approx(run.metrics["reconstruction"] - run.metrics["kl"])
    assert np.isfinite(run.curve("elbo")).all()


@every_model
def test_the_mean_log_weight_is_the_bound(digits, fitted, stage):
    network, x, given = network_and_pictures(fitted(stage), digits)

    reconstruction, kl = elbo_parts(network, x, 400, seed=0, given=given)
    with torch.inference_mode():
        log_weights = network.log_weights(x, 400, torch.Generator().manual_seed(1), given)

    difference = log_weights.mean(0) - bounds.elbo(reconstruction, kl)
    error = log_weights.std(0) * (2 / 400) ** 0.5 + 1e-4
    assert torch.all(difference.abs() < 5 * error)


@every_model
def test_the_likelihood_rises_with_the_number_of_samples_and_from_the_bound(digits, fitted, stage):
    network, x, given = network_and_pictures(fitted(stage), digits)
    with torch.inference_mode():
        log_weights = network.log_weights(x, 1024, torch.Generator().manual_seed(1), given).double()

    curve = [bounds.importance_weighted_at(log_weights, 4**power).mean().item() for power in range(6)]

    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(curve))


@every_model
def test_the_likelihoods_of_all_pictures_add_up_to_one(stage):
    every = np.array(list(product([0, 255], repeat=4)), np.uint8).reshape(16, 1, 2, 2)
    images = Images(every, np.arange(16) % 2, ("even", "odd"))
    run = run_stage(stage(latent_dim=2, hidden=(8,), epochs=20), images=Split(images, images, images))
    network, x = run.value.module(), torch.from_numpy(images.scaled())
    given = torch.eye(2)[torch.zeros(16, dtype=torch.long)] if run.value.conditional else None

    total = importance_weighted(network, x, 4000, 0, given).log_likelihood.exp().sum().item()

    if stage.model == "vq":  # certain of its code, it misses what other codes would say of the same picture
        assert 0 < total <= 1
    else:
        assert total == pytest.approx(1, abs=0.02)


@every_model
def test_codes_are_drawn_decoded_and_found_again_in_the_right_shapes(digits, fitted, stage):
    network, x, given = network_and_pictures(fitted(stage), digits)
    with torch.inference_mode():
        z = network.draw(len(x), torch.Generator().manual_seed(0))
        pictures, units = network.decode(z, given), network.units(x, given)

        assert x.shape == pictures.shape == network(x, given).shape
        assert z.shape == network.represent(x, given).shape
        assert (len(x), 3) == (len(units), units.ndim)
    assert 0 <= pictures.min() < pictures.max() <= 1


@pytest.mark.parametrize("stage", [Fit, VampPrior])
def test_codes_are_drawn_from_the_density_that_the_prior_is_said_to_have(fitted, stage):
    network = fitted(stage).value.module()
    with torch.inference_mode():
        z = network.draw(50_000, torch.Generator().manual_seed(0))
        narrow = z.mean(0).expand_as(z), 2 * z.std(0).log().expand_as(z) - 0.5

        ratio = (gaussian.log_density(z, *narrow).sum(1) - network.log_prior(z)).exp()

    assert abs(ratio.mean() - 1) < 5 * ratio.std() / len(z) ** 0.5


def test_entries_of_a_codebook_are_drawn_as_often_as_their_prior_says(digits):
    settings = {**QUICK, "latent_dim": 2, "codes": 3, "code_dim": 2}
    network = run_stage(VQ(**settings), images=digits).value.module()
    every = torch.tensor(list(product(range(3), repeat=2)))
    with torch.inference_mode():
        expected = network.log_prior_of(every).sum(1).exp()
        drawn = network.nearest(network.draw(20_000, torch.Generator().manual_seed(0)).unflatten(1, (2, 2)))

    shares = torch.bincount(3 * drawn[:, 0] + drawn[:, 1], minlength=9) / 20_000
    assert expected.sum().item() == pytest.approx(1, abs=1e-5)
    assert torch.allclose(expected, shares, atol=0.015)


@every_model
@pytest.mark.parametrize(
    ("architecture", "shape"), [("mlp", (3, 9, 7)), ("convolutional", (3, 9, 7)), ("convolutional", (1, 5, 32))]
)
def test_pictures_of_any_shape_are_fitted(stage, architecture, shape):
    pixels = np.random.default_rng(0).random((12, *shape), dtype=np.float32)
    images = Images(pixels, np.arange(12) % 3, ("a", "b", "c"))

    model = run_stage(
        stage(latent_dim=2, architecture=architecture, hidden=(4, 6), epochs=1, batch_size=5),
        images=Split(images, images, images),
    ).value

    x, given = inputs(images, model, torch.device("cpu"))
    assert (12, *shape) == model.module()(x, given).shape


@every_model
@pytest.mark.parametrize("likelihood", ["gaussian", "categorical"])
def test_every_likelihood_is_trained(digits, stage, likelihood):
    run = run_stage(stage(**{**QUICK, "epochs": 2}, likelihood=likelihood), images=digits)

    assert run.curve("train_elbo")[-1] > run.curve("train_elbo")[0]


class Memory:
    """Checkpoints by step, as another process would read them: copies."""

    def __init__(self, state=None, step=0):
        self.kept = {step: state} if state else {}

    def save(self, state, step):
        self.kept[step] = deepcopy(state)

    def load(self):
        return (self.kept[max(self.kept)], max(self.kept)) if self.kept else None


@every_model
def test_training_resumed_ends_in_the_same_weights_bit_for_bit(digits, stage):
    memory, configured = Memory(), stage(**{**QUICK, "epochs": 2})
    expected = configured.run(digits, Context(seed=1, checkpoints=memory)).state

    resumed = configured.run(digits, Context(seed=1, checkpoints=Memory(memory.kept[1], 1))).state

    assert expected.keys() == resumed.keys()
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)


@every_model
def test_a_stored_model_is_the_same_model(digits, fitted, stage, tmp_path):
    model = fitted(stage).value
    store = Store.open(tmp_path)
    store.put(KEY, model, uses="vae.fit", stage="model", seconds=0, records=[], parts={})

    loaded = store.load(store.get(KEY))

    assert replace(model, state={}) == replace(loaded, state={})
    x, given = inputs(digits.test, model, torch.device("cpu"))
    assert torch.equal(model.module()(x, given), loaded.module()(x, given))


@every_model
def test_training_in_bfloat16_comes_as_far(digits, fitted, stage):
    run = run_stage(stage(**QUICK, precision="bfloat16"), images=digits)

    assert run.metrics["elbo"] == pytest.approx(fitted(stage).metrics["elbo"], abs=2)


def test_a_conditional_model_tells_classes_by_their_bounds(digits):
    model = run_stage(Conditional(**{**QUICK, "epochs": 25}, likelihood="gaussian"), images=digits).value
    network, x = model.module(), torch.from_numpy(digits.test.scaled())

    with torch.inference_mode():
        told = network.log_class_bounds(x, torch.Generator().manual_seed(0)).argmax(1)

    assert (told.numpy() == digits.test.labels).mean() > 0.7


def test_a_conditional_model_asks_for_the_classes_that_it_knows(digits, fitted):
    unlabelled = Images(digits.test.pixels)
    renamed = replace(digits.test, classes=tuple("abcdefghij"))
    model = fitted(Conditional).value

    with pytest.raises(DataError, match="needs the class of each picture, but these pictures have no labels"):
        inputs(unlabelled, model, torch.device("cpu"))
    with pytest.raises(DataError, match=r"knows the classes 0, 1, .* but the pictures have a, b"):
        inputs(renamed, model, torch.device("cpu"))


def test_free_bits_keep_units_in_use_where_a_high_weight_would_not(digits):
    pressed, free = (
        run_stage(Fit(**{**QUICK, "epochs": 10}, beta=20, free_bits=bits), images=digits).metrics["kl"]
        for bits in (0.0, 0.5)
    )

    assert pressed < 0.1 < 0.3 < free


def test_the_weight_of_the_divergence_grows_over_the_warm_up(digits, fitted):
    network = run_stage(Fit(**{**QUICK, "epochs": 1}, beta=2, warmup_epochs=4), images=digits).value.build()

    weights = []
    for epoch in (1, 2, 4, 5, 100):
        network.at_epoch(epoch)
        weights.append(network.weight)

    assert [0.5, 1.0, 2.0, 2.0, 2.0] == weights
