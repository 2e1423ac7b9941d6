"""One direction from the gradients of several tasks, (tasks, weights) to (weights,)."""

from __future__ import annotations

import torch
from torch import Tensor


def equal(gradients: Tensor, generator: torch.Generator) -> Tensor:
    """The mean."""
    return gradients.mean(0)


def pcgrad(gradients: Tensor, generator: torch.Generator) -> Tensor:
    """The mean of the gradients, each without what opposes the others, in random order (Yu et al., NeurIPS 2020)."""
    gram = gradients @ gradients.T
    tasks = len(gradients)
    # Every projected gradient is a combination of the first ones: work on the coefficients alone.
    coefficients = torch.eye(tasks, dtype=gradients.dtype, device=gradients.device)
    for task in range(tasks):
        for other in torch.randperm(tasks, generator=generator).tolist():
            inner = coefficients[task] @ gram[other]
            if other != task and inner < 0:
                coefficients[task, other] -= inner / gram[other, other]
    return coefficients.mean(0) @ gradients


def mgda(gradients: Tensor, generator: torch.Generator) -> Tensor:
    """The shortest vector of the gradients' convex hull, by Frank-Wolfe (Sener & Koltun, NeurIPS 2018)."""
    gram = gradients @ gradients.T
    tasks = len(gradients)
    weights = torch.full((tasks,), 1 / tasks, dtype=gradients.dtype, device=gradients.device)
    for _ in range(100):
        products = gram @ weights
        best = int(products.argmin())
        squared = weights @ products
        # Exact line search towards the corner that shortens most.
        span = squared - 2 * products[best] + gram[best, best]
        step = ((squared - products[best]) / span.clamp_min(1e-30)).clamp(0, 1)
        if step < 1e-6:
            break
        weights = weights * (1 - step)
        weights[best] += step
    return weights @ gradients


BALANCERS = {"equal": equal, "uncertainty": equal, "pcgrad": pcgrad, "mgda": mgda}
