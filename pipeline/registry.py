"""Puts the model that a run left into MLflow's registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import RequestError
from pipeline.result import Result, RunResult
from pipeline.types import Images, Predictor, Split, Table

if TYPE_CHECKING:
    import numpy as np

ALIAS = "champion"


def register(result: Result, name: str) -> Result:
    """Register the model of the best run under ``name``; the result with what was registered under ``registered``.

    The model is the last ``Predictor`` that a stage of the run returned, the best run the one whose group leads on the
    first metric that judges. The alias ``champion`` moves to the new version. RequestError where there is no model.
    """
    from pipeline.tracking import models
    from pipeline.tracking.history import History

    run = _best(result)
    artifacts = [(stage.name, run.artifact(stage.name)) for stage in run.outcome.stages]
    predictors = [(stage, artifact) for stage, artifact in artifacts if isinstance(artifact, Predictor)]
    if not predictors:
        raise RequestError(
            "there is nothing to register: no stage of this pipeline returns a Predictor or a TorchModel"
        )
    stage, artifact = predictors[-1]
    example = artifact.example()
    if example is None:
        example = next(_examples(artifact for _, artifact in artifacts), None)
    if example is None:
        raise RequestError(
            f"a model is registered with an example of its input, but the {type(artifact).__name__} of stage {stage!r} "
            "has none, and no stage returns Images or a Table"
        )
    client = History(Path.cwd()).client
    logged = models.log_model(client, str(run.mlflow_run_id), artifact, stage, example)
    version = models.register(client, logged, name, ALIAS)
    registered = {"name": name, "version": version, "alias": ALIAS, "uri": f"models:/{name}@{ALIAS}"}
    return replace(result, extra={**result.extra, "registered": registered})


def _best(result: Result) -> RunResult:
    finished = [run for run in result.runs if run.outcome.status == "finished" and run.mlflow_run_id]
    if not finished:
        raise RequestError("there is nothing to register: no run has finished and is known to MLflow")
    leader = next(iter(result.comparison.best.values()), None)
    return next((run for run in finished if " ".join(run.run.variants.values()) == leader), finished[0])


def _examples(artifacts: Iterator[Any]) -> Iterator[np.ndarray]:
    """Two inputs out of each artifact that is data."""
    import numpy as np

    for artifact in artifacts:
        data = artifact.test if isinstance(artifact, Split) else artifact
        if isinstance(data, Images) and len(data) > 1:
            yield data.take(np.arange(2)).scaled()
        elif isinstance(data, Table) and len(data) > 1:
            yield data.features.head(2).to_numpy(dtype=np.float64)
