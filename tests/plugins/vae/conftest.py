import numpy as np
import pytest

from pipeline.types import Images, Split


@pytest.fixture(scope="session")
def digits():
    """The digits of scikit-learn in three parts, small enough for an epoch in a hundredth of a second."""
    from sklearn.datasets import load_digits

    data = load_digits()
    pixels = np.rint(data.images * 255 / 16).astype(np.uint8)[:, None]
    images = Images(pixels, data.target.astype(np.int64), tuple("0123456789"))
    return Split(*(images.take(np.arange(start, 1797, 12)) for start in (0, 1, 2)))
