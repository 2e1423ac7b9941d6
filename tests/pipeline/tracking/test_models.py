"""Fitted artifacts as MLflow models: loaded again, they predict the same, also where our code is not installed."""

import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version

import mlflow
import numpy as np
import pytest
import torch

from pipeline.tracking.location import Location
from pipeline.tracking.models import log_model, register
from pipeline.tracking.server import open_client
from pipeline.types import Predictor, TorchModel

pytestmark = pytest.mark.slow

INPUTS = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)

PLUGIN = """
from dataclasses import dataclass
import numpy as np
import torch
from pipeline.types import Predictor, TorchModel

class Choosy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)
    def forward(self, x):
        return self.layer(x) if x.sum().item() > 1e9 else self.layer(x) + 1

@dataclass(frozen=True)
class ChoosyModel(TorchModel):
    def build(self):
        return Choosy()

@dataclass(frozen=True)
class Weighted(Predictor):
    weights: np.ndarray
    def predict(self, inputs):
        return inputs @ self.weights
"""


@dataclass(frozen=True)
class LinearModel(TorchModel):
    outputs: int

    def build(self) -> torch.nn.Module:
        return torch.nn.Linear(3, self.outputs)


@dataclass(frozen=True)
class Mean(Predictor):
    offset: float

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        return inputs.mean(axis=1) + self.offset


@pytest.fixture
def point_mlflow_at(monkeypatch):
    """Sets MLflow's own address, which it also writes to the environment, for one test."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    yield mlflow.set_tracking_uri
    mlflow.set_tracking_uri("")


@pytest.fixture
def run_id(client, folder, point_mlflow_at):
    point_mlflow_at(Location.of(folder).uri)
    experiment = client.create_experiment("digits", str(folder / "mlartifacts"))
    run = client.create_run(experiment)
    client.log_param(run.info.run_id, "model.size", 3)
    return run.info.run_id


@pytest.fixture
def linear():
    torch.manual_seed(0)
    return LinearModel(2, state=torch.nn.Linear(3, 2).state_dict())


def load_elsewhere(uri, folder, inputs) -> np.ndarray:
    """Predictions by a process that has neither this project nor its plugins on its path."""
    np.save(folder / "inputs.npy", inputs)
    code = (
        "import sys, mlflow, numpy as np\n"
        f"sys.path = [p for p in sys.path if p not in ({str(sys.path[0])!r}, '', '.')]\n"
        f"model = mlflow.pyfunc.load_model({uri!r})\n"
        "np.save('outputs.npy', model.predict(np.load('inputs.npy')))"
    )
    subprocess.run([sys.executable, "-P", "-c", code], cwd=folder, check=True, capture_output=True, env={"PATH": ""})
    return np.load(folder / "outputs.npy")


def test_a_torch_model_is_a_graph_with_signature_example_and_pinned_requirements(client, run_id, linear):
    logged = log_model(client, run_id, linear, "model", INPUTS)

    model = mlflow.pyfunc.load_model(logged.uri)
    assert np.allclose(linear.predict(INPUTS), model.predict(INPUTS))
    assert (-1, 3) == model.metadata.signature.inputs.inputs[0].shape
    assert (-1, 2) == model.metadata.signature.outputs.inputs[0].shape
    assert np.allclose(INPUTS, model.input_example)
    requirements = mlflow.artifacts.download_artifacts(logged.uri) + "/requirements.txt"
    with open(requirements) as file:
        assert f"torch=={version('torch').partition('+')[0]}" in file.read().splitlines()
    network = mlflow.pytorch.load_model(logged.uri)
    assert np.allclose(linear.predict(INPUTS[:2]), network(torch.from_numpy(INPUTS[:2])).detach().numpy())


def test_a_run_shows_its_models_and_their_parameters(client, run_id, linear):
    logged = log_model(client, run_id, linear, "stage.model", INPUTS)

    assert [logged.id] == [output.model_id for output in client.get_run(run_id).outputs.model_outputs]
    [entity] = client.search_logged_models([client.get_run(run_id).info.experiment_id])
    assert ("stage_model", "READY", {"model.size": "3"}) == (entity.name, entity.status.name, entity.params)
    assert "LinearModel" == entity.model_type


def test_any_other_predictor_is_a_pyfunc(client, run_id):
    logged = log_model(client, run_id, Mean(0.5), "model", INPUTS)

    assert np.allclose(Mean(0.5).predict(INPUTS), mlflow.pyfunc.load_model(logged.uri).predict(INPUTS))


def test_registering_makes_versions_and_moves_the_alias(client, run_id, linear):
    first = register(client, log_model(client, run_id, linear, "model", INPUTS), "digits", alias="best")
    second = register(client, log_model(client, run_id, Mean(1.0), "model", INPUTS), "digits", alias="best")

    assert ("1", "2") == (first, second)
    best = client.get_model_version_by_alias("digits", "best")
    assert ("2", run_id) == (str(best.version), best.run_id)
    assert np.allclose(Mean(1.0).predict(INPUTS), mlflow.pyfunc.load_model("models:/digits@best").predict(INPUTS))


@pytest.mark.parametrize("name", ["ChoosyModel", "Weighted"])
def test_a_local_plugins_model_loads_where_its_file_is_not(client, run_id, folder, tmp_path_factory, name):
    from pipeline.plugins import _import_file

    plugin = tmp_path_factory.mktemp("plugin") / "my_models.py"
    plugin.write_text(PLUGIN)
    module = _import_file(plugin)
    if name == "ChoosyModel":
        artifact = module.ChoosyModel(state=module.Choosy().state_dict())
    else:
        artifact = module.Weighted(np.arange(3.0))
    logged = log_model(client, run_id, artifact, "model", INPUTS)
    expected = artifact.predict(INPUTS)
    sys.path.remove(str(plugin.parent))
    plugin.unlink()

    assert np.allclose(expected, load_elsewhere(logged.location, folder, INPUTS))


def test_a_model_that_cannot_be_saved_is_marked_failed(client, run_id):
    class Broken(Mean):
        def predict(self, inputs):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        log_model(client, run_id, Broken(1.0), "model", INPUTS)

    [entity] = client.search_logged_models([client.get_run(run_id).info.experiment_id])
    assert "FAILED" == entity.status.name


def test_models_are_logged_and_registered_over_http(server, folder, linear, point_mlflow_at):
    if not server.answers():
        server.start()
    client = open_client(Location.of(folder, server.uri))
    point_mlflow_at(server.uri)
    run_id = client.create_run(client.create_experiment("models over http")).info.run_id

    logged = log_model(client, run_id, linear, "model", INPUTS)
    register(client, logged, "over http", alias="best")

    model = mlflow.pyfunc.load_model("models:/over http@best")
    assert np.allclose(linear.predict(INPUTS), model.predict(INPUTS))
