"""What tests of all rooms share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """MLflow's, without a run. Making one takes seconds: all processes of the tests share it."""
    from pipeline.tracking.location import Location
    from pipeline.tracking.server import open_client

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    open_client(Location.of(folder))
    return folder / "mlflow.db"
