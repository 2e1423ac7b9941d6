from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from topology import Topology


@pytest.fixture(scope="session")
def cluster() -> Iterator[Topology]:
    """Every service, two workers among them, and the settings of its clients in the environment."""
    topology = Topology()
    before = dict(os.environ)
    try:
        topology.start()
        os.environ |= topology.environment("POSTGRES_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY", "HOME", "PATH")
        yield topology
    finally:
        os.environ.clear()
        os.environ |= before
        topology.close()
