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
from plugins.vae.pixels import scaled, to_device
from plugins.vae.types import VAE

if TYPE_CHECKING:
    from plugins.vae.stages import Generate

PAIRS = 8
STEPS = 10


@torch.inference_mode()
def generate(stage: Generate, model: VAE, images: Split[Images], context: Context) -> Images:
    """``count`` expected pictures given draws of z from the prior; both figures on the way."""
    network = model.module().to(context.device)
    # Drawn on the CPU: the same seed is to give the same pictures on every device.
    z = torch.randn(stage.count, model.latent_dim, generator=torch.Generator().manual_seed(context.seed))
    samples = Images(network.decode(z.to(context.device)).cpu().numpy())
    context.figure("samples", figures.samples(samples))
    ends = _pairs(images.test, context.rng)
    pixels = scaled(to_device(ends, context.device, model.shape))
    context.figure("interpolation", figures.interpolation(ends, Images(interpolate(network, pixels).cpu().numpy())))
    return samples


def interpolate(network: VariationalAutoencoder, pixels: Tensor, steps: int = STEPS) -> Tensor:
    """Decoded points on the straight line between the codes of pictures 0 and 1, of 2 and 3, and so on.

    (2 k, channels, height, width) gives (k * steps, channels, height, width), pair after pair, both ends included.
    """
    codes, _ = network.encode(pixels)
    weights = torch.linspace(0, 1, steps, device=pixels.device)[:, None]
    return network.decode(torch.lerp(codes[0::2, None], codes[1::2, None], weights).flatten(0, 1))


def _pairs(images: Images, rng: np.random.Generator) -> Images:
    """Test pictures to go between, two after two, of different classes where there are any."""
    labels = np.arange(len(images)) if images.labels is None else images.labels
    chosen: list[int] = []
    for start in rng.permutation(len(images))[:PAIRS]:
        others = np.flatnonzero(labels != labels[start])
        chosen += [start, rng.choice(others) if len(others) else start]
    return images.take(np.array(chosen))
