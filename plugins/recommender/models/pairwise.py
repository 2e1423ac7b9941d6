"""Training vectors so that what a user took scores above what the user did not (BPR, Rendle et al. 2009)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch
from torch.nn import functional

from pipeline.context import Context
from plugins.recommender.models.factors import Factors
from plugins.recommender.models.monitor import Monitor
from plugins.recommender.types import Feedback, Holdout

Vectors = tuple[np.ndarray, np.ndarray, np.ndarray]
Spread = Callable[[torch.Tensor], torch.Tensor]
Build = Callable[[Vectors, np.ndarray], Factors]


class Settings(Protocol):
    """What a pairwise stage has to say."""

    factors: int
    learning_rate: float
    regularization: float
    epochs: int
    batch_size: int
    patience: int


def train(
    settings: Settings,
    n_parameters: int,
    spread: Spread,
    split: Holdout,
    context: Context,
    build: Build | None = None,
) -> Factors:
    """Vectors of users and items, of the epoch that is best on the validation part.

    ``build`` makes the model from the vectors and the parameters.
    The parameters (n_parameters, factors + 1) become by ``spread`` a table (users + items, factors + 1), whose last
    column holds the biases. The loss of a triple is -log sigmoid(score taken - score not taken).
    """
    n_users = split.catalogue.shape[0]
    generator = torch.Generator().manual_seed(context.seed)
    table = 0.1 * torch.randn(n_parameters, settings.factors + 1, generator=generator)
    table[:, -1] = 0
    table.requires_grad_()
    optimizer = torch.optim.Adam([table], lr=settings.learning_rate)
    monitor: Monitor[Factors] = Monitor(split, settings.patience, context)
    for epoch in context.progress(range(settings.epochs), "epochs"):
        losses = []
        for users, taken, others in triples(split.train, split.catalogue.shape[1], settings.batch_size, context.rng):
            vectors = spread(table)
            u, i, j = vectors[users], vectors[n_users + taken], vectors[n_users + others]
            margin = (u[:, :-1] * (i - j)[:, :-1]).sum(1) + i[:, -1] - j[:, -1]
            penalty = (u[:, :-1].square().sum() + i.square().sum() + j.square().sum()) / len(users)
            loss = -functional.logsigmoid(margin).mean()
            optimizer.zero_grad()
            (loss + settings.regularization * penalty).backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        vectors = separated(spread(table).detach().numpy(), n_users)
        model = Factors(*vectors) if build is None else build(vectors, table.detach().numpy())
        if monitor.stop(model, epoch, float(np.mean(losses))):
            break
    return monitor.best or model


def triples(
    train: Feedback, n_items: int, batch_size: int, rng: np.random.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """(user, taken, not taken) for every interaction once, shuffled; an item that was taken is drawn again, twice."""
    keys = np.sort(train.users.astype(np.int64) * n_items + train.items)
    order = rng.permutation(len(train))
    users, taken = train.users[order].astype(np.int64), train.items[order].astype(np.int64)
    others = rng.integers(n_items, size=len(order))
    for _ in range(2):
        drawn = users * n_items + others
        again = keys[np.minimum(np.searchsorted(keys, drawn), len(keys) - 1)] == drawn
        others[again] = rng.integers(n_items, size=int(again.sum()))
    columns = [torch.from_numpy(column) for column in (users, taken, others)]
    yield from zip(*(column.split(batch_size) for column in columns), strict=True)


def separated(vectors: np.ndarray, n_users: int) -> Vectors:
    """Users (n, d), items (m, d) and the items' biases (m,) of a table (n + m, d + 1)."""
    return (
        np.ascontiguousarray(vectors[:n_users, :-1]),
        np.ascontiguousarray(vectors[n_users:, :-1]),
        vectors[n_users:, -1].copy(),
    )
