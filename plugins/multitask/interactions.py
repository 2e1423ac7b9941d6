"""How tasks that share a network get on: cosines of their gradients, and what a step for one does to the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from plugins.multitask.losses import task_gradients, task_losses
from plugins.multitask.networks import MultiTaskNetwork
from plugins.multitask.types import Interactions


def observe(
    model: MultiTaskNetwork, inputs: Tensor, targets: Tensor, classes: Sequence[int], step: float
) -> tuple[Tensor, Tensor]:
    """Cosines and affinity, each (tasks, tasks), of the shared weights as they are now; on the CPU."""
    shared = model.shared_weights()
    losses = task_losses(model(inputs), targets, classes)
    gradients = dict(zip(shared, task_gradients(losses, list(shared.values())), strict=True))
    unit = functional.normalize(torch.cat([part.flatten(1) for part in gradients.values()], 1), dim=1)
    with torch.no_grad():
        after = torch.stack(
            [
                task_losses(
                    functional_call(model, {n: shared[n] - step * part[task] for n, part in gradients.items()}, inputs),
                    targets,
                    classes,
                )
                for task in range(len(losses))
            ]
        )
    return (unit @ unit.T).cpu(), affinity(losses.detach(), after).cpu()


def affinity(before: Tensor, after: Tensor) -> Tensor:
    """1 - after / before (Fifty et al. 2021, equation 1).

    before: losses (tasks,). after: losses (tasks, tasks), each row after a step for one task.
    """
    return 1 - after / before.clamp_min(1e-12)


def rows(observed: Interactions, tasks: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each epoch and pair of tasks."""
    return [
        {
            "epoch": epoch + 1,
            "task": task,
            "other": other,
            "cosine": observed.cosines[epoch, i, j],
            "affinity": observed.affinity[epoch, i, j],
            "weight": observed.weights[epoch, i],
        }
        for epoch in range(len(observed.cosines))
        for i, task in enumerate(tasks)
        for j, other in enumerate(tasks)
    ]
