"""Neural collaborative filtering: NeuMF, a product and a perceptron side by side (He et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from scipy import sparse
from torch import nn
from torch.nn import functional

from pipeline.context import Context
from plugins.recommender.models.monitor import Monitor
from plugins.recommender.models.pairwise import triples
from plugins.recommender.types import Holdout, Recommender

if TYPE_CHECKING:
    from plugins.recommender import neural_stages as stages


@dataclass(frozen=True)
class NeuMF(Recommender):
    """Scores every pair; ``state`` is the state dict of the network."""

    scores_new_users: ClassVar[bool] = False

    state: dict[str, torch.Tensor]

    def scores(self, users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        """(batch, items)."""
        (n_users, dimensions), (n_items, _) = self.state["users.weight"].shape, self.state["items.weight"].shape
        width = len(self.state["first.bias"])
        network = Network(n_users, n_items, width, dimensions - width)
        network.load_state_dict(self.state)
        with torch.inference_mode():
            # A few users at a time: each of them meets all items in the hidden layers.
            parts = torch.from_numpy(np.asarray(users)).split(32)
            return torch.cat([network.all_items(part) for part in parts]).numpy()


class Network(nn.Module):
    """Vectors of users and items hold a part for the product (``factors``) and one for the perceptron (``width``)."""

    def __init__(self, n_users: int, n_items: int, width: int, factors: int) -> None:
        super().__init__()
        self.width = width
        self.users, self.items = nn.Embedding(n_users, width + factors), nn.Embedding(n_items, width + factors)
        self.first = nn.Linear(2 * width, width)
        self.second = nn.Linear(width, width // 2)
        self.out = nn.Linear(width // 2 + factors, 1)
        for table in (self.users, self.items):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """(n,) logits of pairs."""
        return self._judge(self.users(users), self.items(items))

    def all_items(self, users: torch.Tensor) -> torch.Tensor:
        """(n, items) logits."""
        return self._judge(self.users(users)[:, None], self.items.weight[None])

    def _judge(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        w = self.width
        # The first layer of the pair is the sum of a layer of the user and one of the item.
        of_user = users[..., :w] @ self.first.weight[:, :w].T
        of_item = items[..., :w] @ self.first.weight[:, w:].T
        hidden = functional.relu(self.second(functional.relu(of_user + of_item + self.first.bias)))
        product = users[..., w:] * items[..., w:]
        return self.out(torch.cat([hidden, product], dim=-1)).squeeze(-1)


def fit(stage: stages.NeuralCf, split: Holdout, context: Context) -> NeuMF:
    """Tell taken items from ``negatives`` others each, by cross-entropy; the best epoch is kept."""
    network = Network(*split.catalogue.shape, stage.width, stage.factors)
    optimizer = torch.optim.Adam(network.parameters(), lr=stage.learning_rate, weight_decay=stage.weight_decay)
    monitor: Monitor[NeuMF] = Monitor(split, stage.patience, context)
    for epoch in context.progress(range(stage.epochs), "epochs"):
        losses = []
        for _ in range(stage.negatives):
            for users, taken, others in triples(split.train, split.catalogue.shape[1], stage.batch_size, context.rng):
                # Each negative meets a share of its positive, so that an epoch weighs positives once.
                positive = functional.softplus(-network(users, taken)).mean() / stage.negatives
                loss = positive + functional.softplus(network(users, others)).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(float(loss.detach()))
        state = {name: value.detach().clone() for name, value in network.state_dict().items()}
        model = NeuMF(state)
        if monitor.stop(model, epoch, float(np.mean(losses))):
            break
    return monitor.best or model
