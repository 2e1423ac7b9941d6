"""New pictures: draws from the prior, and the way from one test picture to another through the latent space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pipeline.context import Context
from pipeline.types import Images, Split
from plugins.vae import figures
from plugins.vae.models.vae import VariationalAutoencoder
from plugins.vae.pixels import inputs
from plugins.vae.types import VAE

if TYPE_CHECKING:
    from plugins.vae.stages import Generate

PAIRS = 8
STEPS = 10
BATCH = 1024


@torch.inference_mode()
def generate(stage: Generate, model: VAE, images: Split[Images], context: Context) -> Images:
    """``count`` expected pictures given draws of z from the prior; figures and the samples' quality on the way."""
    network = model.module()
    # Drawn on the CPU: the same seed is to give the same pictures on every device.
    generator = torch.Generator().manual_seed(context.seed)
    samples = draw(network, model, stage.count, generator)
    context.figure("samples", figures.samples(samples))
    network = network.to(context.device)
    ends = _pairs(images.test, context.rng)
    x, given = inputs(ends, model, context.device)
    originals = Images(x.cpu().numpy())
    context.figure("interpolation", figures.interpolation(originals, as_images(interpolate(network, x, given))))
    return samples


@torch.inference_mode()
def draw(network: VariationalAutoencoder, model: VAE, count: int, generator: torch.Generator) -> Images:
    """Expected pictures of codes from the prior; a conditional model draws its classes in turn."""
    z = network.draw(count, generator)
    labels = np.arange(count, dtype=np.int64) % max(1, len(model.classes)) if model.conditional else None
    given = None if labels is None else torch.eye(len(model.classes))[labels]
    pieces = zip(z.split(BATCH), [None] * count if given is None else given.split(BATCH), strict=given is not None)
    pixels = torch.cat([network.decode(*piece) for piece in pieces]).numpy()
    return Images(pixels, labels, model.classes)


def interpolate(network: VariationalAutoencoder, x: Tensor, given: Tensor | None = None, steps: int = STEPS) -> Tensor:
    """Decoded points on the straight line between the codes of pictures 0 and 1, of 2 and 3, and so on.

    (2 k, channels, height, width) gives (k * steps, channels, height, width), pair after pair, both ends included; what
    is given changes along with the code.
    """
    weights = torch.linspace(0, 1, steps, device=x.device)[:, None]

    def between(ends: Tensor) -> Tensor:
        return torch.lerp(ends[0::2, None], ends[1::2, None], weights).flatten(0, 1)

    codes = network.represent(x, given)
    return network.decode(between(codes), None if given is None else between(given))


def as_images(pixels: Tensor) -> Images:
    """Decoded pictures."""
    return Images(pixels.cpu().numpy())


def _pairs(images: Images, rng: np.random.Generator) -> Images:
    """Test pictures to go between, two after two, of different classes where there are any."""
    labels = np.arange(len(images)) if images.labels is None else images.labels
    chosen: list[int] = []
    for start in rng.permutation(len(images))[:PAIRS]:
        others = np.flatnonzero(labels != labels[start])
        chosen += [start, rng.choice(others) if len(others) else start]
    return images.take(np.array(chosen))
