"""Weights (tasks,) of the tasks' gradients, from their inner products (tasks, tasks).

Each method's direction is a combination of the gradients, so that the inner products are all it needs to know.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torchjd.aggregation import AlignedMTLWeighting, IMTLGWeighting, MGDAWeighting, PCGradWeighting

CAGRAD_C = 0.4


def pcgrad(gram: Tensor) -> Tensor:
    """The mean of the gradients, each without what opposes the others, in random order (Yu et al., NeurIPS 2020)."""
    return PCGradWeighting()(gram) / len(gram)


def mgda(gram: Tensor) -> Tensor:
    """The shortest vector of the gradients' convex hull (Desideri 2012; Sener & Koltun, NeurIPS 2018)."""
    return MGDAWeighting()(gram)


def imtl_g(gram: Tensor) -> Tensor:
    """The vector with equal projections on all gradients (Liu et al., ICLR 2021)."""
    return IMTLGWeighting()(gram)


def aligned_mtl(gram: Tensor) -> Tensor:
    """The gradients made orthogonal and of equal length before they are added (Senushkin et al., CVPR 2023)."""
    return AlignedMTLWeighting()(gram)


def cagrad(gram: Tensor) -> Tensor:
    """The best worst case within ``CAGRAD_C`` lengths of the mean around the mean (Liu et al., NeurIPS 2021).

    w minimises g_w . g_0 + c |g_0| |g_w| over the simplex (their equation 4), and the direction is
    g_0 + c |g_0| g_w / |g_w|.
    """
    from scipy.optimize import minimize

    scale = gram.diagonal().mean().clamp_min(1e-30)
    inner = (gram / scale).double().cpu().numpy()
    count = len(inner)
    mean = inner.mean(1)
    radius = CAGRAD_C * np.sqrt(max(mean.mean(), 0.0))

    def worst(w: np.ndarray) -> tuple[float, np.ndarray]:
        norm = np.sqrt(max(w @ inner @ w, 1e-16))
        return mean @ w + radius * norm, mean + radius * inner @ w / norm

    simplex = {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(count)}
    found = minimize(worst, np.full(count, 1 / count), jac=True, bounds=[(0, 1)] * count, constraints=simplex,
                     method="SLSQP", options={"ftol": 1e-12})  # fmt: skip
    norm = np.sqrt(max(found.x @ inner @ found.x, 1e-16))
    return torch.from_numpy(1 / count + radius / norm * found.x).to(gram)


BALANCERS: dict[str, Callable[[Tensor], Tensor]] = {
    "pcgrad": pcgrad,
    "mgda": mgda,
    "cagrad": cagrad,
    "imtl_g": imtl_g,
    "aligned_mtl": aligned_mtl,
}
