import numpy as np
import pytest

from pipeline.types import Images
from plugins.vae import figures


def pictures(n, value, shape=(1, 2, 2)):
    return Images(np.full((n, *shape), value, np.float32))


def texts(figure):
    figure.draw_without_rendering()
    axes = figure.axes[0]
    return axes.get_title(), [label.get_text() for label in axes.get_yticklabels()]


def test_each_reconstruction_stands_below_its_picture():
    figure = figures.reconstructions(pictures(3, 0.2), pictures(3, 0.8), elbo=-24.25, columns=2)

    sheet = figure.axes[0].images[0].get_array()
    assert np.allclose([0.2, 0.8, 0.2, 0.8], sheet[::3, 0])
    assert np.allclose([0.2, 0.8, 1.0, 1.0], sheet[::3, -1])
    title, rows = texts(figure)
    assert "Test pictures and their reconstructions (evidence lower bound -24.2 nats)" == title
    assert ["picture", "reconstruction"] * 2 == rows


def test_an_interpolation_stands_between_its_two_pictures():
    ends = Images(np.array([0.1, 0.9], np.float32).reshape(2, 1, 1, 1))
    between = Images(np.array([0.2, 0.5, 0.8], np.float32).reshape(3, 1, 1, 1))

    sheet = figures.interpolation(ends, between).axes[0].images[0].get_array()

    assert np.allclose([0.1, 0.2, 0.5, 0.8, 0.9], sheet[0, ::2])


@pytest.mark.parametrize("n", [1, 7, 500])
def test_at_most_ten_rows_of_samples_are_shown(n):
    figure = figures.samples(pictures(n, 0.5, shape=(3, 4, 5)))

    rows = min(10, -(-n // 10))
    assert (rows * 5 - 1, min(10, n) * 6 - 1, 3) == figure.axes[0].images[0].get_array().shape


def test_pictures_of_a_conditional_model_stand_in_a_column_for_each_class():
    labels = np.array([0, 1, 2, 0, 1, 2, 0])
    pixels = (labels / 4 + np.arange(7) / 100).astype(np.float32).reshape(7, 1, 1, 1)

    figure = figures.samples_by_class(Images(pixels, labels, ("cat", "dog", "cow")))

    sheet = figure.axes[0].images[0].get_array()
    assert np.allclose([[0.0, 0.26, 0.52], [0.03, 0.29, 0.55]], sheet[::2, ::2])
    assert ["cat", "dog", "cow"] == [label.get_text() for label in figure.axes[0].get_xticklabels()]


def test_dimensions_are_ordered_by_what_they_carry():
    axes = figures.kl_per_dimension(np.array([0.1, 2.0, 0.5])).axes[0]

    assert [2.0, 0.5, 0.1] == [bar.get_height() for bar in axes.patches]
    assert ["1", "2", "0"] == [label.get_text() for label in axes.get_xticklabels()]


@pytest.mark.parametrize("epochs", [1, 30])
def test_training_curves_show_the_settled_part(epochs):
    history = [
        {"train_elbo": -1000.0 / epoch, "elbo": -1010.0 / epoch, "kl": float(epoch)} for epoch in range(1, epochs + 1)
    ]

    bound, divergence = figures.training(history).axes

    lowest, highest = bound.get_ylim()
    assert lowest < -1010 / max(1, epochs // 10 + 1) < -1000 / epochs < highest
    assert 0 == divergence.get_ylim()[0]


def test_training_curves_say_what_their_nats_are_of():
    axes = figures.training([{"train_elbo": -2.0, "elbo": -3.0, "kl": 1.0}], "row").axes

    assert ["nats per row"] * 2 == [each.get_ylabel() for each in axes]
