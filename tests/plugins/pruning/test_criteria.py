from dataclasses import replace

import pytest
import torch
from torch import nn

from plugins.pruning.architectures import made
from plugins.pruning.criteria import NAMES, Probe, criterion
from plugins.pruning.criteria.lamp import lamp
from plugins.pruning.examples import Examples
from plugins.pruning.objective import Objective
from plugins.pruning.weights import prunable


def quadratic():
    """A linear layer that imitates a teacher: the loss is a quadratic function of its weight w, in closed form.

    The inputs are orthogonal with different lengths, so that the Hessian is diagonal.
    """
    inputs = torch.diag(torch.tensor([1.0, 2.0, 3.0]))
    layer = nn.Linear(3, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.5, -1.0, 2.0]]))
    teacher = inputs @ torch.tensor([[1.0], [1.0], [1.0]])
    probe = Probe(Examples(inputs, None, teacher), Objective(classifies=False), torch.Generator().manual_seed(0))
    weight, target, curvature = layer.weight.detach()[0], torch.ones(3), 2 / 3 * torch.tensor([1.0, 4.0, 9.0])
    return layer, probe, weight, curvature * (weight - target), curvature


def scores_of(name):
    layer, probe, *closed_form = quadratic()
    return criterion(name)(layer, prunable(layer), probe)["weight"][0], *closed_form


def test_snip_is_the_product_of_weight_and_gradient():
    score, weight, gradient, _ = scores_of("snip")

    torch.testing.assert_close(score, (weight * gradient).abs())


def test_grasp_is_the_product_of_weight_hessian_and_gradient():
    score, weight, gradient, curvature = scores_of("grasp")

    torch.testing.assert_close(score, weight * curvature * gradient)


def test_obd_is_half_the_curvature_times_the_square():
    score, weight, _, curvature = scores_of("obd")

    torch.testing.assert_close(score, curvature * weight.square() / 2)


def test_movement_is_against_the_gradient_times_the_weight():
    score, weight, gradient, _ = scores_of("movement")

    torch.testing.assert_close(score, -weight * gradient)


def test_wanda_is_the_magnitude_times_the_length_of_the_input():
    score, weight, *_ = scores_of("wanda")

    torch.testing.assert_close(score, weight.abs() * torch.tensor([1.0, 2.0, 3.0]))


def test_wanda_meets_the_inputs_of_a_convolution_at_every_place():
    layer = nn.Conv2d(2, 1, 3, padding=1, bias=False)
    inputs = torch.rand(4, 2, 5, 5)
    probe = Probe(Examples(inputs, None), Objective(classifies=False), torch.Generator())

    score = criterion("wanda")(layer, prunable(layer), probe)["weight"]

    columns = nn.functional.unfold(inputs, 3, padding=1).transpose(1, 2).flatten(0, 1)
    expected = layer.weight.detach().abs().flatten(1) * columns.norm(dim=0)
    torch.testing.assert_close(score.flatten(1), expected)


def test_lamp_divides_by_all_squares_that_are_no_smaller():
    # 1, 4 and 9: 1 / 14, 4 / 13, 9 / 9.
    expected = torch.tensor([4 / 13, 1, 1 / 14], dtype=torch.float64)

    torch.testing.assert_close(lamp(torch.tensor([-2.0, 3.0, 1.0])), expected)


def test_synflow_conserves_its_flow_through_layers_without_biases():
    # Tanaka et al. 2020, theorem 2: the scores of a layer sum to the same number in every layer.
    network = nn.Sequential(nn.Linear(5, 7, bias=False), nn.ReLU(), nn.Linear(7, 3, bias=False))
    probe = Probe(Examples(torch.rand(1, 5), None), Objective(classifies=False), torch.Generator())

    scores = criterion("synflow")(network, prunable(network), probe)

    first, second = (score.sum() for score in scores.values())
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("architecture", ["lenet_300_100", "resnet"])
def test_every_criterion_scores_every_weight_and_leaves_the_network_as_it_was(name, architecture, probe):
    network = made(architecture, (1, 8, 8), 10, seed=0).eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    weights = prunable(network)

    scores = criterion(name)(network, weights, replace(probe, batch_size=32))

    assert {key: weight.shape for key, weight in weights.items()} == {key: score.shape for key, score in scores.items()}
    assert all(score.isfinite().all() for score in scores.values())
    assert all(not score.requires_grad for score in scores.values())
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert all(weight.grad is None for weight in weights.values())
