"""One direction from several gradients: against closed forms and what the papers promise."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from plugins.multitask.balancing import BALANCERS, CAGRAD_C, cagrad, imtl_g, mgda, pcgrad
from plugins.multitask.weighting import DynamicAverage, Equal, Uncertainty, gradnorm_step


def gradients(tasks=3, size=30, seed=0):
    return torch.randn(tasks, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_opposing_gradients_lose_what_opposes():
    given = torch.tensor([[1.0, 0.0], [-1.0, 1.0]])

    assert torch.allclose(torch.tensor([0.25, 0.75]), pcgrad(given @ given.T) @ given)


@pytest.mark.parametrize("method", sorted(BALANCERS))
def test_equal_gradients_stay_as_they_are_in_direction(method):
    given = torch.tensor([[3.0, 4.0], [3.0, 4.0]])

    direction = BALANCERS[method](given @ given.T) @ given

    assert torch.allclose(torch.tensor([0.6, 0.8]), direction / direction.norm(), atol=1e-4)


def test_the_shortest_vector_of_two_gradients_is_the_known_one():
    first, second = gradients(2)
    share = ((second - first) @ second / (first - second).square().sum()).clamp(0, 1)

    found = mgda(torch.stack([first, second]) @ torch.stack([first, second]).T)

    assert torch.allclose(torch.stack([share, 1 - share]), found, atol=1e-3)


def test_the_shortest_vector_lowers_every_task():
    given = gradients(4)

    assert (given @ (mgda(given @ given.T) @ given) > 0).all()


def test_imtl_projects_equally_on_all_gradients():
    given = gradients(3)
    direction = imtl_g(given @ given.T) @ given

    projections = given @ direction / given.norm(dim=1)
    assert torch.allclose(projections[:1].expand(3), projections)


def test_cagrad_solves_its_dual_and_stays_in_its_ball():
    first, second = gradients(2) - 0.3
    given = torch.stack([first, second])
    mean = given.mean(0)
    radius = CAGRAD_C * mean.norm()

    def dual(w):
        mixture = w * first + (1 - w) * second
        return (mixture @ mean + radius * mixture.norm()).item()

    best = minimize_scalar(dual, bounds=(0, 1), method="bounded", options={"xatol": 1e-10}).x
    mixture = best * first + (1 - best) * second
    direction = cagrad(given @ given.T) @ given

    assert torch.allclose(mean + radius * mixture / mixture.norm(), direction, atol=1e-4)
    assert (direction - mean).norm().item() == pytest.approx(radius.item())


def test_a_loss_that_falls_slowly_weighs_more():
    weighting = DynamicAverage(2)
    weighting.after_epoch(torch.tensor([1.0, 1.0]))
    assert [1.0, 1.0] == weighting.weights.tolist()

    weighting.after_epoch(torch.tensor([0.9, 0.3]))

    expected = 2 * np.exp([0.45, 0.15]) / np.exp([0.45, 0.15]).sum()
    assert expected.tolist() == pytest.approx(weighting.weights.tolist())


def test_the_best_variance_of_a_loss_is_twice_the_loss():
    weighting = Uncertainty(2)
    optimizer = torch.optim.Adam(weighting.parameters(), lr=0.2)
    for _ in range(150):
        optimizer.zero_grad()
        weighting.combined(torch.tensor([0.5, 8.0])).backward()
        optimizer.step()

    # d/ds (exp(-s) L + s / 2) = 0 at exp(s) = 2 L.
    assert [1.0, 16.0] == pytest.approx(weighting.log_variances.exp().tolist(), rel=1e-2)
    assert weighting.weights[0] / weighting.weights[1] == pytest.approx(16, rel=2e-2)


def test_gradnorm_moves_towards_equal_norms_and_favours_the_laggard():
    weights = torch.ones(2)
    for _ in range(500):
        weights = gradnorm_step(weights, torch.tensor([1.0, 3.0]), torch.tensor([0.5, 0.5]), alpha=1.5, step=0.01)
    assert [1.5, 0.5] == pytest.approx(weights.tolist(), abs=0.05)

    lagging = gradnorm_step(torch.ones(2), torch.ones(2), torch.tensor([0.9, 0.1]), alpha=1.5, step=0.01)
    assert lagging[0] > 1 > lagging[1]


def test_equal_weights_give_the_mean():
    assert Equal(2).combined(torch.tensor([1.0, 3.0])).item() == 2.0
