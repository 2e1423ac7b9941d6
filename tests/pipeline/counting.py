"""A local plugin for the tests: stages whose executions leave traces that can be counted."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pipeline import Context, DataPath, Field, Stage, hookimpl
from pipeline.errors import StageError


def trace(word: str) -> None:
    with Path(os.environ["TRACES"]).open("a") as file:
        file.write(f"{word}\n")


@dataclass(frozen=True)
class Box:
    """A list of numbers."""

    items: list[int]


class Make(Stage):
    """Make a box."""

    start: int = Field(1, ge=0, description="The first number.")
    size: int = Field(3, gt=0, description="How many numbers.")

    def run(self) -> Box:
        trace("make")
        return Box(list(range(self.start, self.start + self.size)))


class Draw(Stage):
    """Draw a number from a box."""

    emits: ClassVar = {"drawn": "max"}
    seeded: ClassVar = True
    bonus: float = 0.0

    def run(self, make: Box, context: Context) -> float:
        trace("draw")
        value = float(context.rng.random()) + sum(make.items) + self.bonus
        context.log({"drawn": value})
        context.text("note", f"drew {value}")
        return value


class Round(Stage):
    """Round a number down: many inputs give the same output."""

    def run(self, draw: float) -> int:
        trace("round")
        return int(draw)


class Read(Stage):
    """Read a file."""

    path: DataPath

    def run(self) -> str:
        trace("read")
        return Path(self.path).read_text()


class Fail(Stage):
    """Fail until a file exists."""

    unless: str = "never"
    seconds: float = 0.0

    def run(self, make: Box) -> int:
        trace("fail")
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            time.sleep(0.01)
        if not Path(self.unless).exists():
            raise ValueError("the moon is in the wrong phase")
        return 1


class Once(Stage):
    """Fail the first time, then go on from the checkpoint."""

    def run(self, context: Context) -> int:
        trace("once")
        kept = context.load_checkpoint()
        if kept is None:
            context.save_checkpoint({"weights": [1, 2]}, step=7)
            raise StageError("", "not yet")
        state, step = kept
        return step + sum(state["weights"])


class Unseeded(Stage):
    """Use a seed without saying so."""

    def run(self, context: Context) -> int:
        return context.seed


class Restless(Stage):
    """Return something else each time."""

    def run(self) -> float:
        return time.time()


class Die(Stage):
    """Kill the process."""

    def run(self, make: Box) -> int:
        os.kill(os.getpid(), 9)
        return 0


class Gather(Stage):
    """Add up several numbers."""

    def run(self, numbers: dict[str, float]) -> float:
        return sum(numbers.values())


@hookimpl
def pipeline_stages():
    return [Make, Draw, Round, Read, Fail, Once, Unseeded, Restless, Die, Gather]
