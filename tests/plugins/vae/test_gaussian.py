import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from plugins.vae import gaussian

MEANS = st.floats(-20, 20)
LOG_VARIANCES = st.floats(-12, 12)


def double(value):
    return torch.tensor(value, dtype=torch.float64)


def normal(mean, log_variance):
    return Normal(double(mean), torch.exp(0.5 * double(log_variance)))


@given(MEANS, LOG_VARIANCES)
def test_kl_to_the_standard_normal_is_that_of_torch_distributions(mean, log_variance):
    expected = kl_divergence(normal(mean, log_variance), normal(0.0, 0.0))

    actual = gaussian.kl_to_standard_normal(double(mean), double(log_variance))

    assert actual.item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-6)


@given(MEANS, LOG_VARIANCES, MEANS, LOG_VARIANCES)
def test_kl_of_two_gaussians_is_that_of_torch_distributions(mean_p, log_variance_p, mean_q, log_variance_q):
    expected = kl_divergence(normal(mean_p, log_variance_p), normal(mean_q, log_variance_q))

    actual = gaussian.kl(*map(double, (mean_p, log_variance_p, mean_q, log_variance_q)))

    assert actual.item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-6)


@given(MEANS, LOG_VARIANCES)
def test_a_gaussian_diverges_from_itself_by_nothing(mean, log_variance):
    assert gaussian.kl(*map(double, (mean, log_variance, mean, log_variance))) == 0


def test_kl_keeps_its_digits_for_nearly_equal_gaussians_in_single_precision():
    mean, log_variance = torch.tensor(1e-4), torch.tensor(1e-4)

    expected = 0.5 * (1e-8 + 0.5e-8)
    assert gaussian.kl_to_standard_normal(mean, log_variance).item() == pytest.approx(expected, rel=1e-3)


def test_kl_is_the_mean_log_ratio_of_samples():
    p = (double([0.5, -1.0]), double([-1.0, 0.7]))
    q = (double([0.0, 0.3]), double([0.0, -0.5]))
    z = gaussian.sample(*(part.expand(400_000, 2) for part in p), torch.Generator().manual_seed(0))

    ratio = gaussian.log_density(z, *p) - gaussian.log_density(z, *q)

    error = 4 * ratio.std(0) / len(z) ** 0.5
    assert torch.all((ratio.mean(0) - gaussian.kl(*p, *q)).abs() < error)


@given(st.floats(-5, 5), MEANS, st.floats(-4, 4))
def test_the_log_density_is_that_of_torch_distributions(value, mean, log_variance):
    expected = normal(mean, log_variance).log_prob(double(value))

    actual = gaussian.log_density(*map(double, (value, mean, log_variance)))

    assert actual.item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-6)


def test_samples_have_the_mean_and_variance_asked_for():
    mean, log_variance = double(2.0), double(-1.0)

    z = gaussian.sample(mean.expand(200_000), log_variance.expand(200_000), torch.Generator().manual_seed(0))

    assert z.mean().item() == pytest.approx(2.0, abs=0.01)
    assert z.var().item() == pytest.approx(math.exp(-1), abs=0.01)


def test_samples_are_differentiable_in_both_parameters():
    mean, log_variance = torch.zeros(1000, requires_grad=True), torch.zeros(1000, requires_grad=True)

    z = gaussian.sample(mean, log_variance, torch.Generator().manual_seed(0))
    z.sum().backward()

    assert torch.equal(mean.grad, torch.ones(1000))
    assert torch.allclose(log_variance.grad, 0.5 * z.detach())
