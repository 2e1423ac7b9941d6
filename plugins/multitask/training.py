"""Training networks of several tasks, and for comparison of each alone, epoch by epoch side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from pipeline.context import Context
from pipeline.errors import DataError, StageError
from plugins.multitask import figures, interactions
from plugins.multitask.balancing import BALANCERS
from plugins.multitask.losses import output_counts, task_gradients, task_losses
from plugins.multitask.networks import NETWORKS, MultiTaskNetwork
from plugins.multitask.types import Examples, Grouping, Interactions, MultiTaskModel, Network, TaskSet
from plugins.multitask.weighting import WEIGHTINGS, GradNorm

if TYPE_CHECKING:
    from plugins.multitask.stages import Training

OBSERVED_ROWS = 512
LARGEST_BATCH = 4096


def fit(stage: Training, tasks: TaskSet, groups: Sequence[Sequence[int]], context: Context) -> MultiTaskModel:
    """A network for each group of tasks; of each the weights of its best epoch. DataError where there is one task."""
    check(stage, tasks)
    together = len(groups) == 1
    trainers = [Trainer(stage, tasks, tuple(group), context, observed=together) for group in groups]
    done = 0
    if checkpoint := context.load_checkpoint():
        saved, done = checkpoint
        for trainer, state in zip(trainers, saved, strict=True):
            trainer.restore(state)
    for epoch in context.progress(range(done + 1, stage.epochs + 1), "epochs"):
        losses = torch.cat([trainer.epoch() for trainer in trainers])
        if not losses.isfinite().all():
            raise StageError("multitask.fit", f"training diverged in epoch {epoch}. Try a smaller learning_rate.")
        context.log({"validation_loss": losses.mean()}, step=epoch)
        context.save_checkpoint([trainer.save() for trainer in trainers], epoch)
    networks = tuple(trainer.network() for trainer in trainers)
    observed = trainers[0].interactions() if together else None
    if observed:
        _draw(observed, tasks.tasks, stage.balancing, context)
    return MultiTaskModel(
        tasks.tasks, tasks.classes, tasks.shape,
        stage.architecture, stage.hidden, stage.channels, stage.experts, networks, observed
    )  # fmt: skip


def check(stage: Training, tasks: TaskSet) -> None:
    """DataError where the tasks are too few, or the pictures too small."""
    if len(tasks.tasks) < 2:
        raise DataError(f"there is one task, {tasks.tasks[0]}: learning tasks together needs two or more.")
    shape = tasks.shape
    if len(shape) == 3 and min(shape[1:]) >> len(stage.channels) == 0:
        raise DataError(
            f"channels lists {len(stage.channels)} blocks, each of which halves the picture, but pictures of "
            f"{shape[1]}x{shape[2]} pixels are too small for that. List fewer blocks."
        )


def check_same(model: MultiTaskModel, tasks: TaskSet) -> None:
    """DataError where the model learnt other tasks, or from other inputs."""
    if (model.tasks, model.classes, model.shape) == (tasks.tasks, tasks.classes, tasks.shape):
        return
    learnt, given = (
        f"{', '.join(one.tasks[:5])} from inputs of shape {'x'.join(map(str, one.shape))}" for one in (model, tasks)
    )
    raise DataError(f"the model learnt {learnt}; the data has {given}. Judge it on the data that it learnt from.")


def groups_of(tasks: TaskSet, grouping: Grouping | None) -> Sequence[Sequence[int]]:
    """All tasks in one group, or as they were grouped."""
    count = len(tasks.tasks)
    if grouping is None:
        return [range(count)]
    if sorted(column for group in grouping.groups for column in group) != list(range(count)):
        raise DataError(f"the grouping is of other tasks than the {count} tasks given. Group these tasks.")
    return grouping.groups


def tensors(examples: Examples, columns: tuple[int, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """Inputs, and the targets of these tasks."""
    targets = torch.from_numpy(examples.targets[:, list(columns)]).to(device)
    return torch.from_numpy(np.ascontiguousarray(examples.inputs)).to(device), targets


@torch.inference_mode()
def predictions(network: MultiTaskNetwork, inputs: Tensor) -> list[Tensor]:
    """Each task's outputs, computed in parts."""
    parts = [network(part) for part in inputs.split(LARGEST_BATCH)]
    return [torch.cat(column) for column in zip(*parts, strict=True)]


