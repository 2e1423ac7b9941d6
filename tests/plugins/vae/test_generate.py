import numpy as np
import pytest
import torch

from pipeline.testing import run_stage
from plugins.vae.fit_stages import Fit
from plugins.vae.generation import interpolate
from plugins.vae.stages import Generate


@pytest.fixture(scope="module")
def model(digits):
    return run_stage(Fit(latent_dim=4, hidden=(32,), epochs=3), images=digits).value


def test_as_many_pictures_as_asked_for_are_drawn(digits, model):
    run = run_stage(Generate(count=13), model=model, images=digits)

    assert (13, 1, 8, 8) == run.value.pixels.shape
    assert np.float32 == run.value.pixels.dtype
    assert run.value.labels is None
    assert 0 <= run.value.pixels.min() < run.value.pixels.max() <= 1
    assert {"samples.png", "interpolation.png"} == set(run.files)


def test_the_seed_decides_which_pictures_are_drawn(digits, model):
    first, again, other = (run_stage(Generate(count=5), seed=s, model=model, images=digits).value for s in (0, 0, 1))

    assert np.array_equal(first.pixels, again.pixels)
    assert not np.array_equal(first.pixels, other.pixels)


def test_an_interpolation_begins_and_ends_with_the_reconstructions(digits, model):
    network = model.module()
    pixels = torch.from_numpy(digits.test.scaled()[:6])

    with torch.inference_mode():
        between = interpolate(network, pixels, steps=5).unflatten(0, (3, 5))
        reconstructions = network(pixels)

    assert torch.allclose(reconstructions[0::2], between[:, 0], atol=1e-6)
    assert torch.allclose(reconstructions[1::2], between[:, -1], atol=1e-6)
