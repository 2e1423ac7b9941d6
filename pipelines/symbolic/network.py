"""A network for `distill.yaml`: any stage that returns a Predictor can be distilled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import Context, Field, Stage, hookimpl
from pipeline.types import TorchModel
from plugins.symbolic.types import Problem

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Perceptron(TorchModel):
    """Two hidden layers between standardised inputs and one output."""

    inputs: int
    width: int

    def build(self) -> torch.nn.Module:
        """The network with fresh weights."""
        from torch import nn

        return nn.Sequential(
            nn.BatchNorm1d(self.inputs), nn.Linear(self.inputs, self.width), nn.Tanh(),
            nn.Linear(self.width, self.width), nn.Tanh(), nn.Linear(self.width, 1),
        )  # fmt: skip


class Fit(Stage):
    """Fit the network by Adam on all rows at once."""

    seeded = True

    width: int = Field(32, gt=0)
    steps: int = Field(1500, gt=0)

    def run(self, problem: Problem, context: Context) -> Perceptron:
        """Minimise the mean squared error."""
        import torch

        from plugins.symbolic.types import arrays

        x, y = (torch.tensor(part, dtype=torch.float32) for part in arrays(problem.train))
        model = Perceptron(x.shape[1], self.width)
        network = model.build()
        optimizer = torch.optim.Adam(network.parameters(), 1e-2, weight_decay=1e-4)
        for step in context.progress(range(self.steps), "steps"):
            loss = ((network(x)[:, 0] - y) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 100 == 0:
                context.log({"loss": loss.item()}, step=step)
        return Perceptron(x.shape[1], self.width, state=dict(network.state_dict()))


@hookimpl
def pipeline_stages() -> list[type[Stage]]:
    """The menu of this file."""
    return [Fit]
