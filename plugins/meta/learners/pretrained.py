"""The controls that adapt like MAML but were never trained to: trained on all tasks at once, or not at all."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from plugins.meta.episodes import Episodes, losses
from plugins.meta.learners.gradient import GradientLearner
from plugins.meta.types import Problem


class Pretrained(GradientLearner):
    """One network for all tasks, fine-tuned on each task's support set.

    Numbers, and classes that all tasks have in common: it predicts the pooled tasks (Finn et al. 2017, section 5.1).
    Classes of their own: its body learns to tell all ``train_classes`` apart; a task then begins with a last layer of
    zeros.
    """

    def __init__(
        self,
        problem: Problem,
        hidden: Sequence[int] | None,
        inner_learning_rate: float,
        inner_steps: int,
        train_classes: int,
    ) -> None:
        super().__init__(problem, hidden, inner_learning_rate, inner_steps)
        if train_classes:
            features = self.network.initial["head_weight"].shape[0]
            self.classifier = nn.Linear(features, train_classes)
            for name in self.network.head:
                nn.init.zeros_(self.network.initial[name])

    def loss(self, episodes: Episodes) -> Tensor:
        """The mean loss of support and query sets without any adaptation."""
        inputs = torch.cat([episodes.support_inputs, episodes.query_inputs], 1)
        targets = torch.cat([episodes.support_targets, episodes.query_targets], 1)
        if episodes.classes is None:
            outputs = self.network(self.network.expanded(1), inputs.flatten(0, 1)[None])
            return losses(outputs, targets.flatten(0, 1)[None]).mean()
        features = self.network.features(self.network.expanded(1), inputs.flatten(0, 1)[None])[0]
        return functional.cross_entropy(self.classifier(features), episodes.classes.gather(1, targets).flatten())


class Scratch(GradientLearner):
    """A network with random weights that sees nothing but a task's support set."""

    def loss(self, episodes: Episodes) -> Tensor:
        """Nothing is learnt before a task comes."""
        raise NotImplementedError("training from scratch has no meta-training")
