import os

import numpy as np
import pytest

from pipeline.testing import run_stage
from plugins.meta.learner_stages import NearestNeighbour
from plugins.meta.stages import Evaluate
from plugins.meta.task_stages import OneShotRuns


@pytest.mark.skipif("PIPELINE_DATA" not in os.environ, reason="PIPELINE_DATA names no folder with Omniglot")
def test_the_twenty_runs_have_one_answer_for_each_class():
    runs = run_stage(OneShotRuns()).value

    assert (20, 20, 1, 28, 28) == runs.support.shape == runs.query.shape
    assert (np.sort(runs.query_labels, axis=1) == np.arange(20)).all()
    learner = run_stage(NearestNeighbour(), tasks=runs).value
    # Pixels alone do far better than chance (95 %), far worse than people (4.5 %).
    assert 0.5 < run_stage(Evaluate(), learner=learner, tasks=runs).metrics["error"] < 0.9
