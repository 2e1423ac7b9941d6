"""What tests of all rooms share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

# A shell starts what runs in its background deaf to Ctrl-C, and children inherit it: tests of Ctrl-C would hang.
signal.signal(signal.SIGINT, signal.default_int_handler)


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
