"""The inner loop against cases worked out by hand, finite differences and torch.func."""

import pytest
import torch
from torch.func import functional_call, grad, vmap
from torch.nn.functional import batch_norm, conv2d, cross_entropy, max_pool2d

from plugins.meta.episodes import Episodes, losses
from plugins.meta.learners import build
from plugins.meta.types import Problem

LINE = Problem((1,), 1, classifies=False)


def episodes(tasks=3, shots=4, queries=5, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    support, query = (torch.rand(tasks, n, 1, generator=generator, dtype=dtype) for n in (shots, queries))
    return Episodes(support, support.sin(), query, query.sin())


def maml(first_order, hidden=(3,)):
    torch.manual_seed(0)
    settings = {"hidden": hidden, "inner_learning_rate": 0.1, "inner_steps": 2}
    return build("maml", LINE, {**settings, "first_order": first_order, "only_head": False}).double()


class Slope(torch.nn.Module):
    """w x, for the case that can be worked out by hand."""

    head = ("w",)

    def __init__(self):
        super().__init__()
        self.initial = torch.nn.ParameterDict({"w": torch.nn.Parameter(torch.tensor(2.0))})

    def expanded(self, tasks):
        return {"w": self.initial["w"].expand(tasks)}

    def forward(self, weights, inputs):
        return weights["w"][:, None, None] * inputs


@pytest.mark.parametrize(("first_order", "factor"), [(False, 1 - 2 * 0.1 * 9), (True, 1.0)])
def test_the_meta_gradient_of_a_slope_is_the_one_worked_out_by_hand(first_order, factor):
    learner = maml(first_order)
    learner.network, learner.adapted, learner.inner_steps = Slope(), ("w",), 1
    one = Episodes(*(torch.tensor([[[value]]]) for value in (3.0, 1.0, 2.0, 5.0)))

    learner.loss(one).backward()

    adapted = 2.0 - 0.1 * 2 * (2.0 * 3 - 1) * 3
    assert 2 * (adapted * 2 - 5) * 2 * factor == pytest.approx(learner.network.initial["w"].grad.item(), rel=1e-5)


def test_the_second_order_gradient_equals_finite_differences():
    learner, drawn = maml(first_order=False), episodes()
    learner.loss(drawn).backward()
    weight = learner.network.initial["layer0_weight"]
    original, epsilon = weight.data.clone(), 1e-6

    for index in range(3):
        values = []
        for sign in (1, -1):
            weight.data = original.clone()
            weight.data[0, index] += sign * epsilon
            values.append(learner.loss(drawn).item())
        weight.data = original
        assert (values[0] - values[1]) / (2 * epsilon) == pytest.approx(weight.grad[0, index].item(), rel=1e-4)


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_adaptation_equals_that_of_torch_func(steps):
    learner, drawn = maml(first_order=False, hidden=(5, 4)), episodes()
    reference = torch.nn.Sequential(
        torch.nn.Linear(1, 5), torch.nn.ReLU(), torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1)
    ).double()
    names = {"0": "layer0", "2": "layer1", "4": "head"}
    state = {}
    for place, name in names.items():
        state[f"{place}.weight"] = learner.network.initial[f"{name}_weight"].detach().T
        state[f"{place}.bias"] = learner.network.initial[f"{name}_bias"].detach()[0]

    def loss(weights, inputs, targets):
        return (functional_call(reference, weights, (inputs,)) - targets).square().mean()

    def predict(support, targets, query):
        weights = state
        for _ in range(steps):
            gradient = grad(loss)(weights, support, targets)
            weights = {name: weights[name] - 0.1 * gradient[name] for name in weights}
        return functional_call(reference, weights, (query,))

    expected = vmap(predict)(drawn.support_inputs, drawn.support_targets, drawn.query_inputs)

    assert torch.allclose(expected, learner.predict(drawn, steps))


