import pytest
import torch
from pydantic import ValidationError

from pipeline.testing import run_stage
from plugins.vae.evaluation.bound import importance_weighted
from plugins.vae.fit_stages import IWAE, Fit
from plugins.vae.pixels import inputs
from plugins.vae.training import Examples

GREY = torch.full((200, 1, 4, 4), 64, dtype=torch.uint8)


def test_dynamic_pictures_are_drawn_anew_each_time_they_are_seen():
    generator = torch.Generator().manual_seed(0)
    examples = Examples(GREY, dynamic=True)

    first, second = (examples.batch(torch.arange(200), generator)[0] for _ in range(2))

    assert {0.0, 1.0} == set(first.unique().tolist())
    assert not torch.equal(first, second)
    assert first.mean().item() == pytest.approx(64 / 255, abs=0.03)


def test_test_pictures_are_drawn_once_for_all(digits):
    model = run_stage(Fit(latent_dim=2, hidden=(8,), epochs=1, dynamic_binarisation=True), images=digits).value

    first, again = (inputs(digits.test, model, torch.device("cpu"))[0] for _ in range(2))

    assert model.binarised
    assert torch.equal(first, again)
    assert {0.0, 1.0} == set(first.unique().tolist())


def test_only_the_bernoulli_likelihood_takes_binarised_pictures_and_only_the_categorical_levels():
    with pytest.raises(ValidationError, match="must have the bernoulli likelihood where pictures are binarised"):
        Fit(likelihood="gaussian", dynamic_binarisation=True)
    with pytest.raises(ValidationError, match="must leave out 'levels' unless the likelihood is categorical"):
        Fit(levels=4)
    assert Fit(likelihood="categorical", levels=4).levels == 4


def test_the_likelihood_does_not_depend_on_how_its_samples_are_cut_into_pieces(digits, monkeypatch):
    model = run_stage(IWAE(latent_dim=2, hidden=(8,), epochs=3, k=2), images=digits).value
    x = torch.from_numpy(digits.test.scaled()[:5])

    whole = importance_weighted(model.module(), x, 3000, 0)
    monkeypatch.setattr("plugins.vae.evaluation.bound.CACHED", 640)
    pieces = importance_weighted(model.module(), x, 3000, 0)

    # The variance of a log mean of weights is about 1 / effective sample size; both estimates have it.
    error = (1 / whole.effective_sample_size + 1 / pieces.effective_sample_size).sqrt()
    assert torch.all((whole.log_likelihood - pieces.log_likelihood).abs() < 4 * error)
