"""New pictures: draws from the prior, and the way from one test picture to another through the latent space."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pipeline.context import Context
from pipeline.types import Images, Split
from plugins.vae import figures
from plugins.vae.evaluation.samples import MOST, SampleQuality, sample_quality
from plugins.vae.models.vae import VariationalAutoencoder
from plugins.vae.pixels import binarised, inputs
from plugins.vae.types import VAE

if TYPE_CHECKING:
    from plugins.vae.stages import Generate

PAIRS = 8
ROWS = 10
RANGE = 2.5
SIDE = 15
JUDGED = 1000
STEPS = 10
BATCH = 1024


@torch.inference_mode()
def generate(stage: Generate, model: VAE, images: Split[Images], context: Context) -> Images:
    """``count`` expected pictures given draws of z from the prior; figures and the samples' quality on the way."""
    network = model.module()
    # Drawn on the CPU: the same seed is to give the same pictures on every device.
    generator = torch.Generator().manual_seed(context.seed)
    samples = draw(network, model, stage.count, generator)
    context.figure("samples", figures.samples_by_class(samples) if model.conditional else figures.samples(samples))
    context.log(asdict(_quality(network, model, images, generator)))
    network = network.to(context.device)
    ends = _pairs(images.test, context.rng)
    x, given = inputs(ends, model, context.device)
    originals = Images(x.cpu().numpy())
    context.figure("interpolation", figures.interpolation(originals, as_images(interpolate(network, x, given))))
    if network.gaussian_posterior:
        pixels, known = inputs(images.test, model, context.device)
        context.figure("traversal", figures.traversal(*traverse(network, pixels, known)))
    if model.latent_dim == 2 and network.gaussian_posterior and not model.conditional:
        context.figure("manifold", figures.manifold(as_images(manifold(network, context.device))))
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


def traverse(
    network: VariationalAutoencoder, x: Tensor, given: Tensor | None = None
) -> tuple[Images, list[int], list[float]]:
    """One code, with one dimension at a time moved through all that the codes of pictures x do there.

    Pictures row by row, the dimension of each row (those that vary most come first), and the values of the columns in
    standard deviations.
    """
    codes = network.represent(x, given)
    deviation, mean = codes.std(0, correction=0), codes.mean(0)
    dimensions = torch.argsort(-deviation)[:ROWS]
    # The picture in the middle: the one whose code is nearest to the mean.
    middle = int((codes - mean).square().sum(1).argmin())
    values = torch.linspace(-RANGE, RANGE, STEPS - 1, device=x.device)
    # A unit that carries nothing hardly moves: it is shown over the prior's range.
    scale = torch.where(deviation > 0.1, deviation, torch.ones_like(deviation))
    z = codes[middle].repeat(len(dimensions), len(values), 1)
    rows = torch.arange(len(dimensions), device=x.device)
    z[rows, :, dimensions] = mean[dimensions][:, None] + scale[dimensions][:, None] * values
    known = None if given is None else given[middle].expand(z.shape[0] * z.shape[1], -1)
    return as_images(network.decode(z.flatten(0, 1), known)), dimensions.tolist(), values.tolist()


def manifold(network: VariationalAutoencoder, device: torch.device, side: int = SIDE) -> Tensor:
    """Decoded points of a grid in the plane that holds the prior's mass evenly (Kingma & Welling 2014, figure 4)."""
    quantiles = torch.special.ndtri((torch.arange(side, device=device) + 0.5) / side)
    grid = torch.stack(torch.meshgrid(quantiles.flip(0), quantiles, indexing="ij"), -1).flatten(0, 1)
    return network.decode(grid.flip(1))


def _quality(
    network: VariationalAutoencoder, model: VAE, images: Split[Images], generator: torch.Generator
) -> SampleQuality:
    """Of as many draws as there are test pictures, at most 1,000; black and white where the pictures are."""
    device = torch.device("cpu")
    real, _ = inputs(images.test.take(np.arange(min(len(images.test), JUDGED))), model, device)
    other, _ = inputs(images.train.take(np.arange(min(len(images.train), MOST))), model, device)
    drawn = torch.from_numpy(draw(network, model, len(real), generator).pixels)
    if bool(((real == 0) | (real == 1)).all()):
        drawn = binarised(drawn, generator)
    return sample_quality(drawn.numpy(), real.numpy(), other.numpy())


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
