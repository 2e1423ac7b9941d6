"""The evidence lower bound and its parts on held-out pictures."""

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
from plugins.vae.types import VAE, Evaluation

if TYPE_CHECKING:
    from plugins.vae.stages import Evaluate

BATCH = 1024
SHOWN = 40


@torch.inference_mode()
def evaluate(stage: Evaluate, model: VAE, images: Split[Images], context: Context) -> Evaluation:
    """Evaluate on the test pictures, and draw what there is to see."""
    network = model.module().to(context.device)
    pixels = to_device(images.test, context.device, model.shape)
    reconstruction, kl = elbo_parts(network, pixels, stage.samples, seed=0)
    evaluation = Evaluation(reconstruction.cpu().numpy(), kl.cpu().numpy())
    elbo = float(evaluation.elbo.mean())
    context.log({"elbo": elbo, "reconstruction": reconstruction.mean(), "kl": kl.sum(1).mean()})
    index = _spread(images.test, SHOWN)
    originals, reconstructions = images.test.take(index), Images(network(scaled(pixels[index])).cpu().numpy())
    context.figure("reconstructions", figures.reconstructions(originals, reconstructions, elbo))
    context.figure("kl_per_dimension", figures.kl_per_dimension(evaluation.kl.mean(axis=0)))
    return evaluation


@torch.inference_mode()
def elbo_parts(network: VariationalAutoencoder, pixels: Tensor, samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (n,), the mean over ``samples`` draws of z, and divergence (n, latent_dim), in nats.

    The same ``seed`` gives every model the same draws, so that the difference of two models is steadier than either.
    """
    generator = torch.Generator(pixels.device).manual_seed(seed)
    reconstructions, divergences = [], []
    for batch in map(scaled, pixels.split(BATCH)):
        draws = [network.elbo_parts(batch, generator) for _ in range(samples)]
        reconstructions.append(torch.stack([reconstruction for reconstruction, _ in draws]).mean(0))
        divergences.append(draws[0][1])
    return torch.cat(reconstructions), torch.cat(divergences)


def _spread(images: Images, count: int) -> np.ndarray:
    """Indices of pictures that show something of every class."""
    by_class = np.arange(len(images)) if images.labels is None else np.argsort(images.labels, kind="stable")
    return by_class[np.linspace(0, len(images) - 1, min(count, len(images))).round().astype(int)]
