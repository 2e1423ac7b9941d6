"""What the symbolic stages pass to one another: a problem, and a front of equations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.types import Predictor, Table

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Problem:
    """Data with one target, and what is known about the law behind them.

    extrapolation: rows outside the range of ``train``, or None where there are none.
    truth: the formula that made the data, as the grammar writes it, or None where it is unknown.
    units: of each variable in order and of the target last, empty where unknown; or none at all.
    classes: what the target's 0 and 1 stand for, where they stand for words.
    """

    name: str
    train: Table
    test: Table
    extrapolation: Table | None = None
    truth: str | None = None
    units: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """The features' names, which are the formula's variables."""
        return tuple(map(str, self.train.features.columns))

    @property
    def target(self) -> str:
        """The target's name."""
        return self.train.targets[0]


def arrays(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """Features, shape (n, variables), and target, shape (n,), as float64."""
    # Copies, because pandas hands out read-only views and compiled engines refuse them.
    return table.features.to_numpy(float, copy=True), table.frame[table.targets[0]].to_numpy(float, copy=True)


@dataclass(frozen=True)
class Equation:
    """A formula as the grammar writes it: its size in nodes, and its mean squared error on the training rows."""

    expression: str
    complexity: int
    error: float


@dataclass(frozen=True)
class Front(Predictor):
    """Equations by rising complexity and falling error, the chosen one among them.

    variance: the target's variance on the training rows, which makes an error relative.
    """

    equations: tuple[Equation, ...]
    chosen: int
    variables: tuple[str, ...]
    target: str
    variance: float
    rows: int

    @property
    def best(self) -> Equation:
        """The chosen equation."""
        return self.equations[self.chosen]

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """The chosen equation at rows of shape (n, variables): shape (n,); nan or inf where it is undefined."""
        import numpy as np

        from plugins.symbolic.grammar import parse
        from plugins.symbolic.programs import evaluate

        return evaluate(parse(self.best.expression, self.variables), np.asarray(inputs, float))

    def example(self) -> np.ndarray:
        """Two rows of ones: a formula takes any numbers."""
        import numpy as np

        return np.ones((2, len(self.variables)))


@dataclass(frozen=True)
class Classifier(Predictor):
    """Formulas for the logit of the second of two classes; an equation's error is its mean log loss in training."""

    equations: tuple[Equation, ...]
    chosen: int
    variables: tuple[str, ...]
    target: str
    classes: tuple[str, ...]

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """The second class's probability at rows of shape (n, variables): shape (n,)."""
        import numpy as np

        from plugins.symbolic.classification import probability

        return probability(self.equations[self.chosen].expression, self.variables, np.asarray(inputs, float))

    def example(self) -> np.ndarray:
        """Two rows of ones: a formula takes any numbers."""
        import numpy as np

        return np.ones((2, len(self.variables)))


@dataclass(frozen=True)
class Features(Predictor):
    """Formulas that serve as new columns."""

    expressions: tuple[str, ...]
    variables: tuple[str, ...]

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """The formulas at rows of shape (n, variables): shape (n, formulas); nan or inf where one is undefined."""
        import numpy as np

        from plugins.symbolic.grammar import parse
        from plugins.symbolic.programs import evaluate

        rows = np.asarray(inputs, float)
        columns = [evaluate(parse(text, self.variables), rows) for text in self.expressions]
        return np.array(columns).T.reshape(len(rows), len(self.expressions))

    def example(self) -> np.ndarray:
        """Two rows of ones: a formula takes any numbers."""
        import numpy as np

        return np.ones((2, len(self.variables)))


@dataclass(frozen=True)
class Stability:
    """Forms that repeated searches ended with, the most frequent first, beside the form that was asked about."""

    form: str
    forms: tuple[str, ...]
    times: tuple[int, ...]
    metrics: dict[str, float]


@dataclass(frozen=True)
class Verdict:
    """What was found out about a formula; ``recovered`` is None where the law is unknown."""

    expression: str
    recovered: bool | None
    metrics: dict[str, float]
