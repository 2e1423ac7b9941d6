from pathlib import Path

import pytest

from pipeline.testing import conformance_checks

EXAMPLE = Path(__file__).parents[3] / "pipelines" / "pruning" / "quickstart.yaml"
SHORT = [
    "seeds=1",
    "prune=magnitude",
    "dense.epochs=1",
    "prune.rounds=2",
    "prune.round_epochs=1",
    "prune.epochs=1",
    "effect.repetitions=5",
]


@pytest.mark.parametrize("check", conformance_checks("plugins.pruning.stages", EXAMPLE, SHORT), ids=str)
def test_the_plugin_conforms(check):
    check()
