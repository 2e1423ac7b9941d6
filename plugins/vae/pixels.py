"""Pictures as tensors, checked before anything is computed with them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import DataError
from pipeline.types import Images
from plugins.vae.types import VAE


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
        raise DataError(
            f"pictures of {size(images.shape)} do not fit a model of pictures of {size(shape)}. Load them with the "
            "'size' and 'grayscale' that suit the model, or fit a model to them."
        )
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


def binarised(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Each pixel white with the probability of its grey value, else black."""
    return torch.bernoulli(pixels, generator=generator)


def given(images: Images, model: VAE, device: torch.device) -> Tensor | None:
    """The class of each picture as (n, classes), where the model asks for it; DataError where it is not known."""
    if not model.conditional:
        return None
    if images.labels is None:
        raise DataError("a conditional model needs the class of each picture, but these pictures have no labels.")
    if images.classes != model.classes:
        raise DataError(
            f"the model knows the classes {', '.join(model.classes)}, "
            f"but the pictures have {', '.join(images.classes) or 'none'}."
        )
    labels = torch.from_numpy(np.asarray(images.labels, np.int64)).to(device)
    return torch.nn.functional.one_hot(labels, len(model.classes)).float()


def inputs(images: Images, model: VAE, device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Pictures as ``model`` is judged on them, float32 in 0..1, and what it is given besides.

    A model of binarised pictures sees one draw of each, always the same.
    """
    pixels = scaled(to_device(images, device, model.shape))
    if model.binarised:
        # Drawn on the CPU: every device is to see the same pictures.
        pixels = binarised(pixels.cpu(), torch.Generator().manual_seed(0)).to(device)
    return pixels, given(images, model, device)


def size(shape: tuple[int, ...]) -> str:
    """A shape in words."""
    channels, height, width = shape
    return f"{height}x{width} pixels and {channels} channel{'s' if channels > 1 else ''}"
