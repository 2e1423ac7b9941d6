from copy import deepcopy

import numpy as np
import pytest
import torch

from pipeline.context import Context
from pipeline.errors import DataError
from pipeline.testing import conformance_checks, run_stage
from pipeline.types import Images, Split
from plugins.multitask.evaluation import gains, metrics
from plugins.multitask.grouping import best_grouping
from plugins.multitask.interactions import affinity, observe
from plugins.multitask.networks import NETWORKS
from plugins.multitask.stages import Evaluate, Fit, FitAlone, Group, Pairs
from plugins.multitask.training import Trainer, balanced_backward
from plugins.multitask.types import MultiTaskModel, TaskSet

QUICK = {"hidden": (16, 8), "epochs": 12, "batch_size": 32, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def alone(tasks):
    return run_stage(FitAlone(**QUICK), tasks=tasks).value


@pytest.fixture(scope="module")
def model(tasks):
    return run_stage(Fit(**QUICK), tasks=tasks)


@pytest.fixture(scope="module")
def images():
    """Sixty pictures of three classes, each a bright row."""
    labels = np.tile(np.arange(3), 20)
    pixels = np.zeros((60, 1, 6, 6), np.float32)
    pixels[np.arange(60), 0, 2 * labels] = 1
    whole = Images(pixels, labels, ("low", "middle", "high"))
    return Split(whole.take(np.arange(0, 40)), whole.take(np.arange(40, 50)), whole.take(np.arange(50, 60)))


@pytest.mark.parametrize("check", conformance_checks("plugins.multitask.stages"), ids=str)
def test_the_plugin_conforms(check):
    check()


@pytest.mark.parametrize(
    ("architecture", "balancing"),
    [
        ("hard_sharing", "uncertainty"),
        ("hard_sharing", "dynamic_average"),
        ("hard_sharing", "gradnorm"),
        ("mixture_of_experts", "pcgrad"),
        ("cross_stitch", "mgda"),
        ("progressive_extraction", "cagrad"),
        ("hard_sharing", "imtl_g"),
        ("hard_sharing", "aligned_mtl"),
    ],
)
def test_architectures_and_balancings_learn_numbers_and_classes_together(tasks, architecture, balancing):
    stage = Fit(
        architecture=architecture, balancing=balancing, experts=2, **{**QUICK, "epochs": 8, "learning_rate": 0.02}
    )
    trainer = Trainer(stage, tasks, (0, 1, 2), Context(), observed=False)
    for _ in range(stage.epochs):
        trainer.epoch()
    networks = (trainer.network(),)
    model = MultiTaskModel(tasks.tasks, tasks.classes, tasks.shape, architecture, stage.hidden, stage.channels,
                           stage.experts, networks)  # fmt: skip

    error, auc, accuracy = metrics(model, tasks, tasks.parts.test, torch.device("cpu"))

    # The variance of the number is 4, and a guess tells half of the signs and a third of the thirds.
    assert error < 1.5
    assert auc > 0.85
    assert accuracy > 0.6


def test_tasks_learnt_together_are_judged_against_each_alone(tasks, model, alone):
    judged = run_stage(Evaluate(), model=model.value, alone=alone, data=tasks)

    assert judged.metrics["delta_m"] == pytest.approx(judged.value.gain.mean())
    assert judged.metrics["worst_gain"] == judged.value.gain.min()
    assert {"gains.png", "tasks.csv"} <= set(judged.files)


def test_each_task_alone_has_a_network_that_knows_no_other(alone):
    assert [(0,), (1,), (2,)] == [network.columns for network in alone.networks]
    assert [1, 1, 3] == [len(network.state["heads.bias"]) for network in alone.networks]


def test_one_network_says_how_its_tasks_got_on(model):
    seen = model.value.interactions

    assert (12, 3, 3) == seen.cosines.shape == seen.affinity.shape
    assert np.allclose(np.ones((12, 3)), seen.cosines.diagonal(axis1=1, axis2=2), atol=1e-5)
    assert np.allclose(1, seen.weights)
    assert {"cosines.png", "cosines_by_epoch.png", "affinity.png", "interactions.csv"} <= set(model.files)


def test_going_on_from_a_checkpoint_ends_where_an_unbroken_training_does(tasks):
    stage = Fit(**QUICK, balancing="pcgrad")
    first, second = (Trainer(stage, tasks, (0, 1, 2), Context(), observed=True) for _ in range(2))
    first.epoch()
    second.restore(deepcopy(first.save()))

    assert torch.equal(first.epoch(), second.epoch())


@pytest.mark.parametrize("shape", [(4,), (2, 6, 6)])
def test_shared_weights_get_the_mean_gradient_where_no_task_opposes(shape):
    torch.manual_seed(0)
    network = NETWORKS["hard_sharing"](shape, (1, 1), (8,), (3, 5), 1)
    inputs = torch.randn(20, *shape)
    outputs = network(inputs)
    losses = torch.stack([outputs[0].square().mean(), outputs[0].square().mean() + 0 * outputs[1].sum()])
    shared = list(network.shared_weights().values())
    expected = torch.autograd.grad(losses.mean(), shared, retain_graph=True)

    balanced_backward(losses, shared, list(network.heads.parameters()), "pcgrad")

    for weight, gradient in zip(shared, expected, strict=True):
        assert torch.allclose(gradient, weight.grad, atol=1e-6)
        # The fused optimiser reads the two side by side in memory.
        assert weight.stride() == weight.grad.stride()


def test_affinity_is_the_share_of_a_loss_that_a_step_takes_away():
    torch.manual_seed(0)
    network = NETWORKS["hard_sharing"]((4,), (1, 1), (8,), (), 1)
    inputs, targets = torch.randn(50, 4), torch.randn(50, 2)
    cosines, found = observe(network, inputs, targets, (1, 1), 1e-2)

    def losses():
        return torch.stack([(out[:, 0] - targets[:, i]).square().mean() for i, out in enumerate(network(inputs))])

    before = losses()
    shared = list(network.shared_weights().values())
    gradient = torch.autograd.grad(before[0], shared)
    with torch.no_grad():
        for weight, part in zip(shared, gradient, strict=True):
            weight -= 1e-2 * part

    assert torch.allclose(affinity(before, losses()), found[0], atol=1e-6)
    assert cosines[0, 1] == pytest.approx(cosines[1, 0])
    assert (cosines[0, 1] > 0) == (found[0, 1] > 0)


def test_tasks_that_help_one_another_are_grouped():
    helps = np.array([[9, 2, -1, 0], [2, 9, -1, 0], [-1, -1, 9, 3], [0, 0, 1, 9]], float)

    found = best_grouping(helps, 3)

    assert {(0, 1), (2, 3)} == set(found.groups)
    assert found.score == pytest.approx(2 + 2 + 3 + 1)
    assert {(0, 1, 2, 3)} == set(best_grouping(helps, 1).groups)


def test_tasks_that_harm_one_another_stay_alone():
    assert 3 == len(best_grouping(-np.ones((3, 3)), 3).groups)


def test_groups_are_trained_and_judged(tasks, model, alone):
    grouping = run_stage(Group(groups=2), model=model.value, tasks=tasks)
    grouped = run_stage(Fit(**QUICK), tasks=tasks, grouping=grouping.value).value

    assert list(grouping.value.groups) == [network.columns for network in grouped.networks]
    assert run_stage(Evaluate(part="validation"), model=grouped, alone=alone, data=tasks).value.gain.shape == (3,)


def test_two_pictures_in_one_are_both_told(images):
    tasks = run_stage(Pairs(), images=images).value
    first, answers = tasks.parts.train.inputs[0, 0], tasks.parts.train.targets[0].astype(int)
    canvas = np.zeros((2, 8, 8))
    canvas[0, 2 * answers[0], :6] = canvas[1, 2 + 2 * answers[1], 2:] = 1

    assert (40, 1, 8, 8) == tasks.parts.train.inputs.shape
    assert (3, 3) == tasks.classes
    assert np.array_equal(first, np.maximum(canvas[0], canvas[1]))
    model = run_stage(Fit(channels=(4,), hidden=(16,), epochs=12, batch_size=8, learning_rate=0.02), tasks=tasks).value
    alone = run_stage(FitAlone(channels=(4,), hidden=(16,), epochs=1, batch_size=8), tasks=tasks).value
    assert run_stage(Evaluate(), model=model, alone=alone, data=tasks).value.together.min() > 0.7


def test_a_gain_is_positive_where_it_is_better():
    gain = gains(np.array([0.9, 0.5]), np.array([0.8, 0.4]), np.array([True, False]))

    assert [12.5, -25.0] == pytest.approx(gain.tolist())


def test_one_task_is_refused(tasks):
    lonely = TaskSet(("number",), (1,), tasks.parts)

    with pytest.raises(DataError, match="there is one task, number: learning tasks together needs two or more"):
        run_stage(Fit(), tasks=lonely)


def test_a_model_of_other_tasks_is_refused(tasks, model, alone):
    first = TaskSet(tasks.tasks[:2], tasks.classes[:2], tasks.parts)

    with pytest.raises(DataError, match="learnt number, sign, third from inputs of shape 4; the data has number, sign"):
        run_stage(Evaluate(), model=model.value, alone=alone, data=first)


def test_too_many_blocks_for_the_pictures_are_refused(images):
    tasks = run_stage(Pairs(), images=images).value

    with pytest.raises(DataError, match=r"channels lists 4 blocks.* pictures of 8x8 pixels are too small"):
        run_stage(Fit(channels=(2, 2, 2, 2)), tasks=tasks)


def test_models_that_were_not_trained_together_cannot_be_grouped(tasks, alone):
    with pytest.raises(DataError, match="grouping needs one that learnt all tasks together"):
        run_stage(Group(), model=alone, tasks=tasks)
