import numpy as np
import pytest

from pipeline.testing import run_stage
from plugins.vae.stages import RateDistortion
from plugins.vae.types import Evaluation


def evaluation(rate, distortion, n=10):
    return Evaluation(np.full(n, -distortion, np.float32), np.full((n, 2), rate / 2, np.float32))


def test_models_are_ordered_by_rate_and_the_best_bound_is_the_least_sum():
    given = {"heavy": evaluation(1, 30), "light": evaluation(20, 8), "plain": evaluation(9, 15)}

    run = run_stage(RateDistortion(), evaluations=given)

    frame = run.value.frame
    assert ["heavy", "plain", "light"] == list(frame["model"])
    assert [-31, -24, -28] == pytest.approx(list(frame["elbo"]))
    assert {"best_elbo": -24, "best_rate": 9} == pytest.approx(run.metrics)
    assert {"rate_distortion.png", "rate_distortion.csv"} == set(run.files)
