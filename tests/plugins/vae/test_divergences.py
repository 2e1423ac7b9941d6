import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal

from plugins.vae import divergences, gaussian


def normal(n, d, seed):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_samples_of_one_distribution_have_no_discrepancy_on_average():
    values = torch.stack([divergences.mmd(normal(100, 3, 2 * i), normal(100, 3, 2 * i + 1)) for i in range(100)])

    assert abs(values.mean().item()) < 3 * values.std().item() / 10


@pytest.mark.parametrize("other", [lambda z: z + 1, lambda z: 0.3 * z, lambda z: z.sign()])
def test_samples_of_different_distributions_differ(other):
    assert divergences.mmd(normal(500, 3, 0), other(normal(500, 3, 1))) > 0.03


def test_the_discrepancy_does_not_depend_on_the_order():
    first, second = normal(20, 2, 0), 2 * normal(30, 2, 1)

    assert divergences.mmd(first, second).item() == pytest.approx(divergences.mmd(second, first).item())


@pytest.mark.parametrize(("batch", "size"), [(1, 1), (2, 2), (8, 8), (8, 1000)])
def test_the_weights_of_a_batch_add_up_to_one(batch, size):
    weights = divergences.stratified_weights(batch, size)

    assert torch.allclose(torch.ones(batch), weights.sum(1), atol=1e-5)
    assert torch.all(weights >= 0)


def test_a_batch_of_all_items_gives_nearly_their_mixture():
    mean, log_variance = normal(400, 2, 0), torch.full((400, 2), -1.0, dtype=torch.float64)
    z = gaussian.sample(mean, log_variance, torch.Generator().manual_seed(1))

    joint, _ = divergences.minibatch_log_densities(z, mean, log_variance, 400)

    assert torch.allclose(divergences.mixture_log_density(z, mean, log_variance), joint, atol=0.05)


def test_total_correlation_of_correlated_codes_is_that_of_their_gaussian():
    rho = 0.8
    covariance = torch.tensor([[1.0, rho], [rho, 1.0]], dtype=torch.float64)
    # Posteriors so narrow against their spread that the mixture is nearly the Gaussian of their means.
    mean = normal(1500, 2, 0) @ torch.linalg.cholesky(covariance).T * math.sqrt(0.95)
    log_variance = torch.full_like(mean, math.log(0.05))
    z = gaussian.sample(mean, log_variance, torch.Generator().manual_seed(1))

    joint, marginals = divergences.minibatch_log_densities(z, mean, log_variance, 1500)

    correlation = 0.95 * rho
    assert (joint - marginals).mean().item() == pytest.approx(-0.5 * math.log(1 - correlation**2), abs=0.06)


def test_the_mixture_is_that_of_torch_distributions():
    z, mean, log_variance = normal(5, 3, 0), normal(7, 3, 1), normal(7, 3, 2)
    components = Normal(mean, torch.exp(0.5 * log_variance)).log_prob(z[:, None]).sum(2)

    actual = divergences.mixture_log_density(z, mean, log_variance)

    assert torch.allclose(torch.logsumexp(components, 1) - math.log(7), actual)


def test_one_component_is_a_plain_gaussian():
    z, mean = normal(5, 3, 0), normal(1, 3, 1)

    expected = MultivariateNormal(mean[0], torch.eye(3, dtype=torch.float64)).log_prob(z)
    assert torch.allclose(expected, divergences.mixture_log_density(z, mean, torch.zeros_like(mean)))
