from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline.errors import DataError, StageError
from pipeline.testing import run_stage
from pipeline.types import Split, Table
from plugins.pruning.counting import work
from plugins.pruning.examples import examples
from plugins.pruning.objective import Objective
from plugins.pruning.stages import Prune, PruneChannels, Train
from plugins.pruning.stages import Table as Rows
from plugins.pruning.training import half_cosine, train
from plugins.pruning.types import Settings


@pytest.fixture(scope="module")
def rows():
    """A table of three classes, one column far off the others' scale."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 3, 300)
    frame = pd.DataFrame(rng.normal(kinds[:, None], 0.3, (300, 4)), columns=list("abcd"))
    frame["a"] *= 1e4
    frame["kind"] = pd.Categorical.from_codes(kinds, ["x", "y", "z"])
    return Split(*(Table(frame[start::3].reset_index(drop=True), ("kind",)) for start in range(3)))


def test_rows_of_a_table_are_learned_and_pruned(rows):
    dense = run_stage(Train(architecture="mlp", epochs=8, batch_size=16), images=rows).value

    pruned = run_stage(Prune(sparsity=0.9, epochs=4, batch_size=16), dense=dense, images=rows)

    assert pruned.metrics["accuracy"] > 0.9


def test_a_network_for_pictures_refuses_rows(rows):
    with pytest.raises(DataError, match="vgg is for pictures, and these are rows"):
        run_stage(Train(architecture="vgg"), images=rows)


def test_columns_of_text_are_refused_by_name(rows):
    table = Table(rows.train.frame.assign(b="red"), ("kind",))

    with pytest.raises(DataError, match="columns that are no numbers cannot be pruned with: b"):
        examples(table, torch.device("cpu"))


def test_training_in_two_halves_takes_the_step_sizes_of_the_whole():
    whole = [half_cosine(epoch, 4) for epoch in range(4)]

    assert pytest.approx([1, 0.853553, 0.5, 0.146447], abs=1e-6) == whole


def test_removing_nothing_changes_nothing(digits, dense):
    pruned = run_stage(Prune(sparsity=0, epochs=0), dense=dense, images=digits).value

    assert all(mask.all() for mask in pruned.masks.values())
    assert all(torch.equal(value, pruned.state[name]) for name, value in dense.state.items())


def test_a_ticket_that_keeps_every_weight_is_the_dense_network_again(digits):
    # One draw of batches apart: the training is the same from the early weights on, but for the order of the pictures.
    dense = run_stage(Train(epochs=4, batch_size=32, rewind_epochs=2), images=digits).value
    assert Settings(4, 32, 1.2e-3, skipped=2) == dense.rest

    ticket = run_stage(Prune(sparsity=0, rewind="weights"), dense=dense, images=digits).value

    network = dense.build()
    network.load_state_dict(dense.early)
    train(
        network, examples(digits.train, torch.device("cpu")), Objective(True), dense.rest, drawn_after_scoring(digits)
    )
    assert all(torch.equal(value, ticket.state[name]) for name, value in network.state_dict().items())


def drawn_after_scoring(digits):
    """The generator as `pruning.prune` of seed 0 has it once its sample to score with is drawn."""
    generator = torch.Generator().manual_seed(0)
    torch.randperm(len(digits.train), generator=generator)
    return generator


def test_rewinding_the_learning_rate_keeps_the_weights(digits, dense):
    still = replace(dense, rest=replace(dense.rest, skipped=dense.rest.epochs))

    pruned = run_stage(Prune(sparsity=0.5, rewind="learning_rate"), dense=still, images=digits).value

    for name, mask in pruned.masks.items():
        assert torch.equal(dense.state[name] * mask, pruned.state[name])


def test_fewer_operations_are_reached_by_single_weights(digits, dense):
    pruned = run_stage(Prune(flops_reduction=5, epochs=0), dense=dense, images=digits).value

    layers = work(pruned.module(), torch.rand(1, 1, 8, 8)).values()
    assert pytest.approx(5, rel=1e-3) == sum(one.dense for one in layers) / sum(one.sparse for one in layers)


@pytest.mark.parametrize(
    "stage",
    [
        Prune(sparsity=0.999, schedule="iterative", rounds=12, accuracy_loss=0.02, epochs=2, batch_size=32),
        PruneChannels(compression=200, rounds=8, accuracy_loss=0.02, epochs=2, batch_size=32),
    ],
    ids=["weights", "channels"],
)
def test_pruning_stops_before_more_accuracy_is_lost_than_allowed(stage, digits, dense):
    from plugins.pruning.objective import quality

    held_out = examples(digits.validation, torch.device("cpu"))
    before = quality(dense.module(), held_out, Objective(True))["accuracy"]

    done = run_stage(stage, dense=dense, images=digits)

    after = quality(done.value.module(), held_out, Objective(True))["accuracy"]
    assert before - 0.02 <= after == pytest.approx(done.metrics["accuracy"])
    assert 1 <= len(done.curve("accuracy")) < stage.rounds


def test_an_allowance_that_the_first_round_breaks_is_refused(digits, dense):
    with pytest.raises(StageError, match="the first round already lost"):
        run_stage(Prune(sparsity=0.999, accuracy_loss=0.01, epochs=0), dense=dense, images=digits)


def test_bfloat16_trains_to_the_same_accuracy(digits):
    whole, done = (
        run_stage(Train(epochs=8, batch_size=32, precision=p), images=digits) for p in ("float32", "bfloat16")
    )

    assert pytest.approx(whole.metrics["accuracy"], abs=0.02) == done.metrics["accuracy"]
    assert whole.metrics["loss"] != done.metrics["loss"]
    assert all(value.dtype == torch.float32 for value in done.value.state.values())


def test_a_file_s_texts_become_numbers_and_its_classes_are_shared_out(tmp_path):
    file = tmp_path / "rows.csv"
    pd.DataFrame({"size": range(40), "colour": ["red", "blue"] * 20, "kind": list("xyyy") * 10}).to_csv(
        file, index=False
    )

    split = run_stage(Rows(file=file, target="kind")).value

    parts = (split.train, split.validation, split.test)
    assert [24, 8, 8] == [len(part) for part in parts]
    assert [["size", "colour_blue", "colour_red"]] * 3 == [list(part.features) for part in parts]
    assert [{"x": 6, "y": 18}, {"x": 2, "y": 6}, {"x": 2, "y": 6}] == [
        dict(part.target["kind"].value_counts().sort_index()) for part in parts
    ]


def test_a_target_that_a_file_has_not_is_refused_with_what_it_has(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n1,2\n")

    with pytest.raises(DataError, match=r"has no column 'c'\. It has: a, b"):
        run_stage(Rows(file=file, target="c"))
