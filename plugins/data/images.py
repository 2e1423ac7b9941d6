"""What `data.images` does: load, limit, resize, split, show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.context import Context
from pipeline.types import Images, Split
from plugins.data import figures, folder, named
from plugins.data.registry import DATASETS
from plugins.data.split import sample, split

if TYPE_CHECKING:
    from plugins.data import stages


def load(stage: stages.Images, context: Context) -> Split[Images]:
    """The pictures that the stage asks for, in three parts; DataError where that cannot be."""
    official_test: list[Images] = []
    if stage.folder is not None:
        pool = _from_folder(stage, stage.folder, context)
    else:
        dataset = next(dataset for dataset in DATASETS if dataset.name == stage.dataset)
        context.text("source.md", dataset.describe())
        pool, *official_test = (_fitted(stage, images) for images in named.load(dataset, _size(stage), context))
    labels = np.zeros(len(pool), np.int64) if pool.labels is None else pool.labels
    shares = [stage.validation] if official_test else [stage.validation, stage.test_share]
    parts = Split(*(pool.take(part) for part in split(labels, shares, stage.split_seed)), *official_test)
    if stage.binarise:
        rng = np.random.default_rng(stage.split_seed)
        parts = Split(*(binarised(part, rng) for part in (parts.train, parts.validation, parts.test)))
    context.figure("pictures", figures.contact_sheet(parts))
    return parts


def binarised(images: Images, rng: np.random.Generator) -> Images:
    """Black and white pictures: each pixel is drawn once, white with the probability of its grey value.

    As Salakhutdinov & Murray (2008) made the "static" binarised MNIST; their draws are not ours.
    """
    pixels = np.empty(images.pixels.shape, np.uint8)
    for start in range(0, len(images), 1000):
        part = images.take(np.arange(start, min(start + 1000, len(images)))).scaled()
        pixels[start : start + 1000] = np.where(rng.random(part.shape, np.float32) < part, 255, 0)
    return Images(pixels, images.labels, images.classes)


def _from_folder(stage: stages.Images, path: Path, context: Context) -> Images:
    listing = folder.find(path)
    if stage.limit is not None:
        # Before reading: a subset of a large folder should not cost the whole of it.
        listing = listing.take(_sample(stage, listing.labels, stage.limit))
    return folder.read(listing, _size(stage), stage.grayscale, context)


def _fitted(stage: stages.Images, images: Images) -> Images:
    """Published pictures, limited and resized."""
    if stage.limit is not None and images.labels is not None:
        images = images.take(_sample(stage, images.labels, stage.limit))
    return named.resize(images, _size(stage))


def _sample(stage: stages.Images, labels: np.ndarray, size: int) -> np.ndarray:
    return sample(labels, size, np.random.default_rng(stage.split_seed))


def _size(stage: stages.Images) -> tuple[int, int] | None:
    return (stage.size, stage.size) if isinstance(stage.size, int) else stage.size
