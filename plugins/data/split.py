"""Stratified samples and splits that depend on nothing but labels, shares and a seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.errors import DataError


def sample(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of ``size`` items (all of them where there are fewer), in rising order; each class keeps its share.

    Systematic sampling: the items, shuffled, are ordered by class and taken at equal distances, so that a class of m
    among n items gets m * size / n of the places, rounded up or down.
    """
    n = len(labels)
    size = min(size, n)
    shuffled = rng.permutation(n)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return np.sort(by_class[(2 * np.arange(size) + 1) * n // (2 * size)])


def split(labels: np.ndarray, shares: Sequence[float], seed: int) -> list[np.ndarray]:
    """Indices of the rest, and of one part for each of ``shares``; DataError where a part would be empty."""
    n = len(labels)
    rng = np.random.default_rng(seed)
    rest = np.arange(n)
    parts = []
    for share in shares:
        part = rest[sample(labels[rest], round(share * n), rng)]
        rest = np.setdiff1d(rest, part, assume_unique=True)
        parts.append(part)
    if any(len(part) == 0 for part in [rest, *parts]):
        sizes = ", ".join(str(len(part)) for part in [rest, *parts])
        raise DataError(
            f"{n} picture{'s' if n > 1 else ''} cannot be split by the shares {', '.join(map(str, shares))} without an "
            f"empty part (sizes: {sizes}). Give more pictures, or other shares."
        )
    return [rest, *parts]
