import math

import pytest
import torch

from plugins.vae import gaussian
from plugins.vae.evaluation.surgery import moments_kl, surgery
from plugins.vae.models.beta_vae import BetaVAE
from plugins.vae.networks import Networks


def network(means, log_variance):
    """A model whose encoder gives picture i, one pixel of value i / n, the posterior N(means[i], variance)."""
    model = BetaVAE(Networks((1, 1, 1), "mlp", (2,), "bernoulli"), means.shape[1], beta=1, warmup_epochs=0, free_bits=0)
    n = len(means)

    class Encoder(torch.nn.Module):
        def forward(self, x):
            index = (x.flatten() * n).round().long()
            return torch.cat([means[index], torch.full_like(means[index], log_variance)], 1)

    model.encoder = Encoder()
    return model, (torch.arange(n) / n).reshape(-1, 1, 1, 1)


def test_information_and_marginal_divergence_add_up_to_the_divergence():
    means = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
    model, x = network(means, -1.0)

    parts = surgery(model, x, seed=1)

    kl = gaussian.kl_to_standard_normal(means, torch.full_like(means, -1.0)).sum(1).mean().item()
    assert parts.mutual_information + parts.marginal_kl == pytest.approx(kl, abs=0.2)


def test_codes_that_never_overlap_tell_all_about_which_picture_it_was():
    model, x = network(10.0 * torch.arange(50)[:, None], -4.0)

    assert surgery(model, x, seed=0).mutual_information == pytest.approx(math.log(50), abs=1e-3)


def test_equal_posteriors_tell_nothing():
    model, x = network(torch.zeros(50, 2), -1.0)

    assert surgery(model, x, seed=0).mutual_information == pytest.approx(0, abs=1e-6)


def test_two_codes_far_apart_tell_one_bit():
    model, x = network(100.0 * (torch.arange(60) % 2)[:, None], 0.0)

    assert surgery(model, x, seed=0).mutual_information == pytest.approx(math.log(2), abs=1e-6)


def test_codes_with_the_moments_of_the_prior_are_at_no_distance():
    mean = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mean = (mean - mean.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(mean.T, correction=0))).T

    assert moments_kl(mean * math.sqrt(0.75), torch.full_like(mean, math.log(0.25))) == pytest.approx(0, abs=1e-9)


def test_a_shifted_and_narrow_aggregate_is_at_the_distance_of_its_gaussian():
    mean = torch.full((10, 1), 2.0)

    expected = gaussian.kl_to_standard_normal(torch.tensor(2.0), torch.tensor(-1.0)).item()
    assert moments_kl(mean, torch.full((10, 1), -1.0)) == pytest.approx(expected, rel=1e-6)
