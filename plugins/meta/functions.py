"""Families of functions of one number, each function a regression task."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from plugins.meta.episodes import Episodes
from plugins.meta.types import FunctionTasks

Curve = Callable[[Tensor], Tensor]
Uniform = Callable[[tuple[float, float]], Tensor]


class FunctionSampler:
    """Draws functions and points of them; inputs and targets are (tasks, n, 1)."""

    def __init__(self, tasks: FunctionTasks, device: torch.device) -> None:
        self.tasks, self.device = tasks, device

    def draw(self, tasks: int, shots: int, queries: int, generator: torch.Generator) -> Episodes:
        """New functions, each at its own random inputs; noise is on the support set only."""
        curve = self._curve(tasks, generator)
        low, high = self.tasks.inputs
        inputs = low + (high - low) * torch.rand(tasks, shots + queries, 1, generator=generator, device=self.device)
        targets = curve(inputs)
        noise = torch.randn(tasks, shots, 1, generator=generator, device=self.device)
        return Episodes(
            inputs[:, :shots], targets[:, :shots] + self.tasks.noise * noise, inputs[:, shots:], targets[:, shots:]
        )

    def draw_on_grid(self, tasks: int, shots: int, points: int, generator: torch.Generator) -> Episodes:
        """As ``draw``, the query inputs at equal distances, to be drawn as curves."""
        curve = self._curve(tasks, generator)
        low, high = self.tasks.inputs
        inputs = low + (high - low) * torch.rand(tasks, shots, 1, generator=generator, device=self.device)
        grid = torch.linspace(low, high, points, device=self.device).expand(tasks, points)[..., None]
        return Episodes(inputs, curve(inputs), grid, curve(grid))

    def _curve(self, tasks: int, generator: torch.Generator) -> Curve:
        def uniform(bounds: tuple[float, float]) -> Tensor:
            low, high = bounds
            return low + (high - low) * torch.rand(tasks, 1, 1, generator=generator, device=self.device)

        return FAMILIES[self.tasks.family](self.tasks, uniform)


def sinusoid(tasks: FunctionTasks, uniform: Uniform) -> Curve:
    """a sin(x - p) (Finn, Abbeel & Levine 2017, section 5.1)."""
    amplitude, phase = uniform(tasks.amplitude), uniform(tasks.phase)
    return lambda x: amplitude * (x - phase).sin()


def harmonics(tasks: FunctionTasks, uniform: Uniform) -> Curve:
    """A sinusoid and its second harmonic, each with an amplitude and a phase of its own."""
    first, second = sinusoid(tasks, uniform), sinusoid(tasks, uniform)
    return lambda x: first(x) + second(2 * x) / 2


def lines(tasks: FunctionTasks, uniform: Uniform) -> Curve:
    """Straight lines: the slope lies in plus or minus the amplitude, the intercept is a phase."""
    slope, side, intercept = uniform(tasks.amplitude), uniform((-1.0, 1.0)), uniform(tasks.phase)
    return lambda x: slope * side.sign() * x + intercept


FAMILIES: dict[str, Callable[[FunctionTasks, Uniform], Curve]] = {
    "sinusoid": sinusoid,
    "harmonics": harmonics,
    "lines": lines,
}
