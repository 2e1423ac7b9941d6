"""Pictures as tensors, checked before anything is computed with them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import DataError
from pipeline.types import Images


def to_device(images: Images, device: torch.device, shape: tuple[int, int, int] | None = None) -> Tensor:
    """The pixels as they are, uint8 or float32, on ``device``; DataError where a model cannot be given them.

    ``shape`` is the (channels, height, width) that the model was made for.
    """
    pixels = np.asarray(images.pixels)
    if pixels.ndim != 4 or pixels.size == 0:
        raise DataError(
            "pictures must be an array (n, channels, height, width) with n of 1 or more. "
            f"Got shape {pixels.shape} instead."
        )
    if shape is not None and images.shape != tuple(shape):
        raise DataError(f"pictures of {size(images.shape)} do not fit a model of pictures of {size(shape)}.")
    if pixels.dtype != np.uint8:
        pixels = images.scaled()
        if wrong := int(np.count_nonzero(~np.isfinite(pixels))):
            raise DataError(
                f"{wrong:,} of the {pixels.size:,} pixels are no finite numbers. Mend or leave out those pictures."
            )
        if pixels.min() < 0 or pixels.max() > 1:
            raise DataError(
                "pixels that are floats must lie in 0..1. "
                f"They lie in {pixels.min():g}..{pixels.max():g}: rescale them."
            )
    return torch.from_numpy(np.ascontiguousarray(pixels)).to(device)


def scaled(pixels: Tensor) -> Tensor:
    """A batch as float32 in 0..1: bytes are kept as bytes until here, a quarter of the memory."""
    return pixels.float().div_(255) if pixels.dtype == torch.uint8 else pixels


def size(shape: tuple[int, ...]) -> str:
    """A shape in words."""
    channels, height, width = shape
    return f"{height}x{width} pixels and {channels} channel{'s' if channels > 1 else ''}"
