import numpy as np
import pytest

from pipeline.types import Images, Split

torch = pytest.importorskip("torch", reason="the pruning plugin needs torch")
pytest.importorskip("torch_pruning", reason="the pruning plugin needs torch-pruning")


@pytest.fixture(scope="session")
def digits():
    """The digits of scikit-learn in three parts."""
    from sklearn.datasets import load_digits

    data = load_digits()
    pixels = np.rint(data.images * 255 / 16).astype(np.uint8)[:, None]
    images = Images(pixels, data.target.astype(np.int64), tuple("0123456789"))
    return Split(*(images.take(np.arange(start, 1797, 6)) for start in (0, 1, 2)))


@pytest.fixture(scope="session")
def dense(digits):
    """A network trained for a moment."""
    from pipeline.testing import run_stage
    from plugins.pruning.stages import Train

    return run_stage(Train(epochs=8, batch_size=32), images=digits).value


@pytest.fixture(scope="session")
def probe(digits):
    """64 digits to score with."""
    from plugins.pruning.criteria import Probe
    from plugins.pruning.examples import examples
    from plugins.pruning.objective import Objective

    given = examples(digits.train.take(np.arange(64)), torch.device("cpu"))
    return Probe(given, Objective(classifies=True), torch.Generator().manual_seed(0))
