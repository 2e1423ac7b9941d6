"""Two pictures in one, each to be told: MultiMNIST (Sabour, Frosst & Hinton 2017) as Sener & Koltun (2018) use it."""

from __future__ import annotations

import numpy as np

from pipeline.context import Context
from pipeline.errors import DataError
from pipeline.types import Images, Split
from plugins.multitask.types import Examples, TaskSet

NAMES = ("top_left", "bottom_right")


def compose(images: Split[Images], shift: int | None, seed: int, context: Context) -> TaskSet:
    """Pictures of the same part in pairs: each once at the top left, once at the bottom right."""
    if any(part.labels is None for part in (images.train, images.validation, images.test)):
        raise DataError("pictures without labels make no tasks. Use a data set that has classes.")
    _, height, _ = images.train.shape
    by = round(2 * height / 7) if shift is None else shift
    parts = [
        overlaid(part, by, np.random.default_rng([seed, number]))
        for number, part in enumerate((images.train, images.validation, images.test))
    ]
    count = int(max(part.targets.max() for part in parts)) + 1
    tasks = TaskSet(NAMES, (count, count), Split(*parts))
    from plugins.multitask import figures

    context.figure("pairs", figures.pairs(tasks.parts.train, images.train.classes))
    return tasks


def overlaid(images: Images, shift: int, rng: np.random.Generator) -> Examples:
    """The brighter of two pixels wins; the canvas is ``shift`` pixels larger than a picture."""
    pixels = images.scaled()
    n, channels, height, width = pixels.shape
    partner = rng.permutation(n)
    canvas = np.zeros((n, channels, height + shift, width + shift), np.float32)
    canvas[:, :, :height, :width] = pixels
    corner = canvas[:, :, shift:, shift:]
    np.maximum(corner, pixels[partner], out=corner)
    assert images.labels is not None
    return Examples(canvas, np.stack([images.labels, images.labels[partner]], 1).astype(np.float32))
