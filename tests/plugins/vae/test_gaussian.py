import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import MultivariateNormal, Normal, kl_divergence

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


def covariance(seed, d, condition):
    """A random covariance matrix with eigenvalues from 1 to ``condition``."""
    directions, _ = torch.linalg.qr(torch.randn(d, d, generator=torch.Generator().manual_seed(seed)).double())
    return directions @ torch.diag(torch.logspace(0, math.log10(condition), d).double()) @ directions.T


@pytest.mark.parametrize("condition", [1.0, 100.0, 1e4])
@pytest.mark.parametrize("d", [1, 2, 7])
def test_kl_of_full_gaussians_is_that_of_torch_distributions(d, condition):
    p = (torch.linspace(-1, 1, d).double(), covariance(0, d, condition))
    q = (torch.linspace(0, 3, d).double(), covariance(1, d, condition))

    expected = kl_divergence(MultivariateNormal(*p), MultivariateNormal(*q))

    assert gaussian.kl_full(*p, *q).item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-6)


def test_kl_of_full_gaussians_takes_batches():
    p, q = (torch.zeros(3, 2).double(), covariance(0, 2, 4.0).expand(3, 2, 2)), (torch.ones(2), covariance(1, 2, 2.0))

    assert (3,) == gaussian.kl_full(*p, q[0].double(), q[1]).shape


def test_kl_of_full_gaussians_is_the_mean_log_ratio_of_samples():
    p = MultivariateNormal(double([0.5, -1.0]), covariance(2, 2, 3.0))
    q = MultivariateNormal(double([0.0, 0.3]), covariance(3, 2, 5.0))
    noise = torch.randn(400_000, 2, generator=torch.Generator().manual_seed(0)).double()
    z = p.mean + noise @ torch.linalg.cholesky(p.covariance_matrix).T

    ratio = p.log_prob(z) - q.log_prob(z)

    actual = gaussian.kl_full(p.mean, p.covariance_matrix, q.mean, q.covariance_matrix)
    assert abs(ratio.mean() - actual) < 4 * ratio.std() / len(z) ** 0.5


def test_kl_of_diagonal_gaussians_is_that_of_full_ones():
    p, q = (double([0.5, -1.0]), double([-1.0, 0.7])), (double([0.0, 0.3]), double([0.0, -0.5]))

    full = gaussian.kl_full(p[0], torch.diag(p[1].exp()), q[0], torch.diag(q[1].exp()))

    assert gaussian.kl(*p, *q).sum().item() == pytest.approx(full.item(), rel=1e-9)


@pytest.mark.parametrize("distance", [1e-3, 1e-4, 1e-5])
def test_kl_of_nearly_equal_full_gaussians_keeps_its_digits_in_single_precision(distance):
    base, direction = covariance(0, 4, 10.0), covariance(1, 4, 2.0)
    expected = gaussian.kl_full(torch.zeros(4).double(), base + distance * direction, torch.zeros(4).double(), base)

    # The difference is given exactly; storing its two ends in single precision would round it away.
    near = torch.eye(4) + distance * torch.diag(torch.tensor([1.0, -1.0, 0.5, 0.25]))
    single = gaussian.kl_full(torch.zeros(4), near, torch.zeros(4), torch.eye(4))
    double_ = gaussian.kl_full(torch.zeros(4).double(), near.double(), torch.zeros(4).double(), torch.eye(4).double())

    assert single.item() == pytest.approx(double_.item(), rel=1e-4)
    assert expected.item() == pytest.approx(0.25 * _trace_of_square(base, distance * direction), rel=2 * distance)


def _trace_of_square(base, difference):
    """The second-order term of the divergence is a quarter of tr((base^-1 difference)^2)."""
    whitened = torch.linalg.solve(base, difference)
    return torch.trace(whitened @ whitened).item()


def test_pairwise_densities_are_those_of_each_pair():
    z, mean, log_variance = (torch.randn(n, 3, generator=torch.Generator().manual_seed(n)) for n in (4, 5, 5))

    expected = gaussian.log_density(z[:, None], mean, log_variance).sum(2).double()

    assert torch.allclose(expected, gaussian.pairwise_log_density(z, mean, log_variance), atol=1e-4)


def test_the_standard_density_is_that_of_zero_mean_and_unit_variance():
    z = torch.linspace(-3, 3, 7)

    assert torch.allclose(gaussian.log_density(z, torch.zeros(7), torch.zeros(7)), gaussian.log_density_standard(z))
