"""What a pruned network is trained for: the labels, the dense network's outputs, or both."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from plugins.pruning.examples import Examples, outputs


@dataclass(frozen=True)
class Objective:
    """The loss of a batch.

    A classifier's is the cross-entropy with the labels, of which ``distillation`` is the share that the teacher's
    softened probabilities take (Hinton et al. 2015, section 2). Any other network is to imitate its teacher: mean
    squared difference of their outputs.
    """

    classifies: bool
    distillation: float = 0.0
    temperature: float = 4.0

    @property
    def needs_teacher(self) -> bool:
        """Whether examples must carry a teacher's outputs."""
        return not self.classifies or self.distillation > 0

    def __call__(self, output: Tensor, batch: Examples) -> Tensor:
        """The mean loss, a scalar."""
        if not self.classifies:
            assert batch.teacher is not None
            return functional.mse_loss(output, batch.teacher)
        assert batch.labels is not None
        loss = functional.cross_entropy(output, batch.labels)
        if not self.distillation or batch.teacher is None:
            return loss
        return torch.lerp(loss, soft_cross_entropy(output, batch.teacher, self.temperature), self.distillation)


def soft_cross_entropy(output: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Kullback-Leibler divergence from the teacher's probabilities at ``temperature``, times its square, in nats."""
    student = functional.log_softmax(output / temperature, dim=1)
    target = functional.log_softmax(teacher / temperature, dim=1)
    return temperature**2 * functional.kl_div(student, target, reduction="batchmean", log_target=True)


def classifies(network: nn.Module, given: Examples) -> bool:
    """Whether the network's output is one logit for each class of the labels."""
    output = outputs(network, given.take(torch.arange(1, device=given.inputs.device)))
    return given.labels is not None and output.ndim == 2 and output.shape[1] > int(given.labels.max())


def accuracy(output: Tensor, labels: Tensor) -> float:
    """The share of rows whose largest logit is their label's."""
    return (output.argmax(1) == labels).float().mean().item()


def quality(network: nn.Module, given: Examples, objective: Objective) -> dict[str, float]:
    """What to tell about a network: accuracy of a classifier, else the mean squared difference from its teacher."""
    output = outputs(network, given)
    if objective.classifies:
        assert given.labels is not None
        return {"accuracy": accuracy(output, given.labels)}
    assert given.teacher is not None
    return {"difference": functional.mse_loss(output, given.teacher).item()}
