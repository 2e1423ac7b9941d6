import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.testing import run_stage
from plugins.meta.stages import Compare
from plugins.meta.types import Adaptation


def judged(method, mean, compute=10.0, measure="mse", tasks=200):
    noise = np.random.default_rng(0).normal(0, 0.1, tasks)
    return Adaptation(
        method, measure, mean + noise + np.random.default_rng(len(method)).normal(0, 0.01, tasks), compute, 1
    )


def test_a_method_that_errs_less_at_the_same_cost_was_worth_it():
    run = run_stage(Compare(), adaptations={"ours": judged("maml", 0.5), "plain": judged("pretrained", 1.0),
                                            "raw": judged("nearest_neighbour", 2.0, 0.0)})  # fmt: skip

    assert ("ours", "plain") == (run.value.method, run.value.control)
    assert run.metrics["gain"] == pytest.approx(50, abs=1)
    assert run.metrics["p"] < 1e-10
    assert "It was worth it: ours errs" in run.files["verdict.txt"].decode()
    assert "Both cost the same." in run.files["verdict.txt"].decode()


def test_accuracies_are_compared_by_their_errors():
    run = run_stage(Compare(), adaptations={"ours": judged("prototypes", 0.8, 30.0, "accuracy"),
                                            "plain": judged("pretrained", 0.9, 10.0, "accuracy")})  # fmt: skip

    assert run.metrics["gain"] == pytest.approx(-100, abs=3)
    verdict = run.files["verdict.txt"].decode()
    assert "It was not worth it: ours errs" in verdict
    assert "cost 3 times as much" in verdict


def test_the_same_answers_are_no_difference():
    same = judged("maml", 0.5)
    run = run_stage(Compare(), adaptations={"ours": same, "plain": Adaptation("scratch", "mse", same.scores, 0.0, 9)})

    assert 1.0 == run.metrics["p"]
    assert "no difference that is more than chance" in run.files["verdict.txt"].decode()


def test_other_tasks_are_no_comparison():
    with pytest.raises(DataError, match="ours on 200 tasks by mse, plain on 100 tasks by mse"):
        run_stage(Compare(), adaptations={"ours": judged("maml", 0.5), "plain": judged("pretrained", 1.0, tasks=100)})


def test_a_comparison_without_a_control_is_refused():
    with pytest.raises(DataError, match=r"needs a meta-learned method and a control .* ours \(maml\)"):
        run_stage(Compare(), adaptations={"ours": judged("maml", 0.5)})
