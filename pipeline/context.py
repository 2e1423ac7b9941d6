"""Context: what a running stage is handed, and its only door to the outside.

A stage neither knows nor imports MLflow or Ray, and does not know whether it runs in a sweep.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import torch

    from pipeline.records import Record

T = TypeVar("T")


class Checkpoints(Protocol):
    """Where a stage's checkpoints are kept."""

    def save(self, state: Any, step: int) -> None:
        """Keep ``state`` as of ``step`` in place of the one before."""

    def load(self) -> tuple[Any, int] | None:
        """The newest state and its step, or None where there is none."""


class NoCheckpoints:
    """Keeps nothing: for a stage that is run outside a pipeline."""

    def save(self, state: Any, step: int) -> None:
        """Forget ``state``."""

    def load(self) -> None:
        """Nothing was kept."""


class Context:
    """Handed to ``Stage.run()``; made by the runner, and by ``pipeline.testing`` in a plugin's tests."""

    def __init__(
        self,
        stage: str = "stage",
        seed: int | None = 0,
        *,
        record: Callable[[Record], None] | None = None,
        report_progress: Callable[[str, int, int | None], None] = lambda label, done, total: None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self._stage = stage
        self._seed = seed
        self._record = record or (lambda record: None)
        self._watched = record is not None
        self._report_progress = report_progress
        self._checkpoints = checkpoints or NoCheckpoints()

    def log(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log metrics by name: numbers, or zero-dimensional arrays and tensors. ``step`` makes them a curve."""
        from pipeline.records import Metrics

        values = {name: _number(name, value) for name, value in metrics.items()}
        self._record(Metrics(values, None if step is None else int(step), time.time()))

    def figure(self, name: str, figure: Any) -> None:
        """Keep a picture: a matplotlib figure becomes ``name.png``, a plotly one ``name.html``."""
        if not self._watched:  # drawing is slow, and nobody would see it
            return
        if hasattr(figure, "to_html"):
            self._keep(f"{name}.html", figure.to_html(include_plotlyjs=True).encode())
            return
        import io

        buffer = io.BytesIO()
        # No software name in the file: the same picture must be the same bytes.
        figure.savefig(buffer, format="png", dpi=120, bbox_inches="tight", metadata={"Software": None})
        if "matplotlib.pyplot" in _loaded():
            from matplotlib import pyplot

            pyplot.close(figure)
        self._keep(f"{name}.png", buffer.getvalue())

    def table(self, name: str, frame: Any) -> None:
        """Keep a pandas data frame, or anything that makes one (list of rows, dict of columns), as ``name.csv``."""
        import pandas as pd

        table = frame if isinstance(frame, pd.DataFrame) else pd.DataFrame(frame)
        self._keep(f"{name}.csv", table.to_csv(index=False).encode())

    def text(self, name: str, text: str) -> None:
        """Keep a text; ``name`` may carry an extension (``.md``, ``.html``, ``.json``), else it becomes ``.txt``.

        A ``.txt`` of one line is told on the terminal too: ``context.text("formula", "y = 2*x")``.
        """
        suffix = "" if "." in name else ".txt"
        self._keep(f"{name}{suffix}", text.encode())

    def file(self, name: str, content: bytes) -> None:
        """Keep a file of any kind as it is; ``name`` carries its extension: ``context.file("model.onnx", data)``."""
        self._keep(name, content)

    def progress(self, iterable: Iterable[T], label: str = "", total: int | None = None) -> Iterator[T]:
        """Iterate, showing how far the stage is: ``for epoch in context.progress(range(20), "epochs")``."""
        if total is None:
            total = len(iterable) if isinstance(iterable, Sized) else None
        self._report_progress(label, 0, total)
        for done, item in enumerate(iterable, 1):
            yield item
            self._report_progress(label, done, total)

    def save_checkpoint(self, state: Any, step: int) -> None:
        """Keep ``state`` (dictionaries, lists, tensors, arrays, plain values) so that the stage can go on from it."""
        self._checkpoints.save(state, step)

    def load_checkpoint(self) -> tuple[Any, int] | None:
        """The state and step that an interrupted or copied execution of this very stage kept last, or None."""
        return self._checkpoints.load()

    @property
    def seed(self) -> int:
        """A seed of this stage's own (32 bits), derived from the run's seed and the stage's name."""
        if self._seed is None:
            raise TypeError(
                f"stage {self._stage!r} uses a seed without saying so: set 'seeded: ClassVar = True' on its class, "
                "so that its cached result is not taken for another seed's"
            )
        return self._seed

    @cached_property
    def rng(self) -> np.random.Generator:
        """A numpy generator seeded with ``seed``."""
        import numpy as np

        return np.random.default_rng(self.seed)

    @cached_property
    def device(self) -> torch.device:
        """The accelerator if torch finds one, else the CPU; ``PIPELINE_DEVICE`` overrides."""
        import os

        import torch

        if name := os.environ.get("PIPELINE_DEVICE"):
            return torch.device(name)
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")

    def _keep(self, name: str, content: bytes) -> None:
        from pipeline.records import File

        self._record(File(name, content))


def _loaded() -> Mapping[str, Any]:
    import sys

    return sys.modules


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"metric {name!r} must be a number. Got {value!r} instead.") from None
