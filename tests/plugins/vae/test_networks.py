import pytest
import torch

from pipeline.errors import DataError
from plugins.vae.networks import DECODERS, ENCODERS, halved


@pytest.mark.parametrize("architecture", ENCODERS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (2, 13, 7), (1, 5, 32)])
@pytest.mark.parametrize("hidden", [(6,), (5, 7)])
def test_pictures_of_any_shape_are_encoded_and_decoded(architecture, shape, hidden):
    encoder, decoder = ENCODERS[architecture](shape, hidden, 4), DECODERS[architecture](shape, hidden, 3)

    assert (2, 4) == encoder(torch.zeros(2, *shape)).shape
    assert (2, *shape) == decoder(torch.zeros(2, 3)).shape


def test_halving_keeps_what_is_left_of_odd_sides():
    assert [(28, 13), (14, 6), (7, 3), (3, 1)] == halved((28, 13), 3)


def test_too_many_convolutions_for_a_small_picture_are_refused():
    message = "pictures of 8x28 pixels can be halved 3 times, but 'hidden' lists 4 convolutions"
    with pytest.raises(DataError, match=message):
        ENCODERS["convolutional"]((1, 8, 28), (4, 4, 4, 4), 2)
