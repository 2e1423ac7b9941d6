import numpy as np
import pytest

from pipeline.types import Split
from plugins.multitask.types import Examples, TaskSet


@pytest.fixture(scope="session")
def tasks():
    """A number, a yes-or-no target and one of three classes, all of the same four inputs."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 4)).astype(np.float32)
    thirds = np.digitize(inputs[:, 1], (-0.4, 0.4))
    targets = np.stack([inputs.sum(1), inputs[:, 0] > 0, thirds], 1).astype(np.float32)
    parts = (Examples(inputs[rows], targets[rows]) for rows in (slice(0, 200), slice(200, 250), slice(250, 300)))
    return TaskSet(("number", "sign", "third"), (1, 2, 3), Split(*parts))
