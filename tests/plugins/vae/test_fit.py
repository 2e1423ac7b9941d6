from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pipeline.context import Context
from pipeline.errors import DataError, StageError
from pipeline.store import Store
from pipeline.testing import run_stage
from pipeline.types import Images, Split
from plugins.vae.fit_stages import Fit

QUICK = Fit(latent_dim=4, hidden=(32,), epochs=4)


class Memory:
    """Checkpoints by step, as another process would read them: copies."""

    def __init__(self, state=None, step=0):
        self.kept = {step: state} if state else {}

    def save(self, state, step):
        self.kept[step] = deepcopy(state)

    def load(self):
        return (self.kept[max(self.kept)], max(self.kept)) if self.kept else None


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state.items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("architecture", ["mlp", "convolutional"])
def test_training_raises_the_bound(digits, architecture, likelihood):
    settings = {"latent_dim": 4, "hidden": (16,), "batch_size": 16, "epochs": 4, "learning_rate": 5e-3}

    stage = Fit(**settings, architecture=architecture, likelihood=likelihood)
    run = run_stage(stage, images=digits)

    for name in ("elbo", "train_elbo"):
        assert run.curve(name)[-1] > run.curve(name)[0] + 3
    assert {"training.png"} == set(run.files)


def test_the_bound_is_the_reconstruction_less_the_divergence(digits):
    run = run_stage(QUICK, images=digits)

    assert set(QUICK.emits) == set(run.metrics)
    assert run.metrics["elbo"] == pytest.approx(run.metrics["reconstruction"] - run.metrics["kl"])
    assert run.metrics["kl"] > 0


def test_metrics_are_logged_in_each_epoch(digits):
    run = run_stage(QUICK, images=digits)

    assert [4] * 4 == [len(run.curve(name)) for name in QUICK.per_step]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(digits):
    first, again, other = (run_stage(QUICK, seed=seed, images=digits).value for seed in (3, 3, 4))

    assert same(weights(first), weights(again))
    assert not same(weights(first), weights(other))


def test_training_does_not_touch_the_global_generator(digits):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)

    QUICK.run(digits, Context(seed=0))

    assert torch.equal(expected, torch.rand(1))


@pytest.mark.parametrize(
    "more", [{}, {"patience": 100}, {"architecture": "convolutional", "hidden": (4, 8), "precision": "bfloat16"}]
)
def test_training_resumed_from_any_epoch_ends_in_the_same_weights_bit_for_bit(digits, more):
    stage = QUICK.model_copy(update=more)
    memory = Memory()
    expected = weights(stage.run(digits, Context(seed=1, checkpoints=memory)))

    assert [1, 2, 3, 4] == sorted(memory.kept)
    for step in (1, 3, 4):
        resumed = stage.run(digits, Context(seed=1, checkpoints=Memory(memory.kept[step], step)))
        assert same(expected, weights(resumed))


def test_training_interrupted_in_an_epoch_goes_on_from_the_store(digits, tmp_path):
    expected = weights(QUICK.run(digits, Context(seed=1)))
    checkpoints = Store.open(tmp_path).checkpoints("key")

    def interrupt(record):
        if record.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        QUICK.run(digits, Context(seed=1, checkpoints=checkpoints, record=interrupt))
    resumed = QUICK.run(digits, Context(seed=1, checkpoints=Store.open(tmp_path).checkpoints("key")))

    assert same(expected, weights(resumed))


def test_a_resumed_training_logs_only_what_is_left(digits):
    memory, records = Memory(), []
    QUICK.run(digits, Context(seed=1, checkpoints=memory))

    QUICK.run(digits, Context(seed=1, checkpoints=Memory(memory.kept[2], 2), record=records.append))

    assert [3, 4] == [record.step for record in records if hasattr(record, "step")]


def test_a_checkpoint_of_another_trial_brings_its_weights_but_not_its_learning_rate(digits):
    memory = Memory()
    QUICK.run(digits, Context(seed=1, checkpoints=memory))

    same_rate, other_rate = (
        weights(
            QUICK.model_copy(update={"learning_rate": rate}).run(
                digits, Context(seed=1, checkpoints=Memory(memory.kept[3], 3))
            )
        )
        for rate in (1e-3, 2e-2)
    )

    assert not same(same_rate, other_rate)


def test_with_patience_training_stops_early_and_keeps_the_best_weights(digits):
    noisy = Fit(latent_dim=4, hidden=(64,), learning_rate=0.05, batch_size=32, epochs=200, patience=2)
    memory = Memory()

    run = run_stage(noisy, images=digits)
    noisy.run(digits, Context(seed=0, checkpoints=memory))

    elbo = run.curve("elbo")
    best = int(np.argmax(elbo)) + 1
    assert len(elbo) == best + 2
    assert same(memory.kept[best]["network"], weights(run.value))


