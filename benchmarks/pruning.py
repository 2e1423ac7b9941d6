"""Pruning beside torch.nn.utils.prune and Torch-Pruning: scoring and pruning, accuracy at equal size, latency.

    python benchmarks/pruning.py                 everything, about five minutes on an idle core
    python benchmarks/pruning.py weights         one part: weights, channels, accuracy, latency

CPU milliseconds of one thread, medians of passes in turn. Accuracy and latency need PIPELINE_DATA with mnist. Trust the
ratios, not the single figures.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent))
import torch
import torch_pruning
from _measure import table  # benchmarks is a folder of scripts, not a package
from torch import nn
from torch.nn.utils import prune as torch_prune

from pipeline.testing import run_stage
from plugins.data.stages import Images
from plugins.pruning.architectures import made
from plugins.pruning.channels import channel_scores, fixed_layers, least, remove, together
from plugins.pruning.counting import LAYERS, parameters
from plugins.pruning.criteria import Probe, criterion
from plugins.pruning.examples import Examples, examples
from plugins.pruning.latency import latencies
from plugins.pruning.objective import Objective, quality
from plugins.pruning.selection import select
from plugins.pruning.shrinking import shrink
from plugins.pruning.stages import Train
from plugins.pruning.storage import with_sparse_layers
from plugins.pruning.training import train
from plugins.pruning.types import Settings
from plugins.pruning.weights import prunable

SHAPE = (1, 28, 28)
EXAMPLE = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(0))


def in_turn(works: Mapping[str, Callable[[], object]], passes: int) -> dict[str, float]:
    """The median CPU milliseconds of each, after one pass to warm up."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for index in range(passes + 1):
        for name, work in works.items():
            began = time.process_time()
            work()
            if index:
                found[name].append(1000 * (time.process_time() - began))
    return {name: statistics.median(times) for name, times in found.items()}


def layers(network: nn.Module) -> list[tuple[nn.Module, str]]:
    """What torch.nn.utils.prune wants to be told."""
    return [(layer, "weight") for layer in network.modules() if isinstance(layer, LAYERS)]


def probe() -> Probe:
    """Random pictures: the speed does not depend on them."""
    generator = torch.Generator().manual_seed(0)
    given = Examples(torch.rand(256, *SHAPE, generator=generator), torch.randint(0, 10, (256,), generator=generator))
    return Probe(given, Objective(classifies=True), generator)


def weights() -> None:
    """Score all weights and mask nine in ten, once by torch.nn.utils.prune and once by us, on equal copies."""
    rows: list[tuple[object, ...]] = []
    for architecture in ("lenet_300_100", "lenet_5", "vgg"):
        network = made(architecture, SHAPE, 10, seed=0)
        total = sum(weight.numel() for weight in prunable(network).values())
        removed = total - round(0.1 * total)

        def ours(name: str, scope: str, network: nn.Module = network, total: int = total) -> dict[str, torch.Tensor]:
            found = prunable(network)
            masks = select(criterion(name)(network, found, probe()), round(0.1 * total), scope)
            with torch.no_grad():
                for key, mask in masks.items():
                    found[key].mul_(mask)
            return masks

        def theirs(method: Any, network: nn.Module = network, removed: int = removed) -> list[torch.Tensor]:
            torch_prune.global_unstructured(layers(network), method, amount=removed)
            masks = [layer.weight_mask.bool() for layer, _ in layers(network)]  # type: ignore[union-attr]
            for layer, name in layers(network):
                torch_prune.remove(layer, name)
            return masks

        different = sum(
            int((one != other).sum())
            for one, other in zip(
                ours("magnitude", "global", deepcopy(network)).values(),
                theirs(torch_prune.L1Unstructured, deepcopy(network)),
                strict=True,
            )
        )
        for label, work, peer in (
            ("magnitude, global", lambda: ours("magnitude", "global"), lambda: theirs(torch_prune.L1Unstructured)),
            ("random, global", lambda: ours("random", "global"), lambda: theirs(torch_prune.RandomUnstructured)),
        ):
            found = in_turn({"ours": work, "torch": peer}, 15)
            unlike = str(different) if label.startswith("magnitude") else ""
            rows.append(
                (f"{architecture}: {label}", found["ours"], found["torch"], found["torch"] / found["ours"], unlike)
            )
    table("Score and mask 90 % of the weights", rows, ("", "ours ms", "torch ms", "times faster", "masks unlike"))


def channels() -> None:
    """Score all channels and leave out half, once by Torch-Pruning and once by us, to equal numbers of parameters."""
    rows: list[tuple[object, ...]] = []
    for architecture in ("lenet_300_100", "lenet_5", "vgg", "resnet"):
        network = made(architecture, SHAPE, 10, seed=0).eval()
        fixed = fixed_layers(network, EXAMPLE)
        given = probe()

        def ours(network: nn.Module = network, fixed: list[str] = fixed, given: Probe = given) -> nn.Module:
            groups = together(network, EXAMPLE, fixed)
            scores = channel_scores(network, groups, "l2", given)
            return shrink(network, remove(network, groups, least(scores, 0.5)))

        def theirs(network: nn.Module = network, fixed: list[str] = fixed) -> nn.Module:
            copy = deepcopy(network)
            ignored = [layer for name, layer in copy.named_modules() if name in fixed]
            torch_pruning.pruner.MetaPruner(
                copy, EXAMPLE, importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
                pruning_ratio=0.5, global_pruning=True, ignored_layers=ignored,
            ).step()  # fmt: skip
            return copy

        sizes = [f"{parameters(work()):,}" for work in (ours, theirs)]
        found = in_turn({"ours": ours, "theirs": theirs}, 7)
        rows.append((architecture, found["ours"], found["theirs"], found["theirs"] / found["ours"], *sizes))
    table(
        "Score channels and leave out half of them",
        rows,
        ("", "ours ms", "Torch-Pruning ms", "times faster", "parameters, ours", "Torch-Pruning's"),
    )


