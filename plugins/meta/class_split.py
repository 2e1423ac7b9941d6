"""Parts of labelled pictures that share no class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.errors import DataError
from pipeline.types import Images, Split


def pooled(parts: Split[Images]) -> Images:
    """All pictures of a split in one."""
    images = (parts.train, parts.validation, parts.test)
    if any(part.labels is None for part in images):
        raise DataError("pictures without labels make no classification tasks. Use a data set that has classes.")
    labels = np.concatenate([part.labels for part in images if part.labels is not None])
    return Images(np.concatenate([part.pixels for part in images]), labels, parts.train.classes)


def by_class(images: Images, sizes: Sequence[int], seed: int) -> tuple[list[Images], list[np.ndarray]]:
    """The rest, and a part of so many classes for each of ``sizes``, drawn at random; and the classes of each part."""
    assert images.labels is not None
    found = np.unique(images.labels)
    if sum(sizes) >= len(found):
        raise DataError(
            f"{' and '.join(map(str, sizes))} classes to validate and test on leave none of the {len(found)} classes "
            "to train on. Lower 'validation_classes' or 'test_classes'."
        )
    shuffled = np.random.default_rng(seed).permutation(found)
    *parts, rest = np.split(shuffled, np.cumsum(sizes))
    chosen = [np.sort(part) for part in (rest, *parts)]
    return [images.take(np.flatnonzero(np.isin(images.labels, classes))) for classes in chosen], chosen
