"""A local plugin for the tests: something that is recorded in a moment and has curves, figures and a score."""

from dataclasses import dataclass
from typing import ClassVar

from pipeline import Context, Field, Stage, hookimpl


@dataclass(frozen=True)
class Signal:
    """How large it is at first."""

    height: float


class Source(Stage):
    """Make a signal."""

    name: str = "step"

    def run(self) -> Signal:
        return Signal(1.0)


class Damp(Stage):
    """Let the signal decay."""

    emits: ClassVar = {"level": None, "energy": None}
    rate: float = Field(0.5, gt=0)

    def run(self, source: Signal, context: Context) -> Signal:
        from matplotlib.figure import Figure

        levels = [source.height * (1 - self.rate) ** step for step in range(5)]
        for step, level in enumerate(levels):
            context.log({"level": level, "energy": level**2}, step=step)
        drawing = Figure(figsize=(4, 3))
        drawing.subplots().plot(levels)
        context.figure("decay", drawing)
        return Signal(levels[-1])


class Score(Stage):
    """How little is left."""

    emits: ClassVar = {"left": "min"}

    def run(self, damp: Signal, context: Context) -> None:
        context.log({"left": damp.height})


@hookimpl
def pipeline_stages() -> list[type[Stage]]:
    """The stages of this file."""
    return [Source, Damp, Score]
