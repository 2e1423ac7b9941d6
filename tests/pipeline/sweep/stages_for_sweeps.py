"""Cheap stages that sweeps are tested with: a quadratic, a curve that is logged step by step, and what goes wrong."""

from __future__ import annotations

import math
import os
import signal
import time
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pipeline import Context, Stage, hookimpl


class Numbers(Stage):
    """A list of numbers, made slowly: what trials share."""

    count: int = Field(3, gt=0)
    seconds: float = 0.0
    witness: str = ""

    def run(self) -> list[float]:
        """0, 1, 2, ..."""
        time.sleep(self.seconds)
        if self.witness:
            with Path(self.witness).open("a") as file:
                file.write("ran\n")
        return [float(number) for number in range(self.count)]


class Bowl(Stage):
    """(x - 2)^2 + (y + 1)^2, and with the power of sigma something to go wrong."""

    emits: ClassVar = {"loss": "min", "size": "min"}

    x: float = Field(0.0, ge=-10, le=10)
    y: float = Field(0.0, ge=-10, le=10)
    n: int = Field(1, ge=1, le=100)
    kind: Literal["plain", "shifted"] = "plain"
    fails_above: float = 100.0
    seconds: float = 0.0
    eats: int = Field(0, ge=0, description="Bytes of memory.")

    @model_validator(mode="after")
    def _together(self) -> Bowl:
        if self.x > 9 and self.y > 9:
            raise ValueError("x and y cannot both be above 9")
        return self

    def run(self, numbers: list[float], context: Context) -> dict[str, float]:
        """The value."""
        time.sleep(self.seconds)
        bytearray(self.eats)
        if self.x > self.fails_above:
            raise ArithmeticError(f"x is {self.x}")
        value = (self.x - 2) ** 2 + (self.y + 1) ** 2 + (self.kind == "shifted") + 0 * len(numbers)
        context.log({"loss": value, "size": abs(self.x) + self.n})
        return {"value": value}


class Other(Stage):
    """A variant with a dimension of its own."""

    emits: ClassVar = {"loss": "min", "size": "min"}

    z: float = Field(0.5, ge=0, le=1)

    def run(self, numbers: list[float], context: Context) -> dict[str, float]:
        """Never as good as the bowl can be."""
        context.log({"loss": 3 + self.z, "size": 1.0})
        return {"value": 3 + self.z}


class Curve(Stage):
    """A training curve that falls towards (x - 0.3)^2, with checkpoints."""

    emits: ClassVar = {"loss": "min"}
    per_step: ClassVar = ("loss",)
    seeded: ClassVar = True

    x: float = Field(0.5, ge=0, le=1)
    steps: int = Field(9, gt=0)
    rate: float = Field(1.0, gt=0)
    seconds: float = 0.0
    noise: float = 0.0
    kill_once: str = ""
    witness: str = ""
    checkpoints: bool = True

    def run(self, context: Context) -> float:
        """Train."""
        begin, level = 1, 1.0
        if self.checkpoints and (kept := context.load_checkpoint()):
            state, step = kept
            begin, level = step + 1, state["level"]
        for step in range(begin, self.steps + 1):
            time.sleep(self.seconds)
            self._tell(f"{self.x:.4f} {context.seed} {step} {os.getpid()} {os.getppid()}")
            level *= 0.7**self.rate
            noise = self.noise * math.sin(99 * (step + context.seed % 1000))
            context.log({"loss": (self.x - 0.3) ** 2 + level + noise}, step=step)
            if self.checkpoints:
                context.save_checkpoint({"level": level}, step)
            if self.kill_once and step == 3 and self.x > 0.5 and _first(self.kill_once):
                os.kill(os.getpid(), signal.SIGKILL)
        return level

    def _tell(self, line: str) -> None:
        if self.witness:
            with Path(self.witness).open("a") as file:
                file.write(line + "\n")


class Score(Stage):
    """What follows the training."""

    emits: ClassVar = {"score": "max"}

    def run(self, curve: float, context: Context) -> float:
        """Higher is better."""
        context.log({"score": -curve})
        return -curve


def _first(path: str) -> bool:
    """Whether nobody came here before."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


@hookimpl
def pipeline_stages() -> list[type[Stage]]:
    """All of them."""
    return [Numbers, Bowl, Other, Curve, Score]
