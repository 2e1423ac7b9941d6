from pathlib import Path

import pytest

from pipeline.testing import conformance_checks

EXAMPLE = Path(__file__).parents[3] / "pipelines" / "quickstart.yaml"


@pytest.mark.parametrize(
    "check", conformance_checks("plugins.vae.stages", EXAMPLE, ["model.epochs=1", "model=narrow", "seeds=[0]"]), ids=str
)
def test_the_plugin_conforms(check):
    check()
