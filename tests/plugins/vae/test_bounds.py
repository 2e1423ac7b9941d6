import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal

from plugins.vae import bounds

LOG_WEIGHTS = st.lists(st.floats(-50, 50), min_size=1, max_size=12)


def double(values):
    return torch.tensor(values, dtype=torch.float64)


@given(LOG_WEIGHTS)
def test_log_mean_exp_is_the_logarithm_of_the_mean(values):
    expected = math.log(sum(map(math.exp, values)) / len(values))

    assert bounds.log_mean_exp(double(values)).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("level", [-1e5, -800.0, 0.0, 800.0, 1e5])
def test_log_mean_exp_of_five_thousand_weights_neither_overflows_nor_vanishes(level):
    weights = level + torch.linspace(-3, 3, 5000)

    expected = level + math.log(math.sinh(3) / 3)
    assert bounds.log_mean_exp(weights).item() == pytest.approx(expected, abs=1e-2 if abs(level) > 1e3 else 1e-3)


@given(LOG_WEIGHTS)
def test_the_bound_lies_between_the_mean_and_the_greatest_log_weight(values):
    bound = bounds.importance_weighted(double(values)).item()

    assert sum(values) / len(values) - 1e-9 <= bound <= max(values) + 1e-9


def test_one_sample_gives_the_evidence_lower_bound():
    weights = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0))

    assert torch.allclose(weights.mean(0), bounds.importance_weighted_at(weights, 1), atol=1e-5)


def test_the_bound_rises_with_the_number_of_samples_whatever_the_weights():
    # Averaging over disjoint groups, a group of 2 K is never worse than its two halves: exactly, by concavity.
    weights = 5 * torch.randn(4096, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    curve = torch.stack([bounds.importance_weighted_at(weights, 2**power) for power in range(13)])

    assert torch.all(curve.diff(dim=0) >= 0)


def gaussian_model(samples, seed=0):
    """z ~ N(0, 1), x | z ~ N(z, 1), so that x ~ N(0, 2); q is too wide. Log weights at x = 1, and log p(x)."""
    q = Normal(double(0.2), double(1.2))
    z = q.mean + q.stddev * torch.randn(samples, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x = double(1.0)
    log_weights = Normal(z, 1.0).log_prob(x) + Normal(0.0, 1.0).log_prob(z) - q.log_prob(z)
    return log_weights, Normal(double(0.0), double(2.0).sqrt()).log_prob(x)


def test_the_bound_reaches_the_true_likelihood_from_below():
    log_weights, truth = gaussian_model(500_000)

    bound_1, bound_50, bound_5000 = (bounds.importance_weighted_at(log_weights, k).item() for k in (1, 50, 5000))

    assert bound_1 < bound_50 < bound_5000
    assert bound_5000 == pytest.approx(truth.item(), abs=2e-3)


def test_the_bound_of_one_sample_is_the_likelihood_less_the_divergence_from_the_true_posterior():
    log_weights, truth = gaussian_model(500_000)
    # The posterior given x = 1 is N(1/2, 1/2).
    divergence = torch.distributions.kl_divergence(Normal(0.2, 1.2), Normal(0.5, 0.5**0.5)).item()

    assert bounds.importance_weighted_at(log_weights, 1).item() == pytest.approx(truth.item() - divergence, abs=0.01)


def test_equal_weights_are_worth_their_number_and_one_heavy_weight_is_worth_one():
    equal, heavy = torch.full((64,), -900.0), torch.cat([torch.zeros(1), torch.full((63,), -900.0)])

    assert bounds.effective_sample_size(equal).item() == pytest.approx(64, rel=1e-4)
    assert bounds.effective_sample_size(heavy).item() == pytest.approx(1, rel=1e-4)


def test_the_evidence_lower_bound_is_the_reconstruction_less_all_parts_of_the_divergence():
    assert torch.equal(
        torch.tensor([-4.0, 1.0]), bounds.elbo(torch.tensor([0.0, 2.0]), torch.tensor([[1.0, 3], [0, 1]]))
    )
