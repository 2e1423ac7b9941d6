from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.errors import DataError
from pipeline.testing import run_stage
from pipeline.types import Images, Split
from plugins.vae.evaluation.bound import elbo_parts
from plugins.vae.fit_stages import Fit
from plugins.vae.stages import Evaluate, Generate


@pytest.fixture(scope="module")
def model(digits):
    return run_stage(Fit(latent_dim=4, hidden=(32,), epochs=15, batch_size=16, learning_rate=5e-3), images=digits).value


def test_the_bound_and_its_parts_are_logged_and_kept_for_each_picture(digits, model):
    run = run_stage(Evaluate(), model=model, images=digits)

    assert set(Evaluate.emits) == set(run.metrics)
    assert run.metrics["elbo"] == pytest.approx(run.metrics["reconstruction"] - run.metrics["kl"])
    assert run.metrics["elbo"] == pytest.approx(run.value.elbo.mean(), rel=1e-5)
    assert (len(digits.test), 4) == run.value.kl.shape
    assert {"reconstructions.png", "kl_per_dimension.png", "codes.png", "diagnosis.md", "finding.txt"} == set(run.files)


def test_an_evaluation_repeats_exactly(digits, model):
    first, again = (run_stage(Evaluate(), seed=seed, model=model, images=digits) for seed in (0, 1))

    assert not Evaluate.seeded
    assert first.metrics == again.metrics
    assert np.array_equal(first.value.kl, again.value.kl)


def test_more_draws_come_closer_to_the_expectation(digits, model):
    network = model.module()
    pixels = torch.from_numpy(digits.test.scaled())
    truth = elbo_parts(network, pixels, 400, seed=99)[0]

    few, many = ((elbo_parts(network, pixels, draws, seed=0)[0] - truth).abs().mean() for draws in (1, 64))

    assert many < few / 4


def test_the_bound_lies_below_the_importance_weighted_likelihood(digits, model):
    from plugins.vae import gaussian

    network, generator = model.module(), torch.Generator().manual_seed(0)
    pixels = torch.from_numpy(digits.test.scaled()[:50])
    with torch.inference_mode():
        posterior = network.encode(pixels)
        weights = []
        for _ in range(500):
            z = gaussian.sample(*posterior, generator)
            prior = gaussian.log_density(z, torch.zeros_like(z), torch.zeros_like(z)).sum(1)
            likelihood = network.likelihood.log_prob(pixels, network.decoder(z))
            weights.append(likelihood + prior - gaussian.log_density(z, *posterior).sum(1))
        likelihood = torch.stack(weights).logsumexp(0) - np.log(500)

    reconstruction, kl = elbo_parts(network, pixels, 100, seed=1)

    elbo = (reconstruction - kl.sum(1)).mean().item()
    assert elbo == pytest.approx(torch.stack(weights).mean().item(), abs=0.1)
    assert elbo < likelihood.mean().item()


def test_a_fitted_model_beats_one_with_fresh_weights(digits, model):
    fresh = replace(model, state=model.build().state_dict())

    fitted, untrained = (run_stage(Evaluate(), model=m, images=digits).metrics["elbo"] for m in (model, fresh))

    assert fitted > untrained + 5


def test_one_test_picture_without_a_label_can_be_evaluated_and_shown(digits, model):
    lone = Images(digits.test.pixels[:1])
    images = Split(digits.train, digits.validation, lone)

    evaluated = run_stage(Evaluate(), model=model, images=images)
    generated = run_stage(Generate(count=1), model=model, images=images)

    assert (1,) == evaluated.value.elbo.shape
    assert {"samples.png", "interpolation.png", "traversal.png"} == set(generated.files)


@pytest.mark.parametrize("stage", [Evaluate(), Generate()])
def test_pictures_of_another_shape_than_the_model_knows_are_refused(digits, model, stage):
    wide = Images(np.zeros((4, 1, 8, 9), np.uint8))

    expected = "pictures of 8x9 pixels and 1 channel do not fit a model of pictures of 8x8 pixels and 1 channel"
    with pytest.raises(DataError, match=expected):
        run_stage(stage, model=model, images=Split(wide, wide, wide))


def test_the_model_predicts_reconstructions(digits, model):
    pixels = digits.test.scaled()

    reconstructions = model.predict(pixels)

    assert pixels.shape == reconstructions.shape
    assert np.square(reconstructions - pixels).mean() < np.square(pixels.mean(0) - pixels).mean()
