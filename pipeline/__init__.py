"""Define an experiment in one YAML file, run it, sweep it, see everything in MLflow.

A plugin author needs five names: ``Stage``, ``Field``, ``Context``, ``hookimpl`` and a type from ``pipeline.types``.
A user of the Python API needs one: ``Pipeline``. All are imported on first use, so that ``import pipeline`` is cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import Field as Field

    from pipeline.api import Pipeline as Pipeline
    from pipeline.context import Context as Context
    from pipeline.errors import PipelineError as PipelineError
    from pipeline.hooks import hookimpl as hookimpl
    from pipeline.stage import DataPath as DataPath
    from pipeline.stage import Stage as Stage

__version__ = "0.1.0"

_HOME = {
    "Context": "pipeline.context",
    "DataPath": "pipeline.stage",
    "Field": "pydantic",
    "Pipeline": "pipeline.api",
    "PipelineError": "pipeline.errors",
    "Stage": "pipeline.stage",
    "hookimpl": "pipeline.hooks",
}

__all__ = ["Context", "DataPath", "Field", "Pipeline", "PipelineError", "Stage", "hookimpl"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
