"""What a session leaves behind: the same shape in Python, in ``--json``, for a run and for a sweep."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.compare import Comparison
from pipeline.records import Run, RunOutcome, Status

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RunResult:
    """One run: what it was (``run``), how it ended (``outcome``), and its identity in MLflow where that is known."""

    run: Run
    outcome: RunOutcome
    mlflow_run_id: str | None = None
    _load: Callable[[str], Any] | None = None

    @property
    def metrics(self) -> Mapping[str, float]:
        """The last value of each ``stage/metric``."""
        return self.outcome.metrics

    def artifact(self, stage: str) -> Any:
        """What the stage returned; KeyError if it did not finish in this run."""
        key = next((outcome.key for outcome in self.outcome.stages if outcome.name == stage), None)
        if key is None or self._load is None:
            raise KeyError(f"stage {stage!r} left no artifact in this run")
        return self._load(key)

    def as_dict(self) -> dict[str, Any]:
        """The entry of ``runs`` in ``--json``."""
        return {
            "mlflow_run_id": self.mlflow_run_id,
            "status": self.outcome.status,
            "variants": dict(self.run.variants),
            "seed": self.run.seed,
            "params": dict(self.run.params),
            "metrics": {name: _finite(value) for name, value in self.outcome.metrics.items()},
            "sentences": dict(self.outcome.sentences),
            "stages": [
                {"name": s.name, "uses": s.uses, "cached": s.cached, "seconds": round(s.seconds, 4)}
                for s in self.outcome.stages
            ],
            "error": self.outcome.error,
        }


@dataclass(frozen=True)
class Result:
    """All the runs of one command; ``mlflow_run_id`` is the parent's, or the only run's."""

    status: Status
    experiment: str
    tracking_uri: str | None
    runs: tuple[RunResult, ...]
    comparison: Comparison
    mlflow_run_id: str | None = None
    warnings: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def metrics(self) -> Mapping[str, float]:
        """The only run's metrics; with several runs, the mean of the first group."""
        if len(self.runs) == 1:
            return self.runs[0].metrics
        first = self.comparison.groups[:1]
        return {name: stats.mean for group in first for name, stats in group.metrics.items()}

    def artifact(self, stage: str) -> Any:
        """What the stage returned in the first run."""
        return self.runs[0].artifact(stage)

    def to_frame(self) -> pd.DataFrame:
        """One row per run: variants, seed, status, metrics."""
        import pandas as pd

        return pd.DataFrame(
            [{**r.run.variants, "seed": r.run.seed, "status": r.outcome.status, **r.metrics} for r in self.runs]
        )

    def as_dict(self) -> dict[str, Any]:
        """The document of ``--json``."""
        return {
            "status": self.status,
            "experiment": self.experiment,
            "mlflow_run_id": self.mlflow_run_id,
            "tracking_uri": self.tracking_uri,
            "runs": [run.as_dict() for run in self.runs],
            "summary": [
                {
                    "variants": dict(group.variants),
                    "params": dict(group.params),
                    "n": len(group.runs),
                    "metrics": {
                        name: {
                            "mean": _finite(stats.mean),
                            "std": stats.std,
                            "ci95": list(stats.ci95) if stats.ci95 else None,
                        }
                        for name, stats in group.metrics.items()
                    },
                    "best_on": [metric for metric, name in self.comparison.best.items() if name == group.name],
                }
                for group in self.comparison.groups
            ],
            "tests": [
                {
                    "metric": t.metric, "best": t.best, "other": t.other, "test": "paired t", "n": t.n,
                    "difference": _finite(t.difference), "p": t.p, "p_holm": t.p_holm,
                }
                for t in self.comparison.tests
            ],
            "warnings": list(self.warnings),
            **self.extra,
        }  # fmt: skip


def _finite(value: float) -> float | str | None:
    """JSON knows no NaN and no infinity: their names stand for them."""
    return value if math.isfinite(value) else str(value)
