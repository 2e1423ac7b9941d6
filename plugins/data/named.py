"""Published picture data sets, read from the files that their publishers offer."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.context import Context
from pipeline.datasets import Dataset, fetch
from pipeline.types import Images
from plugins.data import omniglot
from plugins.data.registry import DIGITS, FASHION_MNIST, IDX_FILES, OMNIGLOT

_FIGURES = tuple("0123456789")
_CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def load(dataset: Dataset, size: tuple[int, int] | None, context: Context) -> list[Images]:
    """All pictures of a data set, or its official training set and test set; ``size`` where it has none of its own."""
    if dataset is DIGITS:
        return [_digits()]
    files = fetch(dataset, context)
    if dataset is OMNIGLOT:
        return [omniglot.read(files, size)]
    train_pixels, train_labels, test_pixels, test_labels = (read_idx(files[name]) for name in IDX_FILES)
    classes = _CLOTHES if dataset is FASHION_MNIST else _FIGURES
    return [
        Images(train_pixels[:, None], train_labels.astype(np.int64), classes),
        Images(test_pixels[:, None], test_labels.astype(np.int64), classes),
    ]


def read_idx(path: Path) -> np.ndarray:
    """The bytes of a compressed idx file in its shape (http://yann.lecun.com/exdb/mnist/, "the idx file format")."""
    content = gzip.decompress(path.read_bytes())
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape).copy()


def resize(images: Images, size: tuple[int, int] | None) -> Images:
    """The pictures of one channel at another (height, width), interpolated linearly over the area of a pixel."""
    if size is None:
        return images
    height, width = size
    pictures = (
        Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR) for picture in images.pixels[:, 0]
    )
    return Images(np.stack([np.asarray(picture) for picture in pictures])[:, None], images.labels, images.classes)


def _digits() -> Images:
    from sklearn.datasets import load_digits

    digits = load_digits()
    # Grey values 0 to 16, a level each: 255 / 16 keeps them apart.
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return Images(pixels[:, None], digits.target.astype(np.int64), _FIGURES)
