import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pipeline.testing import run_stage
from plugins.pruning.architectures import ARCHITECTURES, made
from plugins.pruning.certificate import size
from plugins.pruning.counting import parameters, work
from plugins.pruning.latency import ratio_interval
from plugins.pruning.memory import peak_memory
from plugins.pruning.stages import Effect, Export, Prune, PruneChannels
from plugins.pruning.storage import (
    SparseLinear,
    from_int8,
    from_sparse,
    once,
    to_int8,
    to_sparse,
    transposed,
    with_sparse_layers,
)


@pytest.mark.parametrize(("architecture", "expected"), [("lenet_300_100", 266_610), ("lenet_5", 431_080)])
def test_the_networks_have_the_published_numbers_of_parameters(architecture, expected):
    assert expected == parameters(made(architecture, (1, 28, 28), 10, seed=0))


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_operations_and_parameters_equal_those_of_other_counters(architecture):
    import torch_pruning

    network = made(architecture, (1, 28, 28), 10, seed=0).eval()
    inputs = torch.rand(1, 1, 28, 28)

    ours = sum(layer.dense for layer in work(network, inputs).values())

    with FlopCounterMode(display=False) as counter:
        network(inputs)
    assert counter.get_total_flops() == 2 * ours
    assert parameters(network) == torch_pruning.utils.count_ops_and_params(network, inputs)[1]


def test_zeros_are_no_work():
    layer = nn.Conv2d(1, 2, 3)
    with torch.no_grad():
        layer.weight[0] = 0

    found = work(layer, torch.rand(1, 1, 5, 5))[""]

    assert (2 * 9 * 9, 9 * 9) == (found.dense, found.sparse)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.3, 1.0])
def test_sparse_storage_gives_back_every_bit(share):
    weight = torch.randn(40, 100) * (torch.rand(40, 100) < share)
    state = {"weight": weight, "bias": torch.randn(40)}

    stored = to_sparse(state)

    restored = from_sparse(stored, {name: value.shape for name, value in state.items()})
    assert all(torch.equal(state[name], value) for name, value in restored.items())
    assert sum(value.nbytes for value in stored.values()) <= sum(value.nbytes for value in state.values())


def test_sparse_layers_compute_the_same():
    network = made("lenet_300_100", (1, 8, 8), 10, seed=0).eval()
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, nn.Linear):
                layer.weight *= torch.rand_like(layer.weight) < 0.1
        inputs = torch.rand(5, 1, 8, 8)
        torch.testing.assert_close(network(inputs), with_sparse_layers(network)(inputs))


def test_a_weight_that_two_layers_share_is_stored_once():
    network = nn.Sequential(nn.Linear(40, 40, bias=False), nn.Linear(40, 40, bias=False))
    network[1].weight = network[0].weight

    assert ["0.weight"] == list(once(network.state_dict()))
    assert 4 * 1600 < size(network, torch.rand(1, 40))["bytes"] < 4 * 1600 + 200


def test_a_sparse_layer_takes_sequences_as_a_linear_one_does():
    layer = nn.Linear(6, 4)
    given = torch.rand(2, 3, 6)

    torch.testing.assert_close(layer(given).detach(), SparseLinear(layer)(given))


def test_a_transpose_is_the_matrix_turned():
    matrix = torch.rand(7, 5)

    found = transposed(matrix)

    assert found.is_contiguous()
    assert torch.equal(matrix.t(), found)


def test_the_interval_of_a_ratio_holds_it():
    ratio, low, high = ratio_interval([2.0, 2.1, 1.9, 2.0, 2.2] * 8, [1.0, 1.1, 0.9, 1.0, 1.05] * 8)

    assert low <= ratio <= high
    assert pytest.approx(2.0) == ratio


def test_the_effect_of_masks_is_told_as_it_is(digits, dense):
    stage = Prune(criterion="magnitude", compression=4, epochs=12, batch_size=32, learning_rate=3e-3)
    pruned = run_stage(stage, dense=dense, images=digits).value

    effect = run_stage(Effect(repetitions=5), pruned=pruned, dense=dense, images=digits)

    assert pytest.approx(4, rel=1e-3) == effect.metrics["compression"]
    assert effect.metrics["flops_reduction"] == 1
    assert effect.metrics["bytes_reduction"] == 1
    assert effect.metrics["sparse_bytes_reduction"] > 3
    assert effect.metrics["accuracy"] > effect.metrics["dense_accuracy"] - 0.05
    assert {"certificate.md", "latency.csv", "latency.png", "sizes.csv", "sizes.png", "confusion.png"} == set(
        effect.files
    )


def test_eight_bits_are_off_by_half_a_step_at_most_and_keep_zeros():
    weight = torch.randn(20, 30) * (torch.rand(20, 30) < 0.5)
    state = {"weight": weight, "bias": torch.randn(20)}

    restored = from_int8(to_int8(state))

    assert list(state) == list(restored)
    assert torch.equal(state["bias"], restored["bias"])
    assert ((weight - restored["weight"]).abs() <= weight.abs().amax(1, keepdim=True) / 127 / 2 * 1.001).all()
    assert not restored["weight"][weight == 0].any()


def test_memory_holds_the_weights_and_what_two_layers_pass_on():
    network = nn.Sequential(nn.Linear(100, 1000, bias=False), nn.ReLU(), nn.Linear(1000, 10, bias=False))

    peak = peak_memory(network, torch.rand(50, 100))

    assert 4 * (100 * 1000 + 1000 * 10 + 50 * 100 + 2 * 50 * 1000) == peak
    with torch.no_grad():
        network[0].weight[:, 10:] = 0
    # A tenth of 100,000 weights, each with its column, and where each row begins; the input transposed; two numbers
    # that the sums keep of each row. The activation writes over the sums.
    weights, on_the_way = 10_000 * (4 + 4) + 4 * 1000, 4 * 50 * 100 + 2 * 4 * 1000 - 4 * 50 * 1000
    sparse = peak_memory(with_sparse_layers(network), torch.rand(50, 100))
    assert peak - 400_000 + weights + on_the_way == sparse


def test_onnxruntime_gives_the_outputs_of_the_small_network(digits, dense):
    import onnx

    pruned = run_stage(PruneChannels(compression=4, epochs=1), dense=dense, images=digits).value

    done = run_stage(Export(repetitions=5), pruned=pruned, dense=dense, images=digits)

    assert done.metrics["largest_difference"] < 1e-5
    stored = onnx.load_from_string(done.files["pruned.onnx"])
    assert ["n", 1, 8, 8] == [d.dim_param or d.dim_value for d in stored.graph.input[0].type.tensor_type.shape.dim]
    small = parameters(pruned.shrunken())
    assert small == sum(torch.Size(value.dims).numel() for value in stored.graph.initializer if value.data_type == 1)
