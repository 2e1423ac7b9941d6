"""Values that pass between plugins: what one topic makes and another can use.

An artifact is a frozen dataclass of arrays, tensors, data frames, plain values and other artifacts. This module holds
annotations and small methods only; numpy, pandas and torch are imported when a method needs them, never before.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import torch

T = TypeVar("T")


@dataclass(frozen=True)
class Images:
    """A set of pictures.

    pixels: (n, channels, height, width), uint8 in 0..255 or float32 in 0..1.
    labels: (n,) int64 class indices into ``classes``, or None where the pictures are unlabelled.
    """

    pixels: np.ndarray
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of one picture."""
        channels, height, width = self.pixels.shape[1:]
        return channels, height, width

    def scaled(self) -> np.ndarray:
        """Pixels as float32 in 0..1, same shape."""
        import numpy as np

        if self.pixels.dtype == np.uint8:
            return self.pixels.astype(np.float32) / np.float32(255)
        return self.pixels.astype(np.float32, copy=False)

    def take(self, index: np.ndarray) -> Images:
        """The pictures at ``index``, in that order."""
        labels = None if self.labels is None else self.labels[index]
        return Images(self.pixels[index], labels, self.classes)

    def tiled(self, columns: int) -> np.ndarray:
        """The pictures row by row as one picture with white gaps: (height, width) or (height, width, 3), in 0..1.

        Three channels are taken for red, green and blue; of any other number the mean is shown.
        """
        import numpy as np

        pixels = self.scaled() if self.shape[0] == 3 else self.scaled().mean(axis=1, keepdims=True)
        n, channels, height, width = pixels.shape
        rows = -(-n // columns)
        cells = np.ones((rows * columns, height + 1, width + 1, channels), np.float32)
        cells[:n, :height, :width] = pixels.transpose(0, 2, 3, 1)
        grid = cells.reshape(rows, columns, height + 1, width + 1, channels).swapaxes(1, 2)
        sheet = grid.reshape(rows * (height + 1), columns * (width + 1), channels)[:-1, :-1]
        return sheet if channels == 3 else sheet[..., 0]


@dataclass(frozen=True)
class Table:
    """A data frame with the names of its target columns, if it has any."""

    frame: pd.DataFrame
    targets: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def features(self) -> pd.DataFrame:
        """Every column that is not a target."""
        return self.frame.drop(columns=list(self.targets))

    @property
    def target(self) -> pd.DataFrame:
        """The target columns."""
        return self.frame[list(self.targets)]


@dataclass(frozen=True)
class Split(Generic[T]):
    """The same kind of data three times: to fit on, to choose on, to judge on."""

    train: T
    validation: T
    test: T


@dataclass(frozen=True)
class Predictor:
    """Anything fitted that maps inputs to outputs; subclasses are artifacts with their own fields."""

    @abstractmethod
    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Outputs for ``inputs`` of shape (n, ...), one row each."""

    def example(self) -> np.ndarray | None:
        """Two inputs, if the artifact itself knows some; else they are taken from the data that it was fitted on."""
        return None


@dataclass(frozen=True)
class TorchModel(Predictor):
    """A torch network as data: ``state`` is its state dict, and ``module()`` builds the network around it.

    A subclass adds the fields that ``build()`` needs: a stored model is tensors and plain values, never pickled code.
    """

    state: dict[str, torch.Tensor] = field(default_factory=dict, kw_only=True, repr=False)

    @abstractmethod
    def build(self) -> torch.nn.Module:
        """The network with fresh weights."""

    def module(self) -> torch.nn.Module:
        """The network with this artifact's weights, in evaluation mode, on the CPU."""
        network = self.build()
        network.load_state_dict(self.state)
        return network.eval()

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """The network's output for float inputs of shape (n, ...), computed in batches of 1,024."""
        import numpy as np
        import torch

        network = self.module()
        with torch.inference_mode():
            batches = torch.split(torch.from_numpy(np.asarray(inputs, dtype=np.float32)), 1024)
            outputs: list[Any] = [network(batch).numpy() for batch in batches]
        return np.concatenate(outputs)