class Trainer:
    """One network and what its training has come to; ``observed``: take note of how its tasks get on."""

    def __init__(
        self, stage: Training, tasks: TaskSet, columns: tuple[int, ...], context: Context, observed: bool
    ) -> None:
        self.stage, self.columns, self.observed = stage, columns, observed
        self.classes = [tasks.classes[column] for column in columns]
        self.inputs, self.targets = tensors(tasks.parts.train, columns, context.device)
        self.held_inputs, self.held_targets = tensors(tasks.parts.validation, columns, context.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(context.seed)
            self.model = NETWORKS[stage.architecture](
                self.inputs.shape[1:], output_counts(self.classes), stage.hidden, stage.channels, stage.experts
            ).to(context.device)
            self.random = torch.random.get_rng_state()
        self.weighting = WEIGHTINGS.get(stage.balancing, WEIGHTINGS["equal"])(len(columns)).to(context.device)
        self.shared = list(self.model.shared_weights().values())
        shared = set(map(id, self.shared))
        self.own = [weight for weight in self.model.parameters() if id(weight) not in shared]
        self.optimizer = torch.optim.Adam(
            [*self.shared, *self.own, *self.weighting.parameters()], lr=stage.learning_rate, fused=True
        )
        self.best = math.inf
        self.kept = self.model.state_dict()
        self.history: list[tuple[Tensor, Tensor, Tensor]] = []

    def epoch(self) -> Tensor:
        """One pass over the training rows; the losses (tasks,) on the validation rows."""
        total, weights = torch.zeros(2, len(self.columns), device=self.inputs.device)
        with torch.random.fork_rng(devices=[]):
            torch.random.set_rng_state(self.random)
            batches = torch.randperm(len(self.inputs)).split(self.stage.batch_size)
            for index in batches:
                losses = task_losses(self.model(self.inputs[index]), self.targets[index], self.classes)
                self.optimizer.zero_grad()
                weights += self._backward(losses)
                self.optimizer.step()
                total += losses.detach()
            self.random = torch.random.get_rng_state()
        self.weighting.after_epoch(total / len(batches))
        if self.observed:
            rows = self.inputs[:OBSERVED_ROWS], self.targets[:OBSERVED_ROWS]
            seen = interactions.observe(self.model, *rows, self.classes, self.stage.learning_rate)
            self.history.append((*seen, (weights / len(batches)).cpu()))
        held = task_losses(predictions(self.model, self.held_inputs), self.held_targets, self.classes)
        if (loss := held.mean().item()) < self.best:
            self.best = loss
            self.kept = {name: weight.clone() for name, weight in self.model.state_dict().items()}
        return held

    def _backward(self, losses: Tensor) -> Tensor:
        """Gradients of all weights from the losses; how much each task weighed (tasks,)."""
        if self.stage.balancing in BALANCERS:
            return balanced_backward(losses, self.shared, self.own, self.stage.balancing)
        if isinstance(self.weighting, GradNorm):
            self.weighting.move(losses, self.shared[-2:])
        self.weighting.combined(losses).backward()
        return self.weighting.weights

    def network(self) -> Network:
        """The weights of the best epoch."""
        return Network(self.columns, {name: weight.detach().cpu() for name, weight in self.kept.items()})

    def interactions(self) -> Interactions:
        """What was noted."""
        cosines, affinity, weights = (torch.stack(part).numpy() for part in zip(*self.history, strict=True))
        return Interactions(cosines, affinity, weights)

    def save(self) -> dict[str, Any]:
        """As plain values and tensors."""
        return {
            "model": self.model.state_dict(), "weighting": self.weighting.state_dict(),
            "optimizer": self.optimizer.state_dict(), "random": self.random, "best": self.best, "kept": self.kept,
            "history": [list(entry) for entry in self.history],
        }  # fmt: skip

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what ``save`` gave."""
        self.model.load_state_dict(saved["model"])
        self.weighting.load_state_dict(saved["weighting"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.random, self.best, self.kept = saved["random"], saved["best"], saved["kept"]
        self.history = [tuple(entry) for entry in saved["history"]]


def balanced_backward(losses: Tensor, shared: Sequence[Tensor], own: Sequence[Tensor], balancing: str) -> Tensor:
    """Shared weights get the combined gradient, the others that of the mean loss; the weights of the tasks (tasks,)."""
    gradients = task_gradients(losses, [*shared, *own])
    for weight, gradient in zip(own, gradients[len(shared) :], strict=True):
        weight.grad = gradient.mean(0)
    matrix = torch.cat([gradient.flatten(1) for gradient in gradients[: len(shared)]], 1)
    weights = BALANCERS[balancing](matrix @ matrix.T)
    direction = weights @ matrix
    for weight, gradient in zip(shared, direction.split([weight.numel() for weight in shared]), strict=True):
        # With the strides of the weight, which the fused optimiser takes for granted.
        weight.grad = torch.empty_like(weight).copy_(gradient.view_as(weight))
    return weights * len(losses)


def _draw(observed: Interactions, tasks: Sequence[str], balancing: str, context: Context) -> None:
    context.figure("cosines", figures.cosines(observed.cosines.mean(0), tasks))
    context.figure("cosines_by_epoch", figures.cosines_by_epoch(observed.cosines, tasks))
    context.figure("affinity", figures.affinity(observed.affinity.mean(0), tasks))
    if balancing != "equal":
        context.figure("weights", figures.weights(observed.weights, tasks, balancing))
    context.table("interactions", interactions.rows(observed, tasks))
