"""A working folder with a database, and sessions to drive by hand."""

import os
import shutil
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.records import Run
from pipeline.tracking import Tracking
from pipeline.tracking.location import Location
from pipeline.tracking.server import MlflowClient, open_client
from pipeline.tracking.spool import FOLDER, Spool

# The sender's processes are started by these tests and inherit this.
os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture
def folder(tmp_path, empty_database, monkeypatch) -> Path:
    """A working folder whose database exists: making one takes seconds."""
    shutil.copy(empty_database, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def client(folder) -> MlflowClient:
    return open_client(Location.of(folder))


@pytest.fixture
def new_run() -> Callable[..., Run]:
    """Makes a run with an id of its own."""

    def make(name: str = "run", *, parent: Run | None = None, experiment: str = "digits", **fields) -> Run:
        return Run(uuid.uuid4().hex, experiment, name, parent=parent.id if parent else None, **fields)

    return make


@pytest.fixture
def spools(folder) -> Callable[[], list[Spool]]:
    """Lists the spools that are left in the working folder."""
    return lambda: [Spool(path.parent) for path in sorted((folder / FOLDER).glob("*/records.jsonl"))]


@pytest.fixture
def drive(folder) -> Callable[[str], subprocess.Popen]:
    """Starts a driver's process: ``Tracking(Path.cwd())`` as ``tracking``, then the given lines."""
    preamble = """
        import os, sys, time, uuid
        from pathlib import Path
        from pipeline.records import *
        from pipeline.tracking import Tracking
        tracking = Tracking(Path.cwd())
        def start(name, parent=None):
            run = Run(uuid.uuid4().hex, "digits", name, parent=parent)
            tracking.pipeline_run_started(run)
            return run
    """

    def start(script: str) -> subprocess.Popen:
        code = textwrap.dedent(preamble) + textwrap.dedent(script)
        return subprocess.Popen([sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, text=True)

    return start


@pytest.fixture
def tracking(folder) -> Iterator[Tracking]:
    session = Tracking(folder)
    yield session
    session.finish()
