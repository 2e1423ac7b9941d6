"""Mult-VAE: a variational autoencoder of a user's items with a multinomial likelihood (Liang et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import sparse
from torch import nn
from torch.nn import functional

from pipeline.context import Context
from plugins.recommender.models.monitor import Monitor
from plugins.recommender.types import Holdout, Recommender

if TYPE_CHECKING:
    from plugins.recommender import neural_stages as stages


@dataclass(frozen=True)
class Autoencoder(Recommender):
    """Scores by encoding a history and decoding the mean of its latent variable.

    encoder, decoder: (weights (out, in), biases (out,)) of each layer, tanh between layers.
    """

    encoder: tuple[tuple[np.ndarray, np.ndarray], ...]
    decoder: tuple[tuple[np.ndarray, np.ndarray], ...]

    def scores(self, users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        """(batch, items) logits."""
        lengths = np.sqrt(np.maximum(np.diff(history.indptr), 1)).astype(np.float32)
        values = history.toarray() / lengths[:, None]
        for number, (weights, biases) in enumerate((*self.encoder, *self.decoder)):
            # Nothing bends between the latent variable and the decoder.
            values = np.tanh(values) if number not in (0, len(self.encoder)) else values
            values = values @ weights.T + biases
        return values


class Network(nn.Module):
    """The network in training: dropout on the input, a sample of the latent variable."""

    def __init__(self, n_items: int, hidden: int, latent: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.encoder = nn.Sequential(nn.Linear(n_items, hidden), nn.Tanh(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.Tanh(), nn.Linear(hidden, n_items))
        for layer in (*self.encoder, *self.decoder):
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.normal_(layer.bias, std=0.001)

    def forward(self, taken: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (batch, items) and the divergence KL(q || N(0, I)) of each user (batch,)."""
        mean, log_variance = self.encoder(functional.dropout(functional.normalize(taken), self.dropout)).chunk(2, dim=1)
        latent = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        divergence = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum(dim=1)
        return self.decoder(latent), divergence

    def artifact(self) -> Autoencoder:
        """The weights as they are, the encoder's cut to the mean."""
        layers = [
            (layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy())
            for layer in (*self.encoder, *self.decoder)
            if isinstance(layer, nn.Linear)
        ]
        latent = len(layers[1][1]) // 2
        layers[1] = (layers[1][0][:latent], layers[1][1][:latent])
        return Autoencoder(tuple(layers[:2]), tuple(layers[2:]))


def fit(stage: stages.MultVae, split: Holdout, context: Context) -> Autoencoder:
    """Maximise log-likelihood - beta * divergence, beta rising over the first steps; the best epoch is kept."""
    taken = split.matrix[np.diff(split.matrix.indptr) > 0]
    network = Network(taken.shape[1], stage.hidden, stage.latent_dim, stage.dropout)
    optimizer = torch.optim.Adam(network.parameters(), lr=stage.learning_rate, weight_decay=stage.weight_decay)
    monitor: Monitor[Autoencoder] = Monitor(split, stage.patience, context)
    steps = 0
    for epoch in context.progress(range(stage.epochs), "epochs"):
        losses = []
        order = context.rng.permutation(taken.shape[0])
        for start in range(0, len(order), stage.batch_size):
            batch = torch.from_numpy(taken[order[start : start + stage.batch_size]].toarray())
            logits, divergence = network(batch)
            steps += 1
            beta = stage.beta * min(1.0, steps / stage.annealing_steps)
            loss = (beta * divergence - (functional.log_softmax(logits, dim=1) * batch).sum(dim=1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        if monitor.stop(network.artifact(), epoch, float(np.mean(losses))):
            break
    return monitor.best or network.artifact()
