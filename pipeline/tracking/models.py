"""A fitted artifact as a model in MLflow's own formats, and its name in the registry. Imports mlflow when called."""

from __future__ import annotations

import ast
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.types import Predictor, TorchModel

if TYPE_CHECKING:
    import numpy as np
    import torch
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

_OURS = "pipeline"


@dataclass(frozen=True)
class LoggedModel:
    """A model in MLflow: load it with ``mlflow.pyfunc.load_model(uri)``. ``location`` is where its files are."""

    id: str
    run_id: str
    location: str

    @property
    def uri(self) -> str:
        """MLflow's address of it."""
        return f"models:/{self.id}"


def log_model(client: MlflowClient, run_id: str, artifact: Predictor, name: str, example: np.ndarray) -> LoggedModel:
    """Log ``artifact`` as the model ``name`` (often its stage's name) of a run.

    A ``TorchModel`` whose network maps inputs to one tensor is logged in the pytorch format, as an exported graph that
    needs no code of ours, or pickled with its code where torch cannot export it; any other ``Predictor`` as pyfunc,
    with its code. ``example``: two inputs or more, (n, ...); signature and input example come from it. Requirements are
    the libraries that the artifact's package imports, in the installed versions: MLflow would take half a minute to
    find them out.
    """
    import numpy as np
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    run = client.get_run(run_id)
    allowed = re.sub(r"[/:.%\"']", "_", name) or "model"
    logged = client.create_logged_model(
        run.info.experiment_id,
        allowed,
        source_run_id=run_id,
        params=dict(run.data.params),
        model_type=type(artifact).__name__,
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "model")
            model = Model(
                artifact_path=logged.artifact_location,
                run_id=run_id,
                model_uuid=logged.model_id,
                model_id=logged.model_id,
            )
            network = _traceable(artifact, example)
            if network is not None:
                _save_torch(artifact, network, path, model, np.asarray(example, dtype=np.float32))
            else:
                _save_predictor(artifact, path, model, example)
            client.log_model_artifacts(logged.model_id, path)
    except BaseException:
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.FAILED)
        raise
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    return LoggedModel(logged.model_id, run_id, logged.artifact_location)


def register(client: MlflowClient, model: LoggedModel, name: str, alias: str | None = None) -> str:
    """Give ``model`` the next version of the registered model ``name``; returns the version.

    alias: a name that moves to this version, so that ``models:/name@alias`` is always the newest of its kind.
    """
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version = client.create_model_version(name, model.location, model.run_id, model_id=model.id).version
    if alias is not None:
        client.set_registered_model_alias(name, alias, version)
    return str(version)


def _save_torch(artifact: Predictor, network: torch.nn.Module, path: str, model: Any, inputs: np.ndarray) -> None:
    import mlflow
    from mlflow.exceptions import MlflowException
    from torch._dynamo.exc import TorchDynamoException

    signature = _signature(inputs, artifact.predict(inputs))
    common: dict[str, Any] = {"mlflow_model": model, "signature": signature, "input_example": inputs}
    libraries = ["mlflow", "torch", "numpy"]
    try:
        mlflow.pytorch.save_model(
            network, path, pip_requirements=_pinned(libraries), serialization_format="pt2", **common
        )
    except (RuntimeError, MlflowException, TorchDynamoException):
        # Not every network is a graph that torch can trace.
        shutil.rmtree(path, ignore_errors=True)
        with _code(artifact) as (paths, imported):
            mlflow.pytorch.save_model(
                network,
                path,
                pip_requirements=_pinned([*libraries, *imported]),
                code_paths=paths,
                serialization_format="pickle",
                **common,
            )


def _traceable(artifact: Predictor, inputs: np.ndarray) -> torch.nn.Module | None:
    """The artifact's network, where calling it is all that ``predict`` does."""
    if not isinstance(artifact, TorchModel) or type(artifact).predict is not TorchModel.predict:
        return None
    import numpy as np
    import torch

    module = artifact.module()
    with torch.inference_mode():
        return module if isinstance(module(torch.from_numpy(np.asarray(inputs, np.float32))), torch.Tensor) else None


def _save_predictor(artifact: Predictor, path: str, model: Any, example: np.ndarray) -> None:
    import warnings

    import mlflow

    with _code(artifact) as (paths, imported), warnings.catch_warnings():
        # MLflow would like annotations in place of the signature that it is given.
        warnings.simplefilter("ignore", UserWarning)
        from pipeline.tracking.pyfunc import Predicting

        mlflow.pyfunc.save_model(
            path,
            python_model=Predicting(artifact),
            mlflow_model=model,
            signature=_signature(example, artifact.predict(example)),
            input_example=example,
            pip_requirements=_pinned(["mlflow", "numpy", "pluggy", *imported]),
            code_paths=paths,
        )


def _signature(inputs: np.ndarray, outputs: np.ndarray | None) -> ModelSignature:
    from mlflow.models import infer_signature

    return infer_signature(inputs, outputs)


@contextmanager
def _code(artifact: Predictor) -> Iterator[tuple[list[str], list[str]]]:
    """Code that no package index has, as paths, and the distributions that the artifact's own package imports.

    Within the block, a class that can be imported nowhere else, such as a local plugin file's, is pickled by value.
    """
    import cloudpickle  # type: ignore[import-untyped]  # it carries no types

    module = sys.modules[type(artifact).__module__]
    top = module.__name__.partition(".")[0]
    distributions = metadata.packages_distributions()
    ours = set(distributions.get(_OURS, ()))
    spec = PathFinder.find_spec(top)
    local = spec is None or spec.origin is None
    source = Path(str(module.__file__))
    names = _imported([source] if local or "." not in module.__name__ else source.parent.rglob("*.py"))
    found = {name: distributions[name][0] for name in names - {_OURS} if name in distributions}
    needed = sorted(set(found.values()) - ours)
    carried = {_OURS, *([] if local else [top]), *(name for name in names if _is_beside(name, source))}
    paths = [_place(name) for name in sorted(carried) if name == _OURS or not set(distributions.get(name, ())) - ours]
    if local:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield paths, needed
    finally:
        if local:
            cloudpickle.unregister_pickle_by_value(module)


def _is_beside(name: str, source: Path) -> bool:
    spec = PathFinder.find_spec(name)
    return spec is not None and spec.origin is not None and source.parent in Path(spec.origin).parents


def _imported(files: Iterable[Path]) -> set[str]:
    """Top-level names that the sources import, also inside functions."""
    names: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names


def _place(package: str) -> str:
    """The folder of a package, or the file of a module."""
    spec = PathFinder.find_spec(package)
    assert spec is not None
    origin = Path(str(spec.origin))
    return str(origin.parent if origin.name == "__init__.py" else origin)


def _pinned(distributions: Iterable[str]) -> list[str]:
    """``name==version`` of what is installed; a local label such as ``+cpu`` is known to no index."""
    unique = dict.fromkeys(distributions)
    return [f"{name}=={metadata.version(name).partition('+')[0]}" for name in unique]