def mnist() -> tuple[Examples, Examples, Any]:
    """Training and test pictures, 12,000 of each at most, and the split."""
    split = run_stage(Images(dataset="mnist", limit=12000)).value
    cpu = torch.device("cpu")
    return examples(split.train, cpu), examples(split.test, cpu), split


def accuracy(seeds: int = 3) -> None:
    """Prune one trained LeNet-300-100 by each and train all alike: the same loop, examples, order and step sizes."""
    given, held_out, split = mnist()
    objective, settings = Objective(classifies=True), Settings(4, 128, 1e-3)
    found: dict[str, list[float]] = {}
    for seed in range(seeds):
        dense = run_stage(Train(epochs=8), seed=seed, images=split).value
        found.setdefault("dense", []).append(quality(dense.module(), held_out, objective)["accuracy"])

        def trained(
            label: str, network: nn.Module, masks: dict[str, torch.Tensor] | None = None, seed: int = seed
        ) -> None:
            train(network, given, objective, settings, torch.Generator().manual_seed(seed), masks)
            found.setdefault(label, []).append(quality(network, held_out, objective)["accuracy"])

        for sparsity in (0.9, 0.95, 0.98):
            network = dense.module()
            weights = prunable(network)
            total = sum(weight.numel() for weight in weights.values())
            keep = round((1 - sparsity) * total)
            masked = deepcopy(network)
            torch_prune.global_unstructured(layers(masked), torch_prune.L1Unstructured, amount=total - keep)
            theirs = {name: layer.weight_mask.bool() for name, (layer, _) in zip(weights, layers(masked), strict=True)}  # type: ignore[union-attr]
            trained(f"{sparsity:.0%}, torch: L1", dense.module(), theirs)
            few = Probe(given.take(torch.arange(1024)), objective, torch.Generator().manual_seed(seed))
            for name in ("magnitude", "lamp"):
                masks = select(criterion(name)(network, weights, few), keep, "global")
                trained(f"{sparsity:.0%}, ours: {name}", dense.module(), masks)
        for ratio in (0.5, 0.75):
            network = dense.module()
            fixed = fixed_layers(network, EXAMPLE)
            groups = together(network, EXAMPLE, fixed)
            scores = channel_scores(network, groups, "l2", probe())
            small = shrink(network, remove(network, groups, least(scores, ratio)))
            trained(f"{ratio:.0%} of units, ours: l2", small)
            other = dense.module()
            torch_pruning.pruner.MetaPruner(
                other, EXAMPLE, importance=torch_pruning.importance.GroupMagnitudeImportance(p=2), global_pruning=True,
                pruning_ratio=ratio, ignored_layers=[dict(other.named_modules())[name] for name in fixed],
            ).step()  # fmt: skip
            trained(f"{ratio:.0%} of units, Torch-Pruning: l2", other)
    rows = [(name, 100 * statistics.mean(values), 100 * statistics.stdev(values)) for name, values in found.items()]
    cells = [(name, f"{mean:.2f}", f"{deviation:.2f}") for name, mean, deviation in rows]
    table(f"LeNet-300-100 on 12,000 pictures of MNIST, {seeds} seeds", cells, ("", "test accuracy %", "deviation"))


def latency() -> None:
    """LeNet-300-100 at batch 256: with zeros in dense matrices, as torch's compressed rows, and as we store it."""
    split = mnist()[2]
    dense = run_stage(Train(epochs=3), images=split).value
    batch = torch.rand(256, *SHAPE)
    rows: list[tuple[object, ...]] = []
    for sparsity in (0.9, 0.95, 0.98):
        network = dense.module()
        weights = prunable(network)
        keep = round((1 - sparsity) * sum(weight.numel() for weight in weights.values()))
        with torch.no_grad():
            for name, mask in select(criterion("magnitude")(network, weights, probe()), keep, "global").items():
                weights[name].mul_(mask)
        forms = {
            "dense": dense.module(),
            "masked": network,
            "rows": in_rows(network),
            "ours": with_sparse_layers(network),
        }
        times = {name: statistics.median(given) for name, given in latencies(forms, batch, 60).items()}
        rows.append(
            (f"{sparsity:.0%}", times["dense"], *(times["dense"] / times[n] for n in ("masked", "rows", "ours")))
        )
    header = ("sparsity", "dense ms", "masked, times faster", "torch CSR", "ours")
    table("Latency of LeNet-300-100, batch 256, one thread", rows, header)


class Rows(nn.Module):
    """A linear layer with torch's own compressed row matrix."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight.detach().to_sparse_csr(), layer.bias.detach()[:, None]

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        """(n, in) gives (n, out)."""
        return (self.weight @ given.t() + self.bias).t()


def in_rows(network: nn.Sequential) -> nn.Sequential:
    """The same network with every linear layer so."""
    return nn.Sequential(*(Rows(layer) if isinstance(layer, nn.Linear) else layer for layer in network))


PARTS = {"weights": weights, "channels": channels, "accuracy": accuracy, "latency": latency}

if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for part in sys.argv[1:] or PARTS:
        if part in ("accuracy", "latency") and "PIPELINE_DATA" not in os.environ:
            sys.exit(f"{part} needs PIPELINE_DATA: a folder with mnist. It was not measured.")
        PARTS[part]()
