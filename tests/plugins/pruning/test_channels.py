import pytest
import torch
from torch import nn

from pipeline.errors import StageError
from pipeline.testing import run_stage
from plugins.pruning.architectures import made
from plugins.pruning.channels import channel_scores, check_not_shared, fixed_layers, least, remove, together
from plugins.pruning.counting import parameters
from plugins.pruning.shrinking import compose, embed, shrink
from plugins.pruning.stages import Effect, PruneChannels

SHAPE = (1, 16, 16)
EXAMPLE = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(0))


def network_of(architecture):
    network = made(architecture, SHAPE, 10, seed=0)
    with torch.no_grad():
        for name, buffer in network.named_buffers():  # fresh norms would hide a mistake in their statistics
            if buffer.ndim:
                low, high = (-0.1, 0.1) if name.endswith("mean") else (0.5, 1.5)
                buffer.uniform_(low, high, generator=torch.Generator().manual_seed(len(name)))
    return network.eval()


@pytest.mark.parametrize("architecture", ["lenet_300_100", "lenet_5", "vgg", "resnet"])
def test_a_network_without_the_removed_channels_gives_the_masked_one_s_outputs(architecture, probe):
    network = network_of(architecture)
    fixed = fixed_layers(network, EXAMPLE)
    groups = together(network, EXAMPLE, fixed)
    masks = remove(network, groups, least(channel_scores(network, groups, "l2", probe_of_size(probe)), 0.5))
    small = shrink(network, masks)
    masked = network_of(architecture)
    masked.load_state_dict(embed(small.state_dict(), masks))

    inputs = torch.rand(8, *SHAPE)
    torch.testing.assert_close(masked(inputs), small(inputs), rtol=1e-4, atol=1e-5)
    assert parameters(small) < 0.5 * parameters(network)


def probe_of_size(probe):
    from dataclasses import replace

    given = probe.given
    return replace(probe, given=replace(given, inputs=nn.functional.interpolate(given.inputs, SHAPE[1:])))


@pytest.mark.parametrize("criterion", ["l1", "l2", "taylor", "geometric_median", "lamp", "random", "bn_scale"])
def test_every_criterion_scores_every_channel_that_may_go(criterion, probe):
    network = network_of("vgg")

    groups = together(network, EXAMPLE, fixed_layers(network, EXAMPLE))
    scores = channel_scores(network, groups, criterion, probe_of_size(probe))

    assert [32, 32, 64, 64, 128, 128] == sorted(len(score) for score in scores.values())


def test_the_layer_that_makes_the_output_keeps_its_channels():
    assert ["5"] == fixed_layers(made("lenet_300_100", SHAPE, 10, 0), EXAMPLE)


def test_two_prunings_after_one_another_are_one_on_the_whole_network():
    network = network_of("lenet_300_100")
    first = remove(network, together(network, EXAMPLE), {"1": list(range(100))})
    small = shrink(network, first)
    second = remove(small, together(small, EXAMPLE), {"1": list(range(100)), "3": [0, 1]})

    both = compose(first, second)

    expected = remove(network, together(network, EXAMPLE), {"1": list(range(200)), "3": [0, 1]})
    assert all(torch.equal(expected[name], mask) for name, mask in both.items())


def test_the_best_channel_of_each_layer_stays():
    removed = least({"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([3.0, 9.0, 4.0])}, 1.0)

    assert {"a": [0], "b": [0, 2]} == removed


class Branches(nn.Module):
    """Two convolutions whose channels are put side by side; the network insists on single precision."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(1, 6, 3), nn.Conv2d(1, 10, 3)
        self.both, self.head = nn.Conv2d(16, 8, 3), nn.Linear(8, 10)

    def forward(self, pixels):
        sides = torch.cat([self.left(pixels.float()), self.right(pixels.float())], dim=1).relu()
        return self.head(self.both(sides).relu().mean((2, 3)))


def test_channels_that_are_put_side_by_side_are_removed_from_where_they_go(probe):
    network = Branches().eval()
    masks = remove(network, together(network, EXAMPLE), {"left": [0, 2], "right": [9], "both": [1]})

    small = shrink(network, masks)

    assert (4, 9, 13, 7) == (
        *(len(small.get_submodule(n).weight) for n in ("left", "right")),
        *small.both.weight.shape[1::-1],
    )
    masked = Branches().eval()
    masked.load_state_dict(embed(small.state_dict(), masks))
    inputs = torch.rand(8, *SHAPE)
    torch.testing.assert_close(masked(inputs), small(inputs), rtol=1e-4, atol=1e-5)


def test_a_shared_weight_is_refused_with_both_its_places():
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    network[2].weight = network[0].weight

    with pytest.raises(StageError, match=r"0\.weight and 2\.weight share one weight"):
        check_not_shared(network)


def test_the_operations_fall_as_far_as_asked(digits, dense):
    stage = PruneChannels(flops_reduction=4, rounds=2, round_epochs=1, epochs=2)

    pruned = run_stage(stage, dense=dense, images=digits).value
    effect = run_stage(Effect(repetitions=5), pruned=pruned, dense=dense, images=digits).metrics

    assert 4 <= effect["flops_reduction"] < 4.4
    assert effect["largest_difference"] < 1e-5
    assert effect["accuracy"] > 0.6


def test_what_cannot_be_reached_is_said_with_what_can(digits, dense):
    with pytest.raises(StageError, match="with one channel left in each layer it is"):
        run_stage(PruneChannels(compression=1e6), dense=dense, images=digits)
