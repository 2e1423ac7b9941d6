"""The kit that plugin authors test with: run one stage without any pipeline, and a conformance suite for a plugin.

    from pipeline.testing import conformance_checks, run_stage

    def test_fitting_lowers_the_loss():
        run = run_stage(Fit(epochs=3), images=digits)
        assert run.curve("loss")[-1] < run.curve("loss")[0]

    @pytest.mark.parametrize("check", conformance_checks("my_plugin.stages", "example.yaml"), ids=str)
    def test_the_plugin_conforms(check):
        check()

A check that fails says what to do.
"""

from pipeline.testing.conformance import HEAVY_LIBRARIES, Check, check_plugin, conformance_checks
from pipeline.testing.running import StageRun, run_stage

__all__ = ["HEAVY_LIBRARIES", "Check", "StageRun", "check_plugin", "conformance_checks", "run_stage"]
