"""Encoders, from pictures (n, channels, height, width) of any shape to vectors (n, size), and decoders back.

Convolutions work on memory in which the channels of a pixel lie side by side ("channels last"): what computes them,
oneDNN with bfloat16 above all, wants it so, and would otherwise turn every layer's numbers round and back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from pipeline.errors import DataError
from plugins.vae.likelihoods import likelihood

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Networks:
    """What a model is built of: how pictures of ``shape`` (channels, height, width) are encoded, decoded, judged."""

    shape: Shape
    architecture: str
    hidden: tuple[int, ...]
    likelihood_name: str
    levels: int = 2

    def encoder(self, size: int) -> nn.Module:
        """From pictures to ``size`` numbers."""
        return ENCODERS[self.architecture](self.shape, self.hidden, size)

    def decoder(self, size: int) -> nn.Module:
        """From ``size`` numbers to what the likelihood needs to know of each pixel."""
        channels, *area = self.shape
        return DECODERS[self.architecture]((channels * self.likelihood().depth, *area), self.hidden, size)

    def likelihood(self) -> nn.Module:
        """With fresh parameters."""
        return likelihood(self.likelihood_name, self.levels)


def mlp(*widths: int) -> nn.Sequential:
    """Fully connected layers from the first width to the last, with rectifiers between them."""
    return nn.Sequential(*_layers(widths[:-1]), nn.Linear(*widths[-2:]))


def mlp_encoder(shape: Shape, hidden: Sequence[int], size: int) -> nn.Sequential:
    """Fully connected layers of the widths ``hidden``."""
    return nn.Sequential(nn.Flatten(), *_layers([prod(shape), *hidden]), nn.Linear([prod(shape), *hidden][-1], size))


def mlp_decoder(shape: Shape, hidden: Sequence[int], size: int) -> nn.Sequential:
    """The mirror image of ``mlp_encoder``."""
    widths = [size, *reversed(hidden)]
    return nn.Sequential(*_layers(widths), nn.Linear(widths[-1], prod(shape)), nn.Unflatten(1, shape))


class ConvolutionalEncoder(nn.Sequential):
    """Layers that are given pictures with channels last."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, size)."""
        return super().forward(x.to(memory_format=torch.channels_last))


class ConvolutionalDecoder(nn.Sequential):
    """Layers whose pictures come out contiguous, as the data they are compared with."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, size) to (n, channels, height, width)."""
        return super().forward(x).contiguous()


class FlattenPixels(nn.Module):
    """(n, channels, height, width) to (n, height * width * channels), pixel by pixel: no copy with channels last."""

    def forward(self, x: Tensor) -> Tensor:
        """The same numbers."""
        return x.permute(0, 2, 3, 1).flatten(1)


class UnflattenPixels(nn.Module):
    """The way back, to ``shape`` (channels, height, width)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """The same numbers."""
        channels, height, width = self.shape
        return x.unflatten(1, (height, width, channels)).permute(0, 3, 1, 2)


def convolutional_encoder(shape: Shape, hidden: Sequence[int], size: int) -> nn.Sequential:
    """Convolutions of stride 2 with ``hidden`` channels, each halving height and width."""
    channels, *area = shape
    layers: list[nn.Module] = []
    for before, after in pairwise([channels, *hidden]):
        layers += [nn.Conv2d(before, after, kernel_size=4, stride=2, padding=1), nn.ReLU()]
    smallest = halved(area, len(hidden))[-1]
    return ConvolutionalEncoder(*layers, FlattenPixels(), nn.Linear(hidden[-1] * prod(smallest), size))


def convolutional_decoder(shape: Shape, hidden: Sequence[int], size: int) -> nn.Sequential:
    """The mirror image of ``convolutional_encoder``."""
    channels, *area = shape
    areas = halved(area, len(hidden))
    start = (hidden[-1], *areas[-1])
    layers: list[nn.Module] = [nn.Linear(size, prod(start)), UnflattenPixels(start)]
    targets = reversed(areas[:-1])
    for (before, after), target in zip(pairwise([*reversed(hidden), channels]), targets, strict=True):
        # Halving an odd side loses a row, which the transposed convolution has to add again.
        odd = (target[0] % 2, target[1] % 2)
        layers += [
            nn.ReLU(),
            nn.ConvTranspose2d(before, after, kernel_size=4, stride=2, padding=1, output_padding=odd),
        ]
    return ConvolutionalDecoder(*layers)


def halved(area: Sequence[int], times: int) -> list[tuple[int, ...]]:
    """(height, width) before and after each halving; DataError where nothing would be left of a side."""
    areas = [tuple(area)]
    for _ in range(times):
        areas.append(tuple(side // 2 for side in areas[-1]))
    if min(areas[-1]) == 0:
        height, width = area
        most = min(height, width).bit_length() - 1
        raise DataError(
            f"pictures of {height}x{width} pixels can be halved {most} times, but 'hidden' lists {times} convolutions. "
            "List fewer, or give larger pictures."
        )
    return areas


def _layers(widths: Sequence[int]) -> list[nn.Module]:
    return [layer for before, after in pairwise(widths) for layer in (nn.Linear(before, after), nn.ReLU())]


ENCODERS = {"mlp": mlp_encoder, "convolutional": convolutional_encoder}
DECODERS = {"mlp": mlp_decoder, "convolutional": convolutional_decoder}
