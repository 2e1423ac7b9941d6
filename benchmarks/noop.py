"""A local plugin of stages that do nothing, so that only the framework's own cost is left to measure."""

from typing import ClassVar

from pipeline import Context, Field, Stage, hookimpl


class First(Stage):
    """Begin a chain."""

    start: int = Field(0, description="The number passed on.")

    def run(self) -> int:
        return self.start


class Next(Stage):
    """Pass a number on."""

    place: int = Field(0, description="Where in the chain it stands; equal stages would be computed once.")

    def run(self, before: int) -> int:
        return before


class Logs(Stage):
    """Work for a second in ten steps, logging a hundred metrics and twenty fields in all at each."""

    emits: ClassVar = {"m0": None}

    seconds: float = Field(1.0, description="How long the stage works.")
    a: float = 0.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0
    g: float = 0.0
    h: float = 0.0
    i: float = 0.0
    j: float = 0.0
    k: float = 0.0
    l: float = 0.0  # noqa: E741  # twenty fields are twenty parameters in MLflow
    m: float = 0.0
    n: float = 0.0
    o: float = 0.0
    p: float = 0.0
    q: float = 0.0
    r: float = 0.0
    s: float = 0.0

    def run(self, context: Context) -> float:
        import time

        spent = 0.0
        for step in range(10):
            end = time.perf_counter() + self.seconds / 10
            while time.perf_counter() < end:
                pass
            began = time.perf_counter()
            context.log({f"m{index}": step + index / 100 for index in range(100)}, step=step)
            spent += time.perf_counter() - began
        return spent


@hookimpl
def pipeline_stages():
    return [First, Next, Logs]
