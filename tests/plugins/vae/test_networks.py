import pytest
import torch

from pipeline.errors import DataError
from plugins.vae.networks import DECODERS, ENCODERS, FlattenPixels, UnflattenPixels, halved


@pytest.mark.parametrize("architecture", ENCODERS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (2, 13, 7), (1, 5, 32)])
@pytest.mark.parametrize("hidden", [(6,), (5, 7)])
def test_pictures_of_any_shape_are_encoded_and_decoded(architecture, shape, hidden):
    encoder, decoder = ENCODERS[architecture](shape, hidden, 4), DECODERS[architecture](shape, hidden, 3)

    assert (2, 4) == encoder(torch.zeros(2, *shape)).shape
    assert (2, *shape) == decoder(torch.zeros(2, 3)).shape


def test_pixels_with_channels_last_are_flattened_and_put_back_without_a_copy():
    x = torch.rand(2, 3, 5, 4).to(memory_format=torch.channels_last)

    flat = FlattenPixels()(x)
    back = UnflattenPixels((3, 5, 4))(flat)

    assert x[0, :, 0, 0].tolist() == flat[0, :3].tolist()
    assert torch.equal(x, back)
    assert x.data_ptr() == flat.data_ptr() == back.data_ptr()


def test_channels_stay_last_through_all_convolutions():
    seen = []
    networks = ENCODERS["convolutional"]((3, 12, 9), (4, 6), 5), DECODERS["convolutional"]((3, 12, 9), (4, 6), 5)
    for layer in (layer for network in networks for layer in network if "Conv" in type(layer).__name__):
        layer.register_forward_hook(lambda _, __, output: seen.append(output.stride(1)))

    networks[1](networks[0](torch.rand(2, 3, 12, 9)))

    assert [1] * 4 == seen


def test_halving_keeps_what_is_left_of_odd_sides():
    assert [(28, 13), (14, 6), (7, 3), (3, 1)] == halved((28, 13), 3)


def test_too_many_convolutions_for_a_small_picture_are_refused():
    message = "pictures of 8x28 pixels can be halved 3 times, but 'hidden' lists 4 convolutions"
    with pytest.raises(DataError, match=message):
        ENCODERS["convolutional"]((1, 8, 28), (4, 4, 4, 4), 2)
