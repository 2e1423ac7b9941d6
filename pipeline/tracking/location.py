"""Where a project's runs are recorded."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.tracking.names import artifact_path

DATABASES = ("sqlite", "postgresql", "mysql", "mssql")


@dataclass(frozen=True)
class Location:
    """The address of MLflow, and the folder for the artifacts of new experiments (None: the server decides)."""

    uri: str
    artifacts: str | None

    @classmethod
    def of(cls, folder: Path, uri: str | None = None) -> Location:
        """``uri``, else ``MLFLOW_TRACKING_URI``, else ``mlflow.db`` in ``folder`` with ``mlartifacts/`` beside it."""
        folder = folder.resolve()
        uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}"
        is_database = uri.partition("://")[0].partition("+")[0] in DATABASES
        return cls(uri, str(folder / "mlartifacts") if is_database else None)

    @property
    def shown(self) -> str:
        """The address without the password it may carry."""
        return re.sub(r"(://[^:/@]*):[^/@]*@", r"\1:***@", self.uri)

    def artifacts_of(self, experiment: str) -> str | None:
        """The folder for the artifacts of a new experiment."""
        return f"{self.artifacts}/{artifact_path(experiment)}" if self.artifacts else None

    @property
    def database_file(self) -> Path | None:
        """The file of an SQLite database."""
        path = self.uri.partition("sqlite:///")[2].partition("?")[0]
        return Path(path).absolute() if path and path != ":memory:" else None
