import pytest

from pipeline.testing import run_stage
from plugins.vae.evaluation.collapse import Signs, diagnose
from plugins.vae.fit_stages import Fit
from plugins.vae.stages import Evaluate


def signs(**given):
    usual = {"active": 12, "units": 16, "kl": 20.0, "aggregate_kl": 1.0, "settings": {}, "architecture": "mlp"}
    return Signs(**{**usual, **given})


@pytest.mark.parametrize("given", [{"active": 0}, {"kl": 0.69}])
def test_no_active_unit_or_less_than_one_bit_is_a_collapse(given):
    diagnosis = diagnose(signs(**given))

    assert diagnosis.collapsed
    assert "the decoder ignores the code" in diagnosis.text
    assert "free_bits" in diagnosis.text


def test_a_single_unit_that_carries_more_than_one_bit_is_no_collapse():
    diagnosis = diagnose(signs(active=1, kl=0.7))

    assert not diagnosis.collapsed
    assert "Healthy, with 15 latent units to spare" in diagnosis.text


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"active": 0, "settings": {"beta": 20.0}}, "at 20, a nat of code has to save 20 nats of reconstruction"),
        ({"active": 0, "architecture": "convolutional"}, "a decoder with fewer channels"),
        ({"active": 16}, "a larger latent_dim"),
        ({"active": 5}, "a smaller latent_dim: 5 would do; if more units are to be used, warmup_epochs or free_bits"),
        ({"aggregate_kl": 9.0}, "a more flexible prior (vae.vamp_prior)"),
    ],
)
def test_the_advice_fits_what_is_seen(given, advice):
    assert advice in diagnose(signs(**given)).text


def test_what_was_already_done_is_not_advised():
    text = diagnose(signs(active=0, settings={"beta": 1.0, "warmup_epochs": 5, "free_bits": 0.1})).text

    assert "smaller beta" not in text
    assert "warmup_epochs" not in text
    assert "free_bits" not in text


@pytest.fixture(scope="module")
def judged(digits):
    """What vae.evaluate says of a model with beta 1 and of one with beta 20."""
    settings = {"latent_dim": 8, "hidden": (32,), "likelihood": "gaussian", "learning_rate": 5e-3, "batch_size": 16}
    stages = {beta: Fit(**settings, epochs=60, beta=beta) for beta in (1.0, 20.0)}
    models = {beta: run_stage(stage, images=digits).value for beta, stage in stages.items()}
    return {beta: run_stage(Evaluate(), model=model, images=digits) for beta, model in models.items()}


def test_a_high_beta_collapses_a_model_and_the_plain_bound_does_not(judged):
    assert (0, 1) == (judged[1.0].metrics["collapsed"], judged[20.0].metrics["collapsed"])
    assert b"at 20, a nat of code has to save 20 nats" in judged[20.0].files["diagnosis.md"]
    assert judged[20.0].files["finding.txt"].startswith(b"Posterior collapse: ")


def test_no_class_can_be_read_off_a_collapsed_code(judged):
    """Ten classes: by chance, a tenth of the 150 test pictures is right, give or take .025."""
    assert judged[20.0].metrics["probe_accuracy"] < 0.2
    assert judged[1.0].metrics["probe_accuracy"] > 0.5
