import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal

from plugins.vae.likelihoods import LIKELIHOODS

OUTPUT = torch.linspace(-3, 3, 24).reshape(2, 3, 2, 2)


def test_bernoulli_is_that_of_torch_distributions_on_black_and_white():
    pixels = (torch.arange(24) % 3 == 0).float().reshape(2, 3, 2, 2)

    actual = LIKELIHOODS["bernoulli"]().log_prob(pixels, OUTPUT)

    expected = Bernoulli(logits=OUTPUT).log_prob(pixels).sum((1, 2, 3))
    assert torch.allclose(expected, actual, atol=1e-6)


def test_bernoulli_on_grey_is_the_mean_over_black_and_white():
    likelihood = LIKELIHOODS["bernoulli"]()
    grey, black, white = (torch.full_like(OUTPUT, value) for value in (0.25, 0.0, 1.0))

    expected = 0.75 * likelihood.log_prob(black, OUTPUT) + 0.25 * likelihood.log_prob(white, OUTPUT)

    assert torch.allclose(expected, likelihood.log_prob(grey, OUTPUT), atol=1e-5)


@pytest.mark.parametrize("scale", [0.01, 0.3, 2.0])
def test_gaussian_is_that_of_torch_distributions(scale):
    likelihood = LIKELIHOODS["gaussian"]()
    floor = math.exp(likelihood.MIN_LOG_SCALE)
    # The scale is floor + exp(parameter), seen through softplus.
    likelihood.log_scale.data.fill_(math.log(scale - floor))
    pixels = torch.rand(OUTPUT.shape, generator=torch.Generator().manual_seed(0))

    actual = likelihood.log_prob(pixels, OUTPUT)

    expected = Normal(torch.sigmoid(OUTPUT), scale).log_prob(pixels).sum((1, 2, 3))
    assert torch.allclose(expected, actual, rtol=1e-4)


def test_the_deviation_of_a_gaussian_cannot_vanish():
    likelihood = LIKELIHOODS["gaussian"]()
    likelihood.log_scale.data.fill_(-1e4)
    perfect = torch.sigmoid(OUTPUT)

    density = likelihood.log_prob(perfect, OUTPUT)

    expected = -12 * (likelihood.MIN_LOG_SCALE + 0.5 * math.log(2 * math.pi))
    assert density.tolist() == pytest.approx([expected, expected], rel=1e-5)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_expected_picture_lies_between_black_and_white(name):
    mean = LIKELIHOODS[name]().mean(100 * OUTPUT)

    assert mean.min() >= 0
    assert mean.max() <= 1
