import numpy as np

from pipeline.types import Images


def test_pictures_are_tiled_row_by_row_with_white_gaps():
    pixels = np.array([0, 51, 102], np.uint8).reshape(3, 1, 1, 1) * np.ones((1, 1, 1, 2), np.uint8)

    sheet = Images(pixels).tiled(columns=2)

    expected = [[0.0, 0.0, 1.0, 0.2, 0.2], [1.0] * 5, [0.4, 0.4, 1.0, 1.0, 1.0]]
    assert np.allclose(expected, sheet)


def test_colour_pictures_stay_in_colour():
    red = np.array([255, 0, 0], np.uint8).reshape(1, 3, 1, 1)

    assert [[[1.0, 0.0, 0.0]]] == Images(red).tiled(columns=1).tolist()


def test_pictures_of_two_channels_are_shown_by_their_mean():
    pixels = np.array([0.0, 1.0], np.float32).reshape(1, 2, 1, 1)

    assert [[0.5]] == Images(pixels).tiled(columns=1).tolist()


def test_taking_pictures_keeps_their_labels_and_order():
    images = Images(np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1), np.array([3, 2, 1, 0]), tuple("abcd"))

    taken = images.take(np.array([2, 0]))

    assert [2, 0] == taken.pixels.ravel().tolist()
    assert [1, 3] == taken.labels.tolist()
    assert images.classes == taken.classes
