"""An artifact as MLflow's pyfunc calls it. Imported only where mlflow is; a logged model refers to it by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow.pyfunc.model import PythonModel

if TYPE_CHECKING:
    import numpy as np

    from pipeline.types import Predictor


class Predicting(PythonModel):
    """Hands inputs to an artifact's ``predict``."""

    def __init__(self, artifact: Predictor) -> None:
        self.artifact = artifact

    def predict(self, context: Any, model_input: Any, params: Any = None) -> np.ndarray:
        """Outputs for an array, or a data frame's values."""
        return self.artifact.predict(getattr(model_input, "to_numpy", lambda: model_input)())
