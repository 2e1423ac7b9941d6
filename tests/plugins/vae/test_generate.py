import numpy as np
import pytest
import torch

from pipeline.testing import run_stage
from plugins.vae.fit_stages import Conditional, Fit
from plugins.vae.generation import draw, interpolate, manifold, traverse
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
    assert {"samples.png", "interpolation.png", "traversal.png"} == set(run.files)
    assert set(Generate.emits) == set(run.metrics)


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


def test_a_traversal_moves_one_dimension_at_a_time_the_most_used_first(digits, model):
    network, pixels = model.module(), torch.from_numpy(digits.test.scaled())

    with torch.inference_mode():
        pictures, dimensions, values = traverse(network, pixels)
        deviation = network.represent(pixels).std(0)

    assert (len(dimensions) * len(values), 1, 8, 8) == pictures.pixels.shape
    assert torch.argsort(-deviation).tolist() == dimensions
    rows = pictures.pixels.reshape(len(dimensions), len(values), -1)
    assert np.abs(rows[0, 0] - rows[0, -1]).mean() > 0.02
    assert values == sorted(values)


def test_the_manifold_goes_from_low_to_high_in_both_directions(digits):
    network = run_stage(Fit(latent_dim=2, hidden=(16,), epochs=1), images=digits).value.module()

    with torch.inference_mode():
        pictures = manifold(network, torch.device("cpu"), side=3).flatten(1)
        corners = network.decode(torch.tensor([[-0.9674, 0.9674], [0.9674, -0.9674]])).flatten(1)

    assert torch.allclose(corners, pictures[[0, 8]], atol=1e-4)


def test_a_conditional_model_draws_its_classes_in_turn(digits):
    model = run_stage(Conditional(latent_dim=2, hidden=(16,), epochs=1), images=digits).value

    with torch.inference_mode():
        images = draw(model.module(), model, 23, torch.Generator().manual_seed(0))

    assert [*range(10), *range(10), 0, 1, 2] == images.labels.tolist()
