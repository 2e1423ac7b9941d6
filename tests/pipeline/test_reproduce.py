"""What counts as reproduced: every metric, to the last bit."""

from __future__ import annotations

import json
import math

from pipeline.records import StageOutcome
from pipeline.reproduce import Difference, Library, changed_libraries, changed_outputs, differences

STAGES = ["images", "model", "quality"]


def test_equal_metrics_have_no_difference():
    metrics = {"model/loss": 0.1 + 0.2, "quality/elbo": math.nan}

    assert differences(STAGES, metrics, dict(metrics)) == []


def test_the_last_bit_counts():
    found = differences(STAGES, {"model/loss": 0.3}, {"model/loss": 0.1 + 0.2})

    assert [Difference("model", "model/loss", 0.3, 0.30000000000000004)] == found


def test_differences_come_in_the_order_of_the_stages():
    recorded = {"quality/elbo": 1.0, "model/loss": 1.0, "model/kl": 1.0}

    found = differences(STAGES, recorded, dict.fromkeys(recorded, 2.0))

    assert ["model/loss", "model/kl", "quality/elbo"] == [difference.metric for difference in found]


def test_a_metric_that_only_one_side_has_is_a_difference():
    found = differences(STAGES, {"model/loss": 1.0}, {"model/kl": 2.0})

    assert [("model/loss", 1.0, None), ("model/kl", None, 2.0)] == [(d.metric, d.recorded, d.now) for d in found]


def test_what_no_stage_logged_is_not_compared():
    assert differences(STAGES, {"system/cpu": 1.0}, {"system/cpu": 2.0}) == []


def test_outputs_are_compared_by_their_digests():
    recorded = json.dumps([{"name": "images", "digest": "a"}, {"name": "model", "digest": "b"}])
    now = [StageOutcome(name, "x", False, 0.0, digest) for name, digest in (("images", "a"), ("model", "c"))]

    assert ["model"] == changed_outputs(recorded, now)
    assert [] == changed_outputs(None, now)


def test_libraries_are_compared_by_version_whatever_their_spelling():
    found = changed_libraries(
        "Torch==2.13.0\nscikit_learn==1.9\nold==1\n", "torch==2.14.0\nscikit-learn==1.9\nnew==2\n"
    )

    assert [Library("new", None, "2"), Library("old", "1", None), Library("torch", "2.13.0", "2.14.0")] == found
