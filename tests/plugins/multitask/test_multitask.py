import numpy as np
import pytest
import torch
from torchjd.aggregation import MGDA, PCGrad

from pipeline.errors import DataError
from pipeline.testing import conformance_checks, run_stage
from pipeline.types import Split
from plugins.multitask.balancing import mgda, pcgrad
from plugins.multitask.evaluation import gains
from plugins.multitask.stages import Evaluate, Fit
from plugins.multitask.types import Examples, TaskSet


@pytest.fixture(scope="module")
def tasks():
    """A number and a yes-or-no target of the same four inputs."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 4)).astype(np.float32)
    targets = np.stack([inputs.sum(1), inputs[:, 0] > 0], 1).astype(np.float32)
    parts = (Examples(inputs[rows], targets[rows]) for rows in (slice(0, 200), slice(200, 250), slice(250, 300)))
    return TaskSet(("number", "sign"), (False, True), Split(*parts))


@pytest.mark.parametrize("check", conformance_checks("plugins.multitask.stages"), ids=str)
def test_the_plugin_conforms(check):
    check()


def test_opposing_gradients_lose_what_opposes():
    gradients = torch.tensor([[1.0, 0.0], [-1.0, 1.0]])

    assert torch.allclose(torch.tensor([0.25, 0.75]), pcgrad(gradients, torch.Generator()))


def test_two_gradients_equal_those_of_torchjd():
    gradients = torch.tensor([[1.0, 2.0, -1.0], [-2.0, 0.5, 1.0]], dtype=torch.float64)

    assert torch.allclose(PCGrad()(gradients) / 2, pcgrad(gradients, torch.Generator()))
    assert torch.allclose(MGDA(epsilon=1e-9, max_iters=1000)(gradients), mgda(gradients, torch.Generator()), atol=1e-4)


def test_the_shortest_vector_lowers_every_task():
    gradients = torch.randn(4, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    assert (gradients @ mgda(gradients, torch.Generator()) > 0).all()


def test_a_gain_is_positive_where_it_is_better():
    gain = gains(np.array([0.9, 0.5]), np.array([0.8, 0.4]), np.array([True, False]))

    assert [12.5, -25.0] == pytest.approx(gain.tolist())


@pytest.mark.parametrize(
    ("architecture", "balancing"),
    [
        ("hard_sharing", "equal"),
        ("hard_sharing", "uncertainty"),
        ("mixture_of_experts", "pcgrad"),
        ("cross_stitch", "mgda"),
    ],
)
def test_architectures_and_balancings_learn_both_tasks(tasks, architecture, balancing):
    stage = Fit(
        architecture=architecture, balancing=balancing, hidden=(16, 8), epochs=12, batch_size=32, learning_rate=0.01
    )
    model = run_stage(stage, tasks=tasks).value
    judged = run_stage(Evaluate(), model=model, data=tasks)

    error, auc = judged.value.together
    assert error < 1.5
    assert auc > 0.85
    assert judged.metrics["delta_m"] == pytest.approx(judged.value.gain.mean())


def test_one_task_is_refused(tasks):
    lonely = TaskSet(("number",), (False,), tasks.parts)

    with pytest.raises(DataError, match="there is one task, number: learning tasks together needs two or more"):
        run_stage(Fit(), tasks=lonely)