def test_a_stopped_training_does_not_go_on_when_it_is_resumed(digits):
    noisy = Fit(latent_dim=4, hidden=(64,), learning_rate=0.05, batch_size=32, epochs=200, patience=2)
    memory = Memory()
    expected = weights(noisy.run(digits, Context(seed=0, checkpoints=memory)))
    records = []

    resumed = noisy.run(digits, Context(seed=0, checkpoints=memory, record=records.append))

    assert same(expected, weights(resumed))
    assert not any(hasattr(record, "step") for record in records)


def test_a_high_beta_presses_the_divergence_down(digits):
    plain, pressed = (
        run_stage(QUICK.model_copy(update={"beta": beta, "epochs": 12, "batch_size": 16}), images=digits).metrics["kl"]
        for beta in (0.1, 20.0)
    )

    assert pressed < 0.1 < plain


def test_a_batch_larger_than_the_data_is_all_of_it(digits):
    run = run_stage(QUICK.model_copy(update={"batch_size": 10_000}), images=digits)

    assert np.isfinite(run.metrics["elbo"])


def test_pictures_of_three_channels_and_odd_sides_are_fitted():
    pixels = np.random.default_rng(0).random((20, 3, 9, 7), dtype=np.float32)
    images = Split(Images(pixels), Images(pixels[:5]), Images(pixels[5:9]))

    model = run_stage(Fit(latent_dim=2, architecture="convolutional", hidden=(4, 8), epochs=1), images=images).value

    assert (20, 3, 9, 7) == model.predict(pixels).shape


def test_divergence_is_told_with_what_to_try(digits):
    with pytest.raises(StageError) as caught:
        run_stage(Fit(learning_rate=1e6, latent_dim=4, hidden=(32,)), images=digits)

    assert "training diverged: in epoch 1 the evidence lower bound is no finite number any more." in str(caught.value)
    assert "Try a smaller learning_rate; it is 1e+06." in str(caught.value)


def with_pixels(images, pixels):
    return replace(images, train=Images(pixels))


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((4, 1, 8, 8), np.nan, np.float32), "256 of the 256 pixels are no finite numbers"),
        (np.full((4, 1, 8, 8), 255.0, np.float32), "pixels that are floats must lie in 0..1. They lie in 255..255"),
        (np.zeros((4, 8, 8), np.uint8), r"(n, channels, height, width) with n of 1 or more. Got shape (4, 8, 8)"),
        (np.zeros((0, 1, 8, 8), np.uint8), "Got shape (0, 1, 8, 8) instead"),
        (np.zeros((1, 1, 8, 8), np.uint8), "a single picture is not enough to train on"),
        (
            np.zeros((4, 1, 9, 8), np.uint8),
            "pictures of 8x8 pixels and 1 channel do not fit a model of pictures of 9x8 pixels and 1 channel",
        ),
    ],
)
def test_pictures_that_cannot_be_learnt_from_are_refused(digits, pixels, message):
    with pytest.raises(DataError) as caught:
        run_stage(QUICK, images=with_pixels(digits, pixels))

    assert message in str(caught.value)


def test_more_latent_dimensions_than_pixels_are_refused(digits):
    with pytest.raises(
        DataError, match="latent_dim is 65, but a picture of 8x8 pixels and 1 channel has only 64 values"
    ):
        run_stage(Fit(latent_dim=65), images=digits)


def test_too_many_convolutions_are_refused(digits):
    with pytest.raises(DataError, match="can be halved 3 times, but 'hidden' lists 4"):
        run_stage(Fit(architecture="convolutional", hidden=(4, 4, 4, 4)), images=digits)


@pytest.mark.parametrize("field", ["latent_dim", "learning_rate", "batch_size", "epochs", "patience"])
def test_settings_that_make_no_sense_are_refused(field):
    with pytest.raises(ValidationError, match="greater than 0"):
        Fit(**{field: 0})


@pytest.mark.parametrize(
    ("batch_size", "examples", "expected"), [(None, 60_000, 128), (None, 2000, 62), (None, 40, 16), (200, 40, 200)]
)
def test_the_usual_batch_is_small_where_there_are_few_examples(batch_size, examples, expected):
    assert expected == Fit(batch_size=batch_size).examples_in_a_step(examples)


@pytest.mark.parametrize(("architecture", "widths"), [("mlp", (400,)), ("convolutional", (32, 64))])
def test_the_usual_widths_depend_on_the_architecture(architecture, widths):
    assert widths == Fit(architecture=architecture).widths
