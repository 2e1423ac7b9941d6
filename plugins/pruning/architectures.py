"""Networks to prune, from pictures (n, channels, height, width) in 0..1 or rows (n, columns) to logits (n, classes)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.errors import DataError

Shape = tuple[int, ...]


def lenet_300_100(shape: Shape, classes: int) -> nn.Sequential:
    """Two hidden layers of 300 and 100 units (LeCun et al. 1998); 266,610 parameters on MNIST."""
    widths = [prod(shape), 300, 100]
    hidden = [layer for before, after in pairwise(widths) for layer in (nn.Linear(before, after), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(100, classes))


def mlp(shape: Shape, classes: int) -> nn.Sequential:
    """Two hidden layers of 256 units with batch normalisation, which also puts columns of a table on one scale."""
    features = prod(shape)
    return nn.Sequential(
        nn.Flatten(),
        nn.BatchNorm1d(features, affine=False),
        *(nn.Linear(features, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU()),
        *(nn.Linear(256, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU()),
        nn.Linear(256, classes),
    )


def lenet_5(shape: Shape, classes: int) -> nn.Sequential:
    """Caffe's LeNet-5, which the pruning literature means by the name; 431,080 parameters on MNIST."""
    channels, height, width = _picture(shape, "lenet_5")
    if min(height, width) < 16:
        raise DataError(
            f"pictures of {height}x{width} pixels are too small for lenet_5, which needs 16x16. "
            "Choose lenet_300_100, vgg or resnet, or set 'size' of data.images."
        )
    area = ((height - 4) // 2 - 4) // 2 * (((width - 4) // 2 - 4) // 2)
    return nn.Sequential(
        nn.Conv2d(channels, 20, 5),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(50 * area, 500),
        nn.ReLU(),
        nn.Linear(500, classes),
    )


def vgg(shape: Shape, classes: int) -> nn.Sequential:
    """A small VGG (Simonyan & Zisserman 2015) with batch normalisation: 32, 64 and 128 channels, two layers each."""
    layers: list[nn.Module] = []
    before = _picture(shape, "vgg")[0]
    for index, channels in enumerate((32, 64, 128)):
        for _ in range(2):
            layers += [nn.Conv2d(before, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
            before = channels
        if index < 2:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut (He et al. 2016, figure 2)."""

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        same = stride == 1 and before == channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(before, channels, 1, stride, bias=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, before, height, width) gives (n, channels, height / stride, width / stride)."""
        inner = functional.relu(self.norm1(self.conv1(pixels)))
        return functional.relu(self.norm2(self.conv2(inner)) + self.shortcut(pixels))


def resnet(shape: Shape, classes: int) -> nn.Sequential:
    """A residual network of eight layers: stages of 16, 32 and 64 channels (He et al. 2016, section 4.2)."""
    return nn.Sequential(
        nn.Conv2d(_picture(shape, "resnet")[0], 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        ResidualBlock(16, 16, 1),
        ResidualBlock(16, 32, 2),
        ResidualBlock(32, 64, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, classes),
    )


def _picture(shape: Shape, architecture: str) -> tuple[int, int, int]:
    """The shape as a picture's; DataError where it is a row's."""
    if len(shape) != 3:
        raise DataError(f"{architecture} is for pictures, and these are rows of a table. Choose mlp or lenet_300_100.")
    channels, height, width = shape
    return channels, height, width


ARCHITECTURES: dict[str, Callable[[Shape, int], nn.Module]] = {
    "lenet_300_100": lenet_300_100,
    "lenet_5": lenet_5,
    "mlp": mlp,
    "vgg": vgg,
    "resnet": resnet,
}


def made(architecture: str, shape: Shape, classes: int, seed: int) -> nn.Module:
    """The network with weights drawn from ``seed``, without touching torch's own generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ARCHITECTURES[architecture](shape, classes)
