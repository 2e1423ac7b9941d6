import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pipeline.errors import DataError, StageError
from pipeline.testing import conformance_checks, run_stage
from pipeline.types import Images, Split
from plugins.meta.learner_stages import (
    MAML,
    Matching,
    MetaSGD,
    NeuralProcess,
    Pretrained,
    Prototypes,
    Reptile,
    Scratch,
)
from plugins.meta.learners import build
from plugins.meta.problems import sampler_of
from plugins.meta.stages import Evaluate
from plugins.meta.task_stages import Episodes, Functions
from plugins.meta.training import State

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def functions():
    return run_stage(Functions(shots=5)).value


@pytest.fixture(scope="module")
def pictures():
    """Twelve classes of eight pictures, each a noisy pattern of its own."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(12), 8)
    pixels = (rng.random((12, 1, 8, 8))[labels] * 0.7 + 0.3 * rng.random((96, 1, 8, 8))).astype(np.float32)
    images = Images(pixels, labels, tuple("abcdefghijkl"))
    third = [images.take(np.arange(start, 96, 3)) for start in range(3)]
    return Split(*third)


def trained(stage, tasks):
    return run_stage(stage, tasks=tasks).value


def tasks_of(pictures, **settings):
    settings = {"ways": 3, "queries": 2, "validation_classes": 3, "test_classes": 3, **settings}
    return run_stage(Episodes(**settings), images=pictures).value


@pytest.mark.parametrize("check", conformance_checks("plugins.meta.stages"), ids=str)
def test_the_plugin_conforms(check):
    check()


@pytest.mark.parametrize("kind", [MAML, MetaSGD, Reptile, Pretrained, NeuralProcess])
def test_a_learner_of_functions_is_trained_and_predicts(functions, kind):
    learner = trained(kind(iterations=2, log_every=2), functions)
    episodes = sampler_of(functions, "test", CPU).draw(3, 5, 7, torch.Generator())
    torch.manual_seed(0)  # as the stage begins
    before = build(learner.method, learner.problem, learner.settings).predict(episodes, 1)
    after = learner.module().predict(episodes, 1)

    assert (3, 7, 1) == after.shape
    assert after.isfinite().all()
    assert not after.equal(before)


def test_a_learner_of_functions_is_judged(functions):
    judged = run_stage(Evaluate(episodes=60, curve_steps=2), learner=trained(Scratch(), functions), tasks=functions)

    assert judged.metrics["mse"] == pytest.approx(judged.value.scores.mean())
    assert (60,) == judged.value.scores.shape
    assert {"functions.png", "adaptation.png", "adaptation_by_steps.csv"} <= set(judged.files)


def test_learners_are_trained_at_equal_cost(functions):
    spent = 0.05
    plain, ours = (run_stage(kind(compute=spent, log_every=100), tasks=functions) for kind in (Pretrained, MAML))

    # A pass through 1-40-40-1 is 2 * 1680 operations for each of 25 * (5 + 10) points, and its gradient as much for
    # the weights and, but for the first layer, for the inputs.
    once = 25 * 15 * 2 * (3 * 1680 - 40) / 1e9
    assert round(spent / once) * once == pytest.approx(plain.metrics["compute"])
    assert spent == pytest.approx(ours.metrics["compute"], rel=0.1)
    assert plain.value.compute == plain.metrics["compute"]


def test_iterations_and_compute_together_are_refused():
    with pytest.raises(ValidationError, match="must give either 'iterations' or 'compute'"):
        MAML(iterations=5, compute=1.0)


def test_training_maml_lowers_the_loss(functions):
    run = run_stage(MAML(iterations=60, log_every=30, learning_rate=0.01), tasks=functions)

    assert run.curve("validation_loss")[-1] < run.curve("validation_loss")[0]


def test_the_same_seed_gives_the_same_learner_and_another_seed_another(functions):
    first, again, other = (
        run_stage(MAML(iterations=2, log_every=2), seed=seed, tasks=functions).value.state[
            "network.initial.head_weight"
        ]
        for seed in (1, 1, 2)
    )

    assert first.equal(again)
    assert not first.equal(other)


@pytest.mark.parametrize("kind", [MAML, Prototypes, Matching, Pretrained])
def test_a_learner_of_classes_is_trained_and_predicts(pictures, kind):
    tasks = tasks_of(pictures, rotations=True)
    learner = trained(kind(hidden=(4,), iterations=1, log_every=1, meta_batch_size=5), tasks)
    episodes = sampler_of(tasks, "test", CPU).draw(3, 1, 2, torch.Generator())

    scores = learner.module().eval().predict(episodes, 1)

    assert (3, 6, 3) == scores.shape
    assert scores.isfinite().all()


def test_a_learner_of_classes_is_judged_by_accuracy_and_error(pictures):
    tasks = tasks_of(pictures)
    evaluate = Evaluate(episodes=20, curve_steps=1, curve_shots=(1, 3))
    judged = run_stage(evaluate, learner=trained(Scratch(hidden=(4,)), tasks), tasks=tasks)

    assert 1 == pytest.approx(judged.metrics["accuracy"] + judged.metrics["error"])
    assert {"episode.png", "embedding.png", "adaptation.png", "adaptation_by_shots.csv"} <= set(judged.files)


def test_a_curve_over_more_shots_than_there_are_is_refused_before_the_work(pictures, monkeypatch):
    tasks = tasks_of(pictures)
    learner = trained(Scratch(hidden=(4,)), tasks)
    monkeypatch.setattr("plugins.meta.evaluation._judge", None)

    with pytest.raises(DataError, match="100 shots and"):
        run_stage(Evaluate(episodes=20, curve_shots=(1, 100)), learner=learner, tasks=tasks)


def test_no_class_is_in_two_parts(pictures):
    parts = tasks_of(pictures).parts

    classes = [set(part.labels.tolist()) for part in (parts.train, parts.validation, parts.test)]
    assert [6, 3, 3] == [len(part) for part in classes]
    assert 12 == len(set.union(*classes))


def test_more_ways_than_test_classes_are_refused():
    with pytest.raises(ValidationError, match="at least as many validation_classes and test_classes as ways"):
        Episodes(ways=5, validation_classes=3, test_classes=3)


def test_more_ways_than_training_classes_are_refused(pictures):
    with pytest.raises(DataError, match="episodes of 20 ways need 20 classes, but there are 6"):
        run_stage(Prototypes(ways=20, iterations=1), tasks=tasks_of(pictures))


def test_more_shots_than_pictures_are_refused(pictures):
    with pytest.raises(DataError, match="need 11 pictures, but a class has only 8"):
        run_stage(Prototypes(hidden=(4,), iterations=1), tasks=tasks_of(pictures, shots=9))


def test_a_diverging_inner_loop_is_told_with_what_to_try(functions):
    with pytest.raises(StageError, match="Try a smaller inner_learning_rate"):
        run_stage(MAML(inner_learning_rate=1e12, inner_steps=5, iterations=2, log_every=1), tasks=functions)


def test_a_learner_of_other_ways_is_refused(pictures):
    learner = run_stage(MAML(hidden=(4,), iterations=1), tasks=tasks_of(pictures)).value

    with pytest.raises(DataError, match=r"meta.maml has 3 outputs, but these tasks have 2 ways"):
        run_stage(Evaluate(episodes=2), learner=learner, tasks=tasks_of(pictures, ways=2))


def test_a_learner_of_numbers_is_refused_for_pictures(functions, pictures):
    learner = run_stage(Scratch(), tasks=functions).value

    with pytest.raises(DataError, match=r"made for inputs of shape \(1,\) and numbers, these tasks have \(1, 8, 8\)"):
        run_stage(Evaluate(episodes=2), learner=learner, tasks=tasks_of(pictures))


def test_functions_are_no_classes(functions):
    with pytest.raises(DataError, match="tells classes apart, but these tasks are functions"):
        run_stage(Prototypes(iterations=1), tasks=functions)


def test_the_best_look_at_validation_tasks_counts():
    learner = torch.nn.Linear(1, 1)
    state = State(learner, torch.optim.Adam(learner.parameters()), torch.Generator())
    for weight, loss in ((1.0, 0.5), (2.0, 0.3), (3.0, 0.4)):
        torch.nn.init.constant_(learner.weight, weight)
        state.look({"loss": 0.0, "validation_loss": loss})

    assert 2.0 == state.best["weight"].item()
