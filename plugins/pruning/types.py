"""What the stages of the `pruning` plugin pass on."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Literal

from pipeline.types import Images, Split, Table, TorchModel

if TYPE_CHECKING:
    import torch

Data = Split[Images] | Split[Table]
"""What networks are trained and judged on: pictures, or rows of numbers with one target column."""

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Settings:
    """How to train: Adam, its step size falling to zero along half a cosine.

    ``skipped`` of the epochs are taken as done: the step size starts where they left it.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.0
    precision: Precision = "float32"
    skipped: int = 0


@dataclass(frozen=True)
class Classifier(TorchModel):
    """A trained classifier of pictures of ``shape`` (channels, height, width), or of rows of ``shape`` (columns,).

    ``predict`` gives logits (n, classes). ``early`` holds the weights before training, or after its first epochs: where
    pruning at initialisation starts, and what lottery tickets rewind to. ``rest`` is how training went on from there.
    """

    architecture: str
    shape: tuple[int, ...]
    classes: int
    rest: Settings
    early: dict[str, torch.Tensor] = field(default_factory=dict, kw_only=True, repr=False)

    def build(self) -> torch.nn.Module:
        """The network with fresh weights."""
        from plugins.pruning.architectures import ARCHITECTURES

        return ARCHITECTURES[self.architecture](self.shape, self.classes)


@dataclass(frozen=True)
class Pruned(TorchModel):
    """A pruned network, as large as the one it came from, with zeros where weights were removed.

    base: the model that was pruned, without its weights: it knows how to build the network.
    masks: what is kept, by the names of the pruned parameters, each bool and of the parameter's shape. Where
        ``structured``, of all parameters and buffers, and each is a product of kept indices along its dimensions, so
        that ``shrunken`` can leave the others out.
    """

    base: TorchModel
    masks: dict[str, torch.Tensor] = field(repr=False)
    structured: bool

    def build(self) -> torch.nn.Module:
        """The network of full size with fresh weights."""
        return self.base.build()

    def shrunken(self) -> torch.nn.Module:
        """The network without the removed channels, in evaluation mode; of full size where single weights are gone."""
        from plugins.pruning.shrinking import shrink

        network = self.module()
        return shrink(network, self.masks) if self.structured else network


def without_weights(model: TorchModel) -> TorchModel:
    """The model as it knows how to build itself, without the tensors it was trained to."""
    heavy = {"state", "early"} & {item.name for item in fields(model)}
    return replace(model, **{name: {} for name in heavy})
