"""Training on all tasks at once, and for comparison on each alone, with as many steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pipeline.context import Context
from pipeline.errors import DataError, StageError
from plugins.multitask import figures
from plugins.multitask.balancing import BALANCERS
from plugins.multitask.networks import NETWORKS
from plugins.multitask.types import Examples, MultiTaskModel, Network, TaskSet

if TYPE_CHECKING:
    from plugins.multitask.stages import Fit


def fit(stage: Fit, tasks: TaskSet, context: Context) -> MultiTaskModel:
    """Train; DataError where there is one task only."""
    count = len(tasks.tasks)
    if count < 2:
        raise DataError(f"there is one task, {tasks.tasks[0]}: learning tasks together needs two or more.")
    together, cosines = _train(stage, tasks, tuple(range(count)), context)
    alone = tuple(_train(stage, tasks, (task,), context)[0] for task in range(count))
    context.figure("affinity", figures.affinity(cosines, tasks.tasks))
    return MultiTaskModel(stage.architecture, stage.hidden, stage.experts, together, alone, cosines)


def task_losses(outputs: Tensor, targets: Tensor, binary: list[bool]) -> Tensor:
    """(tasks,) cross-entropy of yes-or-no tasks, squared error of the others."""
    entropy = functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none").mean(0)
    return torch.where(torch.tensor(binary, device=outputs.device), entropy, (outputs - targets).square().mean(0))


def tensors(examples: Examples, columns: tuple[int, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """Inputs, and the targets of these tasks."""
    targets = torch.from_numpy(examples.targets[:, list(columns)]).to(device)
    return torch.from_numpy(np.ascontiguousarray(examples.inputs)).to(device), targets


def _train(stage: Fit, tasks: TaskSet, columns: tuple[int, ...], context: Context) -> tuple[Network, np.ndarray]:
    inputs, targets = tensors(tasks.parts.train, columns, context.device)
    held_inputs, held_targets = tensors(tasks.parts.validation, columns, context.device)
    binary = [tasks.binary[column] for column in columns]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(context.seed)
        network = NETWORKS[stage.architecture](inputs.shape[1], len(columns), stage.hidden, stage.experts)
    network = network.to(context.device)
    # exp(-s) L + s / 2 for numbers (Kendall, Gal & Cipolla 2018); s stays 0 with other balancing.
    log_variances = torch.zeros(len(columns), device=context.device, requires_grad=True)
    shared = list(network.shared.parameters())
    own = [weight for name, weight in network.named_parameters() if not name.startswith("shared.")]
    optimizer = torch.optim.Adam([*shared, *own, log_variances], lr=stage.learning_rate, fused=True)
    generator = torch.Generator().manual_seed(context.seed)
    cosines = torch.zeros(len(columns), len(columns))
    best, weights = math.inf, network.state_dict()
    label = "epochs" if len(columns) > 1 else f"epochs of {tasks.tasks[columns[0]]} alone"
    for epoch in context.progress(range(1, stage.epochs + 1), label):
        for index in torch.randperm(len(inputs), generator=generator).split(stage.batch_size):
            losses = task_losses(network(inputs[index]), targets[index], binary)
            optimizer.zero_grad()
            if stage.balancing == "uncertainty":
                losses = (-log_variances).exp() * losses + log_variances / 2
            if stage.balancing in ("equal", "uncertainty"):
                losses.mean().backward()
            else:
                _balanced_backward(losses, shared, own, stage.balancing, generator)
            optimizer.step()
        cosines += _cosines(network, inputs, targets, binary, shared, stage.batch_size)
        with torch.inference_mode():
            loss = task_losses(network(held_inputs), held_targets, binary).mean().item()
        if not math.isfinite(loss):
            raise StageError("multitask.fit", "training diverged. Try a smaller learning_rate.")
        if len(columns) > 1:
            context.log({"validation_loss": loss}, step=epoch)
        if loss < best:
            best, weights = loss, {name: weight.clone() for name, weight in network.state_dict().items()}
    return Network(columns, {n: w.detach().cpu() for n, w in weights.items()}), (cosines / stage.epochs).numpy()


def _balanced_backward(
    losses: Tensor, shared: list[Tensor], own: list[Tensor], balancing: str, generator: torch.Generator
) -> None:
    """Shared weights get the combined gradient, a task's own weights their plain one."""
    direction = BALANCERS[balancing](_gradients(losses, shared), generator)
    for weight, gradient in zip(own, torch.autograd.grad(losses.mean(), own, retain_graph=False), strict=True):
        weight.grad = gradient
    for weight, gradient in zip(shared, direction.split([weight.numel() for weight in shared]), strict=True):
        weight.grad = gradient.view_as(weight)


def _gradients(losses: Tensor, shared: list[Tensor]) -> Tensor:
    """(tasks, weights)."""
    rows = []
    for loss in losses:
        gradients = torch.autograd.grad(loss, shared, retain_graph=True, materialize_grads=True, allow_unused=True)
        rows.append(torch.cat([gradient.flatten() for gradient in gradients]))
    return torch.stack(rows)


def _cosines(
    network: torch.nn.Module, inputs: Tensor, targets: Tensor, binary: list[bool], shared: list[Tensor], size: int
) -> Tensor:
    """(tasks, tasks) on the first rows."""
    gradients = _gradients(task_losses(network(inputs[:size]), targets[:size], binary), shared)
    unit = functional.normalize(gradients, dim=1)
    return (unit @ unit.T).cpu()
