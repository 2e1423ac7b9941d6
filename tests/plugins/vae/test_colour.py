import numpy as np

from pipeline.testing import run_stage
from pipeline.types import Images, Split
from plugins.vae.fit_stages import Fit


def coloured_discs(count):
    """Discs (count, 3, 16, 16) of one of three colours on a ground of another, here and there."""
    rng = np.random.default_rng(0)
    colours = np.array([(230, 60, 40), (50, 170, 80), (60, 90, 220)], np.uint8)
    grid = np.arange(16)
    disc, ground = rng.permuted(np.tile(np.arange(3), (count, 1)), axis=1)[:, :2].T
    x, y = rng.integers(5, 11, (2, count))
    inside = (grid - x[:, None])[:, None, :] ** 2 + (grid - y[:, None])[:, :, None] ** 2 < 20
    pixels = np.where(inside[:, None], colours[disc][:, :, None, None], colours[ground][:, :, None, None])
    return Images(pixels)


def test_a_convolutional_model_learns_the_colours_of_a_few_pictures_with_all_settings_as_they_are():
    images = coloured_discs(300)
    split = Split(*(images.take(np.arange(*part)) for part in ((200,), (200, 250), (250, 300))))

    model = run_stage(Fit(architecture="convolutional"), images=split).value

    pixels = split.test.scaled()

    def error(reconstructions):
        return np.square(reconstructions - pixels).mean()

    grey, mean = pixels.mean(1, keepdims=True), split.train.scaled().mean(0)
    assert error(model.predict(pixels)) < 0.5 * min(error(grey), error(mean))
