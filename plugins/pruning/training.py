"""The training loop, of dense and of masked networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pipeline.context import Context
from pipeline.errors import DataError, StageError
from pipeline.types import Images, Split
from plugins.pruning import figures
from plugins.pruning.architectures import made
from plugins.pruning.counting import parameters
from plugins.pruning.examples import Examples, examples
from plugins.pruning.objective import Objective, quality
from plugins.pruning.types import Classifier

if TYPE_CHECKING:
    from plugins.pruning.stages import Train

Masks = Mapping[str, Tensor]


@dataclass(frozen=True)
class Settings:
    """How to train: Adam, its step size falling to zero along half a cosine."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.0


def train(
    network: nn.Module,
    given: Examples,
    objective: Objective,
    settings: Settings,
    generator: torch.Generator,
    masks: Masks | None = None,
    epoch_done: Callable[[int, float], None] = lambda epoch, loss: None,
) -> None:
    """Train in place; what ``masks`` leave out is zero before and after every step.

    ``epoch_done`` is told the epoch, from 1, and its mean loss. StageError where the loss is no finite number.
    """
    weights = dict(network.named_parameters())
    kept = masks or {}
    masked, factors = [weights[name] for name in kept], [mask.to(weights[name]) for name, mask in kept.items()]
    if masked:
        _apply(masked, factors)
    optimizer = torch.optim.AdamW(
        weights.values(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    steps = settings.epochs * math.ceil(len(given) / settings.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1))
    for epoch in range(1, settings.epochs + 1):
        network.train()
        total = torch.zeros((), device=given.inputs.device)
        for batch in given.batches(settings.batch_size, generator):
            loss = objective(network(batch.inputs), batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if masked:
                _apply(masked, factors)
            total += loss.detach() * len(batch)
        mean = total.item() / len(given)
        if not math.isfinite(mean):
            raise StageError(
                "pruning",
                f"training diverged: in epoch {epoch} the loss is no finite number any more. "
                f"Try a smaller learning_rate; it is {settings.learning_rate:g}.",
            )
        epoch_done(epoch, mean)
    network.eval()


@torch.no_grad()
def _apply(weights: Sequence[Tensor], factors: list[Tensor]) -> None:
    torch._foreach_mul_(list(weights), factors)


def fit(stage: Train, images: Split[Images], context: Context) -> Classifier:
    """Train the dense network, and keep the weights that tickets are rewound to."""
    given, held_out = (examples(part, context.device) for part in (images.train, images.validation))
    if given.labels is None:
        raise DataError("a classifier is trained on labelled pictures, and these have no labels.")
    classes = len(images.train.classes) or int(given.labels.max()) + 1
    network = made(stage.architecture, images.train.shape, classes, context.seed).to(context.device)
    objective = Objective(classifies=True)
    early = _copied(network)
    history: list[dict[str, float]] = []

    def epoch_done(epoch: int, loss: float) -> None:
        nonlocal early
        history.append({"loss": loss, **quality(network, held_out, objective)})
        context.log(history[-1], step=epoch)
        if epoch == stage.rewind_epochs:
            early = _copied(network)

    generator = torch.Generator().manual_seed(context.seed)
    train(network, given, objective, stage.settings(), generator, epoch_done=epoch_done)
    context.log({"parameters": parameters(network)})
    context.figure("training", figures.training(history))
    return Classifier(stage.architecture, images.train.shape, classes, early=early, state=_copied(network))


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
