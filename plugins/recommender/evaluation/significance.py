"""Are two models different? Paired tests over users, corrected for the number of comparisons, and intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

RESAMPLES = 1000


@dataclass(frozen=True)
class Paired:
    """Mean difference of two models over the same users, its 95 % bootstrap interval, and two-sided p-values."""

    difference: float
    low: float
    high: float
    p_wilcoxon: float
    p_t: float


def paired(ours: np.ndarray, theirs: np.ndarray, seed: int = 0) -> Paired:
    """Wilcoxon's signed-rank test (zeros dropped) and the paired t-test of values (n,) of the same users."""
    differences = ours - theirs
    if not differences.any():
        return Paired(0.0, 0.0, 0.0, 1.0, 1.0)
    low, high = interval(differences, seed)
    varies = len(differences) > 1 and differences.std() > 0
    return Paired(
        float(differences.mean()),
        low,
        high,
        float(stats.wilcoxon(differences, method="asymptotic").pvalue),
        float(stats.ttest_1samp(differences, 0).pvalue) if varies else 0.0,
    )


def interval(values: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95 % percentile-bootstrap interval of the mean over users (Efron 1979), 1,000 resamples."""
    rng = np.random.default_rng(seed)
    n = len(values)
    means = np.array([values[rng.integers(n, size=n)].mean() for _ in range(RESAMPLES)])
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down correction (1979) of (m,) p-values."""
    m = len(p_values)
    order = np.argsort(p_values)
    stepped = np.maximum.accumulate(np.minimum(1.0, (m - np.arange(m)) * p_values[order]))
    corrected = np.empty(m)
    corrected[order] = stepped
    return corrected
