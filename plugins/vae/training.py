"""The training loop: pictures wait on the device, nothing is copied or waited for between two steps of an epoch."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pipeline.context import Context
from pipeline.errors import DataError, StageError
from pipeline.types import Images, Split
from plugins.vae import figures
from plugins.vae.evaluation import elbo_parts
from plugins.vae.models.vae import VariationalAutoencoder
from plugins.vae.pixels import scaled, size, to_device
from plugins.vae.types import VAE

if TYPE_CHECKING:
    from plugins.vae.stages import Fit


@dataclass
class State:
    """All that the next epoch depends on; saved and restored, training goes on as if it had never stopped.

    ``history`` holds the metrics of each epoch, ``best`` the weights that did best, where they will be wanted.
    """

    network: VariationalAutoencoder
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)

    def save(self) -> dict[str, Any]:
        """As plain values and tensors."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "history": self.history,
            "best": self.best,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what ``save`` gave."""
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.generator.set_state(saved["generator"])
        self.history, self.best = saved["history"], saved["best"]


def fit(stage: Fit, images: Split[Images], context: Context) -> VAE:
    """Train until the last epoch, or until ``patience`` is spent; DataError or StageError where that cannot be."""
    train = to_device(images.train, context.device)
    validation = to_device(images.validation, context.device, images.train.shape)
    if len(train) < 2:
        raise DataError("a single picture is not enough to train on.")
    if stage.latent_dim > train[0].numel():
        raise DataError(
            f"latent_dim is {stage.latent_dim}, but a picture of {size(images.train.shape)} has only "
            f"{train[0].numel()} values. Choose a smaller latent_dim."
        )
    model = VAE(images.train.shape, stage.latent_dim, stage.architecture, stage.widths, stage.likelihood)
    state = _begin(stage, model, context)
    for epoch in context.progress(range(len(state.history) + 1, stage.epochs + 1), "epochs"):
        if stage.patience and _epochs_since_best(stage, state.history) >= stage.patience:
            break
        train_elbo = _train_epoch(stage, state, train)
        reconstruction, kl = (part.mean(0).sum().item() for part in elbo_parts(state.network, validation, 1, seed=0))
        metrics = {"elbo": reconstruction - kl, "reconstruction": reconstruction, "kl": kl, "train_elbo": train_elbo}
        if not all(map(math.isfinite, metrics.values())):
            raise StageError(
                "vae.fit",
                f"training diverged: in epoch {epoch} the evidence lower bound is no finite number any more. "
                f"Try a smaller learning_rate; it is {stage.learning_rate:g}.",
            )
        state.history.append(metrics)
        context.log(metrics, step=epoch)
        if stage.patience and _epochs_since_best(stage, state.history) == 0:
            state.best = deepcopy(state.network.state_dict())
        context.save_checkpoint(state.save(), epoch)
    context.figure("training", figures.training(state.history))
    weights = state.best or state.network.state_dict()
    return replace(model, state={name: weight.cpu() for name, weight in weights.items()})


def _begin(stage: Fit, model: VAE, context: Context) -> State:
    """Fresh weights from the context's seed, or the checkpoint."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(context.seed)
        network = model.build().to(context.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=stage.learning_rate, fused=True)
    state = State(network, optimizer, torch.Generator(context.device).manual_seed(context.seed))
    if checkpoint := context.load_checkpoint():
        state.restore(checkpoint[0])
        # The checkpoint may come from another trial of a sweep: its weights are wanted, its settings are not.
        for group in optimizer.param_groups:
            group["lr"] = stage.learning_rate
    return state


def _train_epoch(stage: Fit, state: State, train: Tensor) -> float:
    """One pass in a new order; the mean bound of the training pictures on the way, in nats."""
    total = torch.zeros((), device=train.device)
    order = torch.randperm(len(train), generator=state.generator, device=train.device)
    for index in order.split(stage.batch_size):
        parts = state.network.elbo_parts(scaled(train[index]), state.generator)
        reconstruction, kl = (part.sum() for part in parts)
        loss = (stage.beta * kl - reconstruction) / len(index)
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        total += (reconstruction - kl).detach()
    return total.item() / len(train)


def _epochs_since_best(stage: Fit, history: list[dict[str, float]]) -> int:
    """How long ago the objective on the validation pictures was highest."""
    if not history:
        return 0
    objective = [metrics["reconstruction"] - stage.beta * metrics["kl"] for metrics in history]
    return len(objective) - 1 - objective.index(max(objective))
