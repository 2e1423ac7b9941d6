"""What `pruning.export` does: the pruned network as an ONNX file, checked and timed in onnxruntime."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from pipeline.context import Context
from pipeline.errors import StageError
from pipeline.types import TorchModel
from plugins.pruning.examples import examples, largest_difference, outputs
from plugins.pruning.latency import latencies, ratio_interval
from plugins.pruning.types import Data, Pruned

if TYPE_CHECKING:
    from plugins.pruning.stages import Export

TOLERANCE = 1e-4
"""Largest difference of outputs, as a share of the largest output, that another order of sums may make."""


def export(stage: Export, pruned: Pruned, dense: TorchModel, images: Data, context: Context) -> None:
    """Write, check and time; StageError where onnxruntime computes something else than torch."""
    held_out = examples(images.test, torch.device("cpu"))
    networks = {"pruned": pruned.shrunken(), "dense": dense.module()}
    files = {
        name: to_onnx(network, held_out.take(torch.arange(2) % len(held_out)).inputs)
        for name, network in networks.items()
    }
    runners = {name: runner(content) for name, content in files.items()}
    difference = largest_difference(
        outputs(networks["pruned"], held_out), torch.cat([runners["pruned"](b.inputs) for b in held_out.batches()])
    )
    if difference > TOLERANCE:
        raise StageError(
            "export",
            f"onnxruntime's outputs differ from torch's by {difference:.2g} of the largest output, more than "
            f"{TOLERANCE:g}. Please report it with the network.",
        )
    context.file("pruned.onnx", files["pruned"])
    batch = held_out.take(torch.arange(stage.batch_size) % len(held_out)).inputs
    times = latencies(runners, batch, stage.repetitions)
    ratio, low, high = ratio_interval(times["dense"], times["pruned"])
    context.log(
        {
            "largest_difference": difference,
            "bytes": len(files["pruned"]),
            "latency_ms": float(np.median(times["pruned"])),
            "latency_speedup": ratio,
            "latency_speedup_low": low,
            "latency_speedup_high": high,
        }
    )


def to_onnx(network: nn.Module, inputs: Tensor) -> bytes:
    """The network as ONNX for any number of examples, from two or more of them."""
    with _quiet():
        program = torch.onnx.export(
            network.eval(), (inputs,), dynamo=True, verbose=False, input_names=["input"], output_names=["output"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
        )  # fmt: skip
    assert program is not None
    return bytes(program.model_proto.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch tells itself: of operators of torchvision, which are not needed, and of its own old ways."""
    registration = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = registration.level
    registration.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        registration.setLevel(level)


def runner(content: bytes) -> Callable[[Tensor], Tensor]:
    """The ONNX network in onnxruntime, on this very thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda inputs: torch.from_numpy(session.run(None, {"input": inputs.numpy()})[0])
