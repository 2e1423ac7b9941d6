"""The training loop: examples wait on the device, nothing is copied or waited for between two steps of an epoch."""

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
from plugins.vae.evaluation.bound import elbo_parts
from plugins.vae.models.vae import VariationalAutoencoder
from plugins.vae.pixels import binarised, given, inputs, scaled, size, to_device
from plugins.vae.types import VAE

if TYPE_CHECKING:
    from plugins.vae.fit_stages import Pictures, Training

PREPARED = 2048
"""How many training examples a model may look at before the first step."""


@dataclass(frozen=True)
class Examples:
    """Training examples on the device: bytes or floats ``x`` (n, ...), and what the model is given besides."""

    x: Tensor
    given: Tensor | None = None
    dynamic: bool = False

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """Those at ``index`` as float32; binarised anew where they are ``dynamic``."""
        x = scaled(self.x[index])
        return binarised(x, generator) if self.dynamic else x, None if self.given is None else self.given[index]


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
        # The checkpoint may come from another trial of a sweep: its weights are wanted, its settings are not.
        rates = [group["lr"] for group in self.optimizer.param_groups]
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.generator.set_state(saved["generator"])
        self.history, self.best = saved["history"], saved["best"]
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate


def fit(stage: Pictures, images: Split[Images], context: Context) -> VAE:
    """Train on pictures until the last epoch, or until ``patience`` is spent; DataError where that cannot be."""
    pixels = to_device(images.train, context.device)
    if len(pixels) < 2:
        raise DataError("a single picture is not enough to train on.")
    if stage.latent_dim > pixels[0].numel():
        raise DataError(
            f"latent_dim is {stage.latent_dim}, but a picture of {size(images.train.shape)} has only "
            f"{pixels[0].numel()} values. Choose a smaller latent_dim."
        )
    model = VAE(
        stage.model,
        stage.chosen(),
        images.train.shape,
        stage.latent_dim,
        stage.architecture,
        stage.widths,
        stage.likelihood,
        stage.levels or 16,
        images.train.classes if stage.model == "conditional" else (),
        stage.dynamic_binarisation,
    )
    train = Examples(pixels, given(images.train, model, context.device), stage.dynamic_binarisation)
    validation = Examples(*inputs(images.validation, model, context.device))
    weights = optimise(stage, model.build, train, validation, context)
    return replace(model, state=weights)


def optimise(stage: Training, build: Any, train: Examples, validation: Examples, context: Context) -> dict[str, Tensor]:
    """The best weights of the network that ``build`` makes; StageError where training diverges."""
    state = begin(stage, build, train, context)
    for epoch in context.progress(range(len(state.history) + 1, stage.epochs + 1), "epochs"):
        if stage.patience and _epochs_since_best(state.history) >= stage.patience:
            break
        state.network.at_epoch(epoch)
        train_elbo = train_epoch(stage, state, train)
        metrics = _validate(stage, state.network, validation) | {"train_elbo": train_elbo}
        if not all(map(math.isfinite, metrics.values())):
            _explain_divergence(stage, state, epoch, context)
        state.history.append(metrics)
        context.log({name: metrics[name] for name in stage.per_step}, step=epoch)
        if stage.patience and _epochs_since_best(state.history) == 0:
            state.best = deepcopy(state.network.state_dict())
        context.save_checkpoint(state.save(), epoch)
    context.figure("training", figures.training(state.history, stage.example))
    weights = state.best or state.network.state_dict()
    return {name: weight.cpu() for name, weight in weights.items()}


def train_epoch(stage: Training, state: State, train: Examples) -> float:
    """One pass in a new order; the mean bound of the training examples on the way, in nats."""
    total = torch.zeros((), device=train.x.device)
    order = torch.randperm(len(train), generator=state.generator, device=train.x.device)
    autocast = torch.autocast(train.x.device.type, torch.bfloat16, enabled=stage.precision == "bfloat16")
    for index in order.split(stage.examples_in_a_step(len(train))):
        x, known = train.batch(index, state.generator)
        with autocast:
            loss, bound = state.network.loss(x, state.generator, known)
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        total.add_(bound.detach(), alpha=len(index))
    return total.item() / len(train)


def begin(stage: Training, build: Any, train: Examples, context: Context) -> State:
    """Fresh weights from the context's seed, or the checkpoint."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(context.seed)
        network = build().to(context.device)
    generator = torch.Generator(context.device).manual_seed(context.seed)
    checkpoint = context.load_checkpoint()
    if not checkpoint:
        x, _ = train.batch(torch.arange(min(PREPARED, len(train)), device=train.x.device), generator)
        network.prepare(x, len(train), generator)
    optimizer = torch.optim.Adam(network.parameter_groups(stage.learning_rate), lr=stage.learning_rate, fused=True)
    state = State(network, optimizer, generator)
    if checkpoint:
        state.restore(checkpoint[0])
    if stage.compile:
        from plugins.vae.compilation import compile_networks

        compile_networks(network, f"vae.{stage.stage_name()}")
    return state


@torch.inference_mode()
def _validate(stage: Training, network: VariationalAutoencoder, validation: Examples) -> dict[str, float]:
    """The bound and its parts on the validation examples, and what early stopping watches."""
    reconstructions, divergences = elbo_parts(network, validation.x, 1, seed=0, given=validation.given)
    reconstruction, kl = reconstructions.mean().item(), divergences.mean(0).sum().item()
    metrics = {"elbo": reconstruction - kl, "reconstruction": reconstruction, "kl": kl}
    if stage.patience:
        metrics["criterion"] = network.criterion(reconstruction, kl)
    return metrics


def _explain_divergence(stage: Training, state: State, epoch: int, context: Context) -> None:
    """Keep the curves up to here, and raise."""
    last = ""
    if state.history:
        context.figure("training", figures.training(state.history, stage.example))
        last = f"The epoch before, it was {state.history[-1]['elbo']:.4g} nats. "
    raise StageError(
        f"vae.{stage.stage_name()}",
        f"training diverged: in epoch {epoch} the evidence lower bound is no finite number any more. {last}"
        f"Try a smaller learning_rate; it is {stage.learning_rate:g}.",
    )


def _epochs_since_best(history: list[dict[str, float]]) -> int:
    """How long ago the criterion on the validation examples was highest."""
    if not history:
        return 0
    criterion = [metrics["criterion"] for metrics in history]
    return len(criterion) - 1 - criterion.index(max(criterion))
