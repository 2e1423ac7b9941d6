"""The evidence lower bound and the importance-weighted likelihood of given pictures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from plugins.vae import bounds
from plugins.vae.models.vae import VariationalAutoencoder

BATCH = 1024
CACHED = 2**17
"""Decoded numbers in a piece of work on a CPU: so many stay in its cache, which makes all the difference."""
ON_ACCELERATOR = 2**25


@dataclass(frozen=True)
class Likelihood:
    """Importance-weighted estimates for n pictures: log-likelihood (nats), effective sample size, both (n,)."""

    log_likelihood: Tensor
    effective_sample_size: Tensor


@torch.inference_mode()
def elbo_parts(
    network: VariationalAutoencoder, x: Tensor, samples: int, seed: int, given: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Reconstruction (n,) and divergence (n, parts), the means over ``samples`` draws of z, in nats.

    The same ``seed`` gives every model the same draws, so that the difference of two models is steadier than either.
    """
    generator = torch.Generator(x.device).manual_seed(seed)
    reconstructions, divergences = [], []
    for batch, known in _batches(x, given, BATCH):
        draws = [network.elbo_parts(batch, generator, known) for _ in range(samples)]
        reconstructions.append(torch.stack([reconstruction for reconstruction, _ in draws]).mean(0))
        divergences.append(torch.stack([divergence for _, divergence in draws]).mean(0))
    return torch.cat(reconstructions), torch.cat(divergences)


@torch.inference_mode()
def importance_weighted(
    network: VariationalAutoencoder, x: Tensor, samples: int, seed: int, given: Tensor | None = None
) -> Likelihood:
    """log p(x) by ``samples`` draws from q(z|x) for each picture (Burda et al. 2016), piece by piece.

    Whatever the number of samples, no more memory is needed than for one piece.
    """
    generator = torch.Generator(x.device).manual_seed(seed)
    rows = max(1, (CACHED if x.device.type == "cpu" else ON_ACCELERATOR) // x[0].numel())
    together = max(1, rows // samples)
    found = [
        _importance_weighted(network, batch, samples, max(1, rows // len(batch)), generator, known)
        for batch, known in _batches(x, given, together)
    ]
    return Likelihood(*map(torch.cat, zip(*found, strict=True)))


def _importance_weighted(
    network: VariationalAutoencoder, x: Tensor, samples: int, at_once: int, generator: torch.Generator,
    given: Tensor | None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    sizes = [min(at_once, samples - start) for start in range(0, samples, at_once)]
    pieces = [network.log_weights(x, size, generator, given) for size in sizes]
    log_weights = torch.cat(pieces).double()
    return bounds.importance_weighted(log_weights), bounds.effective_sample_size(log_weights)


def _batches(x: Tensor, given: Tensor | None, size: int) -> zip:
    parts = x.split(size)
    return zip(parts, [None] * len(parts) if given is None else given.split(size), strict=True)
