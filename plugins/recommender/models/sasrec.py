"""SASRec: the next item from the ones before it, by self-attention (Kang & McAuley 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from pipeline.context import Context
from pipeline.errors import DataError
from plugins.recommender.models.factors import Factors
from plugins.recommender.models.monitor import Monitor
from plugins.recommender.types import Feedback, Holdout

if TYPE_CHECKING:
    from plugins.recommender import neural_stages as stages


class Network(nn.Module):
    """Causal self-attention over a user's last items; item 0 stands for nothing."""

    def __init__(self, n_items: int, length: int, width: int, heads: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.items = nn.Embedding(n_items + 1, width, padding_idx=0)
        self.places = nn.Parameter(torch.zeros(length, width))
        layer = nn.TransformerEncoderLayer(width, heads, width, dropout, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.items.weight, std=0.05)
        with torch.no_grad():
            self.items.weight[0] = 0

    def forward(self, sequences: torch.Tensor) -> torch.Tensor:
        """(batch, length, width): what each place says of the next item, for sequences (batch, length)."""
        length = sequences.shape[1]
        values = self.items(sequences) * self.items.embedding_dim**0.5 + self.places
        causal = torch.triu(torch.ones(length, length, dtype=torch.bool), 1)
        return self.norm(self.blocks(values, mask=causal))


def fit(stage: stages.Sasrec, split: Holdout, context: Context) -> Factors:
    """Each place predicts the next item among all (cross-entropy); a user's vector is what the last place says."""
    n_users, n_items = split.catalogue.shape
    sequences = torch.from_numpy(last_items(split.train, n_users, stage.length + 1))
    network = Network(n_items, stage.length, stage.width, stage.heads, stage.layers, stage.dropout)
    optimizer = torch.optim.Adam(network.parameters(), lr=stage.learning_rate)
    monitor: Monitor[Factors] = Monitor(split, stage.patience, context)
    for epoch in context.progress(range(stage.epochs), "epochs"):
        network.train()
        losses = []
        for batch in torch.from_numpy(context.rng.permutation(n_users)).split(stage.batch_size):
            inputs, targets = sequences[batch, :-1], sequences[batch, 1:]
            known = (targets > 0) & (inputs > 0)
            if not known.any():
                continue
            logits = network(inputs)[known] @ network.items.weight[1:].T
            loss = functional.cross_entropy(logits, targets[known] - 1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        model = _model(network.eval(), sequences[:, 1:], stage.batch_size)
        if monitor.stop(model, epoch, float(np.mean(losses))):
            break
    return monitor.best or model


def last_items(train: Feedback, n_users: int, length: int) -> np.ndarray:
    """(users, length) int64 item codes + 1 in order of time, the last one last, 0 where a user has fewer."""
    if train.times is None:
        raise DataError(
            "'recommender.sasrec' needs to know what came first, but the interactions have no times. "
            "Name a time column, or use a model that does not."
        )
    order = np.lexsort((np.arange(len(train)), train.times, train.users))
    users, items = train.users[order], train.items[order]
    counts = np.bincount(users, minlength=n_users)
    from_end = np.cumsum(counts)[users] - 1 - np.arange(len(users))
    table = np.zeros((n_users, length), np.int64)
    recent = from_end < length
    table[users[recent], length - 1 - from_end[recent]] = items[recent] + 1
    return table


def _model(network: Network, sequences: torch.Tensor, batch_size: int) -> Factors:
    with torch.inference_mode():
        users = torch.cat([network(batch)[:, -1] for batch in sequences.split(batch_size)]).numpy()
        items = network.items.weight[1:].numpy().copy()
    return Factors(users, items, np.zeros(len(items), np.float32))
