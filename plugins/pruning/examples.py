"""Pictures or rows of a table, and what a network should make of them, as tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.errors import DataError
from pipeline.types import Images, Table

BATCH = 1024


@dataclass(frozen=True)
class Examples:
    """n pictures or rows, bytes or floats; their classes (n,), if any; and a teacher's outputs (n, ...), if any."""

    inputs: Tensor
    labels: Tensor | None
    teacher: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, index: Tensor) -> Examples:
        """The examples at ``index``, with inputs as float32 in 0..1: bytes are kept as bytes until here."""
        labels, teacher = (part if part is None else part[index] for part in (self.labels, self.teacher))
        inputs = self.inputs[index]
        return Examples(inputs.float().div_(255) if inputs.dtype == torch.uint8 else inputs, labels, teacher)

    def batches(self, size: int = BATCH, generator: torch.Generator | None = None) -> Iterator[Examples]:
        """All examples in batches, in order or as ``generator`` shuffles them."""
        device = self.inputs.device
        order = torch.arange(len(self), device=device)
        if generator is not None:
            order = torch.randperm(len(self), generator=generator).to(device)
        return map(self.take, order.split(size))

    def taught_by(self, network: nn.Module) -> Examples:
        """The same examples with the network's outputs as the teacher's."""
        return replace(self, teacher=outputs(network, self))


def examples(data: Images | Table, device: torch.device) -> Examples:
    """The pictures or rows on ``device``; DataError where there are none or where some are no finite numbers."""
    if not len(data):
        raise DataError("there are no pictures or rows to prune with.")
    return _of_table(data, device) if isinstance(data, Table) else _of_images(data, device)


def shape(data: Images | Table) -> tuple[int, ...]:
    """(channels, height, width) of a picture, or (columns,) of a row."""
    return (data.features.shape[1],) if isinstance(data, Table) else data.shape


def class_names(data: Images | Table) -> tuple[str, ...]:
    """The names of the classes, or none where they are unknown."""
    if isinstance(data, Images):
        return data.classes
    return tuple(map(str, data.target.iloc[:, 0].cat.categories)) if data.targets else ()


def _of_images(images: Images, device: torch.device) -> Examples:
    pixels = np.asarray(images.pixels)
    if pixels.dtype != np.uint8:
        pixels = images.scaled()
        if not np.isfinite(pixels).all():
            raise DataError("some pixels are no finite numbers. Mend or leave out those pictures.")
    labels = None if images.labels is None else torch.from_numpy(np.asarray(images.labels, np.int64)).to(device)
    return Examples(torch.from_numpy(np.array(pixels, order="C")).to(device), labels)


def _of_table(table: Table, device: torch.device) -> Examples:
    if wrong := [str(name) for name, kind in table.features.dtypes.items() if kind.kind not in "biuf"]:
        raise DataError(f"columns that are no numbers cannot be pruned with: {', '.join(wrong)}. Encode them first.")
    values = np.array(table.features, np.float32)
    if not np.isfinite(values).all():
        raise DataError("some values of the table are no finite numbers. Mend or leave out those rows.")
    if len(table.targets) > 1:
        raise DataError(f"one target column is needed, and the table has {len(table.targets)}.")
    labels = None
    if table.targets:
        target = table.target.iloc[:, 0]
        if target.dtype != "category":
            raise DataError(f"the target column {target.name} must be categorical: only classes can be told apart.")
        labels = torch.from_numpy(target.cat.codes.to_numpy(np.int64)).to(device)
    return Examples(torch.from_numpy(values).to(device), labels)


@torch.inference_mode()
def outputs(network: nn.Module, given: Examples) -> Tensor:
    """What the network makes of all examples, in evaluation mode."""
    network.eval()
    return torch.cat([network(batch.inputs) for batch in given.batches()]).clone()


def largest_difference(expected: Tensor, found: Tensor) -> float:
    """Between two networks' outputs on the same examples, as a share of the largest of what is expected."""
    largest = expected.abs().max().clamp_min(torch.finfo(expected.dtype).tiny)
    return float((expected - found).abs().max() / largest)
