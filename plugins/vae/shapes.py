"""Pictures of one bright shape whose every factor is known: kind, size, place, brightness; after dSprites, but ours.

Matthey et al., "dSprites" (2017) has 737,280 pictures of 64x64; this set is drawn in a second and needs no download.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from pipeline.context import Context
from pipeline.types import Split
from plugins.vae import figures
from plugins.vae.types import FactorImages

if TYPE_CHECKING:
    from plugins.vae.stages import Shapes

KINDS = ("square", "disc", "cross")
SIZES = (3.0, 4.0, 5.0)
BRIGHTNESSES = (0.5, 0.75, 1.0)
PLACES = 8
SIDE = 24
OVERSAMPLING = 4
NAMES = ("kind", "size", "x", "y", "brightness")


def make(stage: Shapes, context: Context) -> Split[FactorImages]:
    """Every combination of the factors once, in three parts by chance."""
    factors = np.array(list(product(*(range(n) for n in (len(KINDS), len(SIZES), PLACES, PLACES, len(BRIGHTNESSES))))))
    pixels = np.stack([_draw(*row) for row in factors])[:, None]
    images = FactorImages(pixels, factors[:, 0].astype(np.int64), KINDS, factors=factors, factor_names=NAMES)
    order = np.random.default_rng(stage.split_seed).permutation(len(images))
    validation, test, train = np.split(order, [len(order) // 10, 3 * len(order) // 10])
    context.figure("shapes", figures.samples(images.take(train[:60]), title="Shapes of the training part"))
    return Split(*(images.take(part) for part in (train, validation, test)))


def _draw(kind: int, size: int, x: int, y: int, brightness: int) -> np.ndarray:
    """One picture (SIDE, SIDE), uint8, with smooth edges."""
    radius = SIZES[size]
    centres = np.linspace(6, SIDE - 6, PLACES)
    grid = (np.arange(SIDE * OVERSAMPLING) + 0.5) / OVERSAMPLING
    right, down = np.abs(grid[None, :] - centres[x]), np.abs(grid[:, None] - centres[y])
    inside = {
        "square": (right < radius * 0.85) & (down < radius * 0.85),
        "disc": right**2 + down**2 < radius**2,
        "cross": ((right < radius / 3) & (down < radius)) | ((down < radius / 3) & (right < radius)),
    }[KINDS[kind]]
    shares = inside.reshape(SIDE, OVERSAMPLING, SIDE, OVERSAMPLING).mean((1, 3))
    return np.rint(255 * BRIGHTNESSES[brightness] * shares).astype(np.uint8)
