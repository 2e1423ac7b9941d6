import math

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal

from plugins.vae import likelihoods

OUTPUT = torch.linspace(-3, 3, 24).reshape(2, 3, 2, 2)


def test_bernoulli_is_that_of_torch_distributions_on_black_and_white():
    pixels = (torch.arange(24) % 3 == 0).float().reshape(2, 3, 2, 2)

    actual = likelihoods.Bernoulli().log_prob(pixels, OUTPUT)

    expected = Bernoulli(logits=OUTPUT).log_prob(pixels).sum((1, 2, 3))
    assert torch.allclose(expected, actual, atol=1e-6)


def test_bernoulli_on_grey_is_the_mean_over_black_and_white():
    likelihood = likelihoods.Bernoulli()
    grey, black, white = (torch.full_like(OUTPUT, value) for value in (0.25, 0.0, 1.0))

    expected = 0.75 * likelihood.log_prob(black, OUTPUT) + 0.25 * likelihood.log_prob(white, OUTPUT)

    assert torch.allclose(expected, likelihood.log_prob(grey, OUTPUT), atol=1e-5)


@pytest.mark.parametrize("scale", [0.01, 0.3, 2.0])
def test_gaussian_is_that_of_torch_distributions(scale):
    likelihood = likelihoods.Gaussian()
    floor = math.exp(likelihood.MIN_LOG_SCALE)
    # The scale is floor + exp(parameter), seen through softplus.
    likelihood.log_scale.data.fill_(math.log(scale - floor))
    pixels = torch.rand(OUTPUT.shape, generator=torch.Generator().manual_seed(0))

    actual = likelihood.log_prob(pixels, OUTPUT)

    expected = Normal(torch.sigmoid(OUTPUT), scale).log_prob(pixels).sum((1, 2, 3))
    assert torch.allclose(expected, actual, rtol=1e-4)


def test_the_deviation_of_a_gaussian_cannot_vanish():
    likelihood = likelihoods.Gaussian()
    likelihood.log_scale.data.fill_(-1e4)
    perfect = torch.sigmoid(OUTPUT)

    density = likelihood.log_prob(perfect, OUTPUT)

    expected = -12 * (likelihood.MIN_LOG_SCALE + 0.5 * math.log(2 * math.pi))
    assert density.tolist() == pytest.approx([expected, expected], rel=1e-5)


@pytest.mark.parametrize("name", ["bernoulli", "gaussian", "categorical"])
def test_the_expected_picture_lies_between_black_and_white(name):
    mean = likelihoods.likelihood(name, levels=3).mean(100 * OUTPUT)

    assert mean.min() >= 0
    assert mean.max() <= 1


def test_categorical_is_that_of_torch_distributions_at_the_nearest_level():
    output = torch.randn(2, 3 * 5, 2, 2, generator=torch.Generator().manual_seed(0))
    levels = torch.randint(5, (2, 3, 2, 2), generator=torch.Generator().manual_seed(1))
    pixels = (levels / 4 + 0.1).clamp(0, 1)

    actual = likelihoods.Categorical(5).log_prob(pixels, output)

    logits = output.unflatten(1, (3, 5)).movedim(2, -1)
    assert torch.allclose(Categorical(logits=logits).log_prob(levels).sum((1, 2, 3)), actual, atol=1e-5)


@pytest.mark.parametrize("likelihood", [likelihoods.Bernoulli(), likelihoods.Gaussian(), likelihoods.Categorical(4)])
def test_several_outputs_for_each_picture_are_each_judged(likelihood):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(3, 2, 4, 4, generator=generator)
    outputs = torch.randn(5, 3, 2 * likelihood.depth, 4, 4, generator=generator)

    together = likelihood.log_prob(pixels, outputs)

    assert torch.allclose(torch.stack([likelihood.log_prob(pixels, output) for output in outputs]), together, atol=1e-4)


def test_a_sure_and_right_prediction_costs_nothing_and_a_wrong_one_its_logit():
    pixels, output = torch.ones(1, 1, 1, 1), torch.full((1, 1, 1, 1), 80.0)

    assert likelihoods.Bernoulli().log_prob(pixels, output).item() == pytest.approx(0, abs=1e-4)
    assert likelihoods.Bernoulli().log_prob(1 - pixels, output).item() == pytest.approx(-80)
