"""What `pruning.effect` does: the pruned network against the dense one, everything measured."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.context import Context
from pipeline.errors import StageError
from pipeline.types import TorchModel
from plugins.pruning import figures
from plugins.pruning.counting import nonzeros, parameters, work
from plugins.pruning.examples import Examples, class_names, examples, largest_difference, outputs
from plugins.pruning.latency import latencies, ratio_interval
from plugins.pruning.memory import peak_memory
from plugins.pruning.objective import Objective, classifies, quality
from plugins.pruning.storage import dense_bytes, from_int8, once, to_int8, to_sparse, with_sparse_layers
from plugins.pruning.types import Data, Pruned

if TYPE_CHECKING:
    from plugins.pruning.stages import Effect

TOLERANCE = 1e-4
"""Largest difference of outputs, as a share of the largest output, that summing in another order may make."""

SPARSE = "pruned, stored sparse"


def measure(stage: Effect, pruned: Pruned, dense: TorchModel, images: Data, context: Context) -> None:
    """Measure, log and draw; StageError where the small network computes something else than the masked one."""
    held_out = examples(images.test, torch.device("cpu"))
    full, masked, small = dense.module(), pruned.module(), pruned.shrunken()
    objective = Objective(classifies(full, held_out))
    if objective.needs_teacher:
        held_out = held_out.taught_by(full)
    difference = largest_difference(outputs(masked, held_out), outputs(small, held_out))
    if difference > TOLERANCE:
        raise StageError(
            "effect",
            f"the network without its removed channels differs from the masked one by {difference:.2g} of the largest "
            f"output, more than {TOLERANCE:g}: the network uses its channels in a way the removal does not know. "
            "Please report it with the network.",
        )
    context.log({"largest_difference": difference, **_quality(full, small, held_out, objective)})
    if objective.classifies:
        context.log({"int8_accuracy": quality(in_int8(small), held_out, objective)["accuracy"]})
    forms = {"dense": full, "pruned": small}
    if not pruned.structured:
        forms[SPARSE] = with_sparse_layers(small)
    sizes = {
        name: size(network, held_out.take(torch.arange(1)).inputs)
        for name, network in (("dense", full), ("pruned", small))
    }
    context.log(_reductions(sizes))
    rows = _latency(stage, forms, held_out)
    context.log(_speedups(rows, stage.batch_size))
    context.table("sizes", [{"form": name, **values} for name, values in sizes.items()])
    context.table("latency", rows)
    context.text("certificate.md", _certificate(sizes, rows, difference))
    context.figure("latency", figures.latency(rows))
    context.figure("sizes", figures.sizes(sizes))
    if objective.classifies:
        assert held_out.labels is not None
        labels = held_out.labels.numpy()
        before, after = (outputs(network, held_out).argmax(1).numpy() for network in (full, small))
        context.figure("confusion", figures.confusion(labels, before, after, class_names(images.test)))


def size(network: nn.Module, example: Tensor) -> dict[str, int]:
    """Parameters, multiply-accumulates and bytes, with all weights and with the nonzero ones only."""
    layers = work(network, example).values()
    state = once(network.state_dict())
    return {
        "parameters": parameters(network),
        "nonzeros": nonzeros(network),
        "multiply_accumulates": sum(layer.dense for layer in layers),
        "nonzero_multiply_accumulates": sum(layer.sparse for layer in layers),
        "bytes": dense_bytes(state),
        "sparse_bytes": dense_bytes(to_sparse(state)),
        "sparse_int8_bytes": dense_bytes(to_sparse(to_int8(state))),
    }


def in_int8(network: nn.Module) -> nn.Module:
    """A copy with weights as they come back from storage in eight bits."""
    copy = deepcopy(network)
    copy.load_state_dict(from_int8(to_int8(network.state_dict())))
    return copy


def _quality(full: nn.Module, small: nn.Module, held_out: Examples, objective: Objective) -> dict[str, float]:
    if not objective.classifies:
        return quality(small, held_out, objective) | _reconstruction(full, small, held_out)
    before, after = (quality(network, held_out, objective)["accuracy"] for network in (full, small))
    return {"accuracy": after, "dense_accuracy": before, "accuracy_loss": before - after}


def _reconstruction(full: nn.Module, small: nn.Module, held_out: Examples) -> dict[str, float]:
    """Mean squared error of the pictures that an autoencoder gives back; nothing where the outputs are no pictures."""
    pictures = held_out.take(torch.arange(len(held_out))).inputs
    made = {name: outputs(network, held_out) for name, network in (("dense_", full), ("", small))}
    return {
        f"{name}reconstruction_error": functional.mse_loss(output, pictures).item()
        for name, output in made.items()
        if output.shape == pictures.shape
    }


def _reductions(sizes: dict[str, dict[str, int]]) -> dict[str, float]:
    dense, pruned = sizes["dense"], sizes["pruned"]
    return {
        "compression": dense["parameters"] / pruned["nonzeros"],
        "flops_reduction": dense["multiply_accumulates"] / max(pruned["multiply_accumulates"], 1),
        "theoretical_speedup": dense["multiply_accumulates"] / max(pruned["nonzero_multiply_accumulates"], 1),
        "bytes_reduction": dense["bytes"] / pruned["bytes"],
        "sparse_bytes_reduction": dense["bytes"] / pruned["sparse_bytes"],
        "int8_bytes_reduction": dense["bytes"] / pruned["sparse_int8_bytes"],
        "parameters": pruned["parameters"],
        "nonzeros": pruned["nonzeros"],
        "bytes": pruned["bytes"],
    }


def _latency(stage: Effect, forms: dict[str, nn.Module], held_out: Examples) -> list[dict[str, float | str]]:
    """A row for each form and batch size."""
    rows: list[dict[str, float | str]] = []
    for batch_size in dict.fromkeys((1, stage.batch_size)):
        batch = held_out.take(torch.arange(batch_size) % len(held_out)).inputs
        found = latencies(forms, batch, stage.repetitions)
        for name, times in found.items():
            ratio, low, high = ratio_interval(found["dense"], times)
            p50, p95 = np.quantile(times, (0.5, 0.95))
            rows.append(
                {
                    "form": name,
                    "batch_size": batch_size,
                    "p50_ms": float(p50),
                    "p95_ms": float(p95),
                    "speedup": ratio,
                    "speedup_low": low,
                    "speedup_high": high,
                    "peak_bytes": peak_memory(forms[name], batch),
                }
            )
    return rows


def _speedups(rows: list[dict[str, float | str]], batch_size: int) -> dict[str, float | str]:
    """The metrics that the rows hold."""
    found = {(row["form"], row["batch_size"]): row for row in rows}
    dense, pruned = found["dense", batch_size], found["pruned", batch_size]
    metrics = {
        "dense_latency_ms": dense["p50_ms"],
        "dense_peak_memory": dense["peak_bytes"],
        "latency_ms": pruned["p50_ms"],
        "peak_memory": pruned["peak_bytes"],
        "latency_speedup": pruned["speedup"],
        "latency_speedup_low": pruned["speedup_low"],
        "latency_speedup_high": pruned["speedup_high"],
        "latency_speedup_one": found["pruned", 1]["speedup"],
    }
    if sparse := found.get((SPARSE, batch_size)):
        metrics["latency_speedup_sparse"] = sparse["speedup"]
    return metrics


def _certificate(sizes: dict[str, dict[str, int]], rows: list[dict[str, float | str]], difference: float) -> str:
    """The findings as a page of text."""
    lines = ["# Effect of pruning", "", "| | dense | pruned | reduction |", "|--|--:|--:|--:|"]
    dense, pruned = sizes["dense"], sizes["pruned"]
    lines += [
        f"| {name.replace('_', ' ')} | {dense[name]:,} | {pruned[name]:,} | {dense[name] / max(pruned[name], 1):.2f}x |"
        for name in dense
    ]
    lines += [
        "",
        "| form | batch | median ms | 95th percentile ms | speed-up (95 % interval) | peak memory, kB |",
        "|--|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row['form']} | {row['batch_size']} | {row['p50_ms']:.3f} | {row['p95_ms']:.3f} | "
        f"{row['speedup']:.2f}x ({row['speedup_low']:.2f} to {row['speedup_high']:.2f}) | "
        f"{int(row['peak_bytes']) / 1000:,.0f} |"
        for row in rows
    ]
    lines += [
        "",
        f"Largest difference between the masked and the small network on the test examples: {difference:.1e} of "
        "the largest output. Latency: processor time of one thread of this machine. Peak memory: weights, input and "
        "all tensors alive at once.",
    ]
    return "\n".join(lines) + "\n"