@pytest.mark.parametrize("steps", [1, 2])
def test_the_meta_gradient_of_convolutions_equals_that_of_a_loop_over_tasks(steps):
    """Six tasks are two parts, of four and of two; the reference is what torch has for one task."""
    torch.manual_seed(0)
    settings = {"hidden": (3, 4), "inner_learning_rate": 0.1, "inner_steps": steps, "first_order": False}
    learner = build("maml", Problem((2, 9, 9), 3, classifies=True), {**settings, "only_head": False}).double()
    labels = torch.tensor([0, 1, 2, 0, 1, 2]).expand(6, 6)
    shown, asked = torch.randn(2, 6, 6, 2, 9, 9, dtype=torch.float64)
    weights = dict(learner.network.initial)

    def loss(weights, inputs):
        for block in ("block0", "block1"):
            inputs = conv2d(inputs, weights[f"{block}_weight"], padding=1)
            scale, shift = weights[f"{block}_scale"], weights[f"{block}_shift"]
            inputs = max_pool2d(batch_norm(inputs, None, None, scale, shift, training=True).relu(), 2)
        return cross_entropy(inputs.flatten(1) @ weights["head_weight"] + weights["head_bias"], labels[0])

    total = 0
    for support, query in zip(shown, asked, strict=True):
        adapted = weights
        for _ in range(steps):
            gradients = torch.autograd.grad(loss(adapted, support), tuple(adapted.values()), create_graph=True)
            adapted = {n: w - 0.1 * g for (n, w), g in zip(adapted.items(), gradients, strict=True)}
        total = total + loss(adapted, query) / 6
    expected = torch.autograd.grad(total, tuple(weights.values()))

    found = learner.backward(Episodes(shown, labels, asked, labels))

    assert total.item() == pytest.approx(found.item())
    for gradient, weight in zip(expected, weights.values(), strict=True):
        assert torch.allclose(gradient, weight.grad, rtol=1e-9, atol=1e-12)


def test_meta_sgd_begins_as_maml():
    torch.manual_seed(0)
    meta_sgd = build("meta_sgd", LINE, {"hidden": (3,), "inner_learning_rate": 0.1, "inner_steps": 2}).double()

    assert torch.allclose(maml(False).predict(episodes(), 2), meta_sgd.predict(episodes(), 2), atol=1e-6)


def test_only_the_head_of_anil_adapts():
    torch.manual_seed(0)
    settings = {"hidden": (16,), "inner_learning_rate": 0.1, "inner_steps": 1, "first_order": False}
    learner = build("maml", LINE, {**settings, "only_head": True}).double()
    weights = learner.adapt(episodes(), 1, second_order=False)

    assert torch.equal(learner.network.expanded(3)["layer0_weight"], weights["layer0_weight"])
    assert not torch.equal(learner.network.expanded(3)["head_weight"], weights["head_weight"])


def test_the_gradient_of_reptile_is_the_way_to_the_adapted_weights():
    torch.manual_seed(0)
    learner = build("reptile", LINE, {"hidden": (3,), "inner_learning_rate": 0.1, "inner_steps": 2}).double()
    drawn = episodes()
    inputs = torch.cat([drawn.support_inputs, drawn.query_inputs], 1)
    targets = torch.cat([drawn.support_targets, drawn.query_targets], 1)
    both = Episodes(inputs, targets, drawn.query_inputs, drawn.query_targets)
    adapted = learner.adapt(both, 2, second_order=False)

    learner.loss(drawn).backward()

    for name, weight in learner.network.initial.items():
        assert torch.allclose(weight - adapted[name].mean(0), weight.grad)


def test_losses_are_the_mean_of_each_task():
    outputs = torch.tensor([[[1.0], [2.0]], [[3.0], [4.0]]])
    targets = torch.tensor([[[0.0], [0.0]], [[3.0], [4.0]]])

    assert [2.5, 0.0] == losses(outputs, targets).tolist()
