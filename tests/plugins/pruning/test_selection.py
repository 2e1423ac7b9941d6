import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from pipeline.errors import StageError
from plugins.pruning.architectures import made
from plugins.pruning.criteria.magnitude import score
from plugins.pruning.schedules import kept_shares, to_keep
from plugins.pruning.selection import fit_work, select, two_of_four
from plugins.pruning.weights import prunable


def of_two_layers():
    network = made("lenet_300_100", (1, 8, 8), 10, seed=0).double()
    return network, score(network, prunable(network), None)


@pytest.mark.parametrize("removed", [1, 1000, 20_000])
def test_global_magnitude_gives_the_masks_of_torch(removed):
    network, scores = of_two_layers()
    total = sum(given.numel() for given in scores.values())

    masks = select(scores, total - removed, "global")

    layers = [(layer, "weight") for layer in network if isinstance(layer, nn.Linear)]
    prune.global_unstructured(layers, prune.L1Unstructured, amount=removed)
    assert all(
        torch.equal(layer.weight_mask.bool(), mask) for (layer, _), mask in zip(layers, masks.values(), strict=True)
    )


def test_magnitude_by_layer_gives_the_masks_of_torch():
    network, scores = of_two_layers()
    total = sum(given.numel() for given in scores.values())

    masks = select(scores, total // 4, "layer")

    for layer, mask in zip((each for each in network if isinstance(each, nn.Linear)), masks.values(), strict=True):
        prune.l1_unstructured(layer, "weight", amount=layer.weight.numel() - int(mask.sum()))
        assert abs(mask.float().mean() - 0.25) < 1e-3
        assert torch.equal(layer.weight_mask.bool(), mask)


def test_each_output_keeps_the_same_number():
    masks = select({"a": torch.rand(6, 10)}, 18, "output")

    assert [3] * 6 == masks["a"].sum(1).tolist()


def test_what_was_removed_stays_removed():
    before = {"a": torch.tensor([[True, False, True, True]])}

    masks = select({"a": torch.tensor([[1.0, 9.0, 2.0, 3.0]])}, 2, "global", before)

    assert [[False, False, True, True]] == masks["a"].tolist()


def test_no_layer_vanishes():
    masks = select({"a": torch.tensor([[5.0, 6.0]]), "b": torch.tensor([[1.0, 2.0]])}, 2, "global")

    assert [[False, True]] == masks["b"].tolist()


def test_scores_that_are_no_numbers_are_refused_with_their_layer():
    with pytest.raises(StageError, match="the scores of b are not all finite"):
        select({"a": torch.ones(1, 2), "b": torch.tensor([[1.0, torch.nan]])}, 2, "global")


def test_two_of_every_four_in_a_row_stay():
    mask = two_of_four({"a": torch.tensor([[1.0, 2, 3, 4, 8, 7, 6, 5, 1, 2]])})["a"]

    assert [[False, False, True, True, True, True, False, False, False, True]] == mask.tolist()


def test_cubic_shares_follow_the_published_formula():
    # Zhu & Gupta 2018, equation 1, from 0 to 0.875 in two rounds: 0.875 (1 - 0.5^3) = 0.765625.
    assert pytest.approx([1 - 0.765625, 0.125]) == kept_shares("cubic", 2, 0.125)


def test_iterative_shares_remove_equally_much_of_what_is_left():
    assert pytest.approx([0.8, 0.64, 0.512]) == kept_shares("iterative", 3, 0.512)


def test_a_compression_counts_the_parameters_that_stay():
    # LeNet-300-100 has 266,200 weights and 410 biases.
    assert 22_218 - 410 == to_keep(266_610, 266_200, 12, None)


def test_a_compression_that_biases_alone_exceed_is_refused():
    with pytest.raises(ValueError, match="cannot be reached: 410 of the 266,610"):
        to_keep(266_610, 266_200, 1000, None)


def test_a_network_without_layers_to_prune_is_refused():
    with pytest.raises(StageError, match="has no layer that can be pruned"):
        prunable(nn.Sequential(nn.ReLU()))


def test_a_shared_weight_is_listed_once():
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    network[1].weight = network[0].weight

    assert ["0.weight"] == list(prunable(network))


def test_masks_fit_the_operations_that_are_left():
    # Each weight of `a` works at 4 places and each of `b` at one: a quarter of 4 * 3 + 2 is 3.5.
    scores = {"a": torch.tensor([[1.0, 5.0, 2.0]]), "b": torch.tensor([[3.0, 4.0]])}

    with pytest.raises(StageError, match="so few operations cannot be reached"):
        fit_work(scores, 0.25, "global", {"a": 4, "b": 1})
    masks = fit_work(scores, 0.5, "global", {"a": 4, "b": 1})

    assert {"a": [[False, True, False]], "b": [[True, True]]} == {name: mask.tolist() for name, mask in masks.items()}
