"""The training loop, of dense and of masked networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pipeline.context import Context
from pipeline.errors import DataError, StageError
from plugins.pruning import figures
from plugins.pruning.architectures import made
from plugins.pruning.counting import parameters
from plugins.pruning.examples import Examples, class_names, examples, shape
from plugins.pruning.objective import Objective, quality
from plugins.pruning.types import Classifier, Data, Settings

if TYPE_CHECKING:
    from plugins.pruning.stages import Train

Masks = Mapping[str, Tensor]


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
    _lay_out(network, torch.channels_last)
    weights = dict(network.named_parameters())
    kept = masks or {}
    masked = [weights[name] for name in kept]
    factors = [torch.empty_like(weights[name]).copy_(mask) for name, mask in kept.items()]
    if masked:
        _apply(masked, factors)
    optimizer = torch.optim.AdamW(
        weights.values(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    in_epoch = math.ceil(len(given) / settings.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: half_cosine(settings.skipped + step / in_epoch, settings.epochs)
    )
    device = given.inputs.device.type
    for epoch in range(settings.skipped + 1, settings.epochs + 1):
        network.train()
        total = torch.zeros((), device=given.inputs.device)
        for batch in given.batches(settings.batch_size, generator):
            with torch.autocast(device, torch.bfloat16, enabled=settings.precision == "bfloat16"):
                output = network(batch.inputs)
            loss = objective(output.float(), batch)
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
    _lay_out(network, torch.contiguous_format)
    network.eval()


def half_cosine(epoch: float, epochs: int) -> float:
    """The share of the first step size at ``epoch`` of ``epochs`` (Loshchilov & Hutter 2017, equation 5)."""
    return (1 + math.cos(math.pi * epoch / max(epochs, 1))) / 2


def _lay_out(network: nn.Module, layout: torch.memory_format) -> None:
    """Store kernels so; pictures' convolutions train about a third faster on channels that lie side by side."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.to(memory_format=layout)


@torch.no_grad()
def _apply(weights: Sequence[Tensor], factors: list[Tensor]) -> None:
    torch._foreach_mul_(list(weights), factors)


def fit(stage: Train, images: Data, context: Context) -> Classifier:
    """Train the dense network, and keep the weights that tickets are rewound to."""
    given, held_out = (examples(part, context.device) for part in (images.train, images.validation))
    if given.labels is None:
        raise DataError("a classifier is trained on labelled pictures or rows, and these have no labels.")
    classes = len(class_names(images.train)) or int(given.labels.max()) + 1
    network = made(stage.architecture, shape(images.train), classes, context.seed).to(context.device)
    objective = Objective(classifies=True)
    early = copied(network)
    history: list[dict[str, float]] = []

    def epoch_done(epoch: int, loss: float) -> None:
        nonlocal early
        history.append({"loss": loss, **quality(network, held_out, objective)})
        context.log(history[-1], step=epoch)
        if epoch == stage.rewind_epochs:
            early = copied(network)

    generator = torch.Generator().manual_seed(context.seed)
    train(network, given, objective, stage.settings(), generator, epoch_done=epoch_done)
    context.log({"parameters": parameters(network)})
    context.figure("training", figures.training(history))
    rest = replace(stage.settings(), skipped=stage.rewind_epochs)
    return Classifier(stage.architecture, shape(images.train), classes, rest, early=early, state=copied(network))


def copied(network: nn.Module) -> dict[str, Tensor]:
    """The state dict, detached from the network and on the CPU."""
    contiguous = torch.contiguous_format
    return {name: value.detach().cpu().clone(memory_format=contiguous) for name, value in network.state_dict().items()}
