import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from pipeline.testing import run_stage
from plugins.pruning.examples import examples
from plugins.pruning.objective import Objective, quality
from plugins.pruning.sensitivity import without
from plugins.pruning.stages import Sensitivity, TradeOff
from plugins.pruning.trade_off import on_front


def test_a_scan_prunes_one_layer_at_a_time_and_puts_it_back(digits, dense):
    done = run_stage(Sensitivity(sparsities=(0.5, 0.99)), dense=dense, images=digits)

    table = done.value.frame
    assert [("1.weight", 0.5), ("1.weight", 0.99), ("3.weight", 0.5), ("3.weight", 0.99), ("5.weight", 0.5)] == list(
        table[["layer", "sparsity"]].itertuples(index=False, name=None)
    )[:5]
    network, held_out = dense.module(), examples(digits.validation, torch.device("cpu"))
    before = quality(network, held_out, Objective(True))
    # The last 99 % row by hand: the best weight out of a hundred of the last layer.
    weight = network[5].weight
    mask = weight.abs() >= weight.abs().flatten().sort(descending=True).values[9]
    assert without(network, {"5.weight": mask}, held_out, Objective(True))["accuracy"] == table["accuracy"].iloc[-1]
    assert before == quality(network, held_out, Objective(True))
    assert {"sensitivity.csv", "sensitivity.png"} == set(done.files)


def test_each_model_is_pruned_in_each_way_to_each_size(digits, dense):
    stage = TradeOff(
        compressions=(2, 8),
        weights={"magnitude": {"epochs": 1}},
        channels={"filters": {"criterion": "l1", "epochs": 1}},
    )

    done = run_stage(stage, models={"first": dense, "second": dense}, images=digits)

    table = done.value.frame
    assert 8 == len(table)
    assert pytest.approx(table["asked"], rel=0.1) == table["compression"]
    assert set(stage.emits) >= set(done.metrics) == {"magnitude/accuracy", "filters/accuracy"}
    names = ("compression", "theoretical_speedup", "latency_speedup")
    pictures = {f"accuracy_by_{name}.png" for name in names}
    assert {"points.csv", "summary.csv", "front.png"} | pictures == set(done.files)


def test_a_way_that_cannot_be_is_refused_with_its_name_before_anything_runs():
    with pytest.raises(ValidationError, match=r"slow\.epoch: Extra inputs are not permitted"):
        TradeOff(weights={"slow": {"criterion": "magnitude", "epoch": 3}})
    with pytest.raises(ValidationError, match=r"weights\.criterion: Input should be 'magnitude'"):
        TradeOff(weights={"weights": {}})


def test_the_front_is_what_nothing_beats_in_both():
    summary = pd.DataFrame({"accuracy": [0.9, 0.8, 0.7, 0.8], "latency_speedup": [1.0, 2.0, 1.5, 2.0]})

    assert [True, True, False, True] == on_front(summary, "accuracy")
