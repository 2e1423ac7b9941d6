"""A kernel density estimate on the unit cube: normal kernels for numbers, Aitchison & Aitken's (1976) for choices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST_BANDWIDTH = 1e-3


class ProductKernel:
    """A product of one kernel for each dimension around each row.

    rows: (n, dimensions) in 0..1. levels: the number of options of a choice, 0 for a number; an option's position is
    the middle of its share.
    """

    def __init__(self, rows: np.ndarray, levels: Sequence[int]) -> None:
        self.rows, self.levels = rows, tuple(levels)
        n, dimensions = rows.shape
        # Scott's normal reference rule with Silverman's constant, as statsmodels' "normal_reference".
        widths = 1.06 * rows.std(axis=0) * n ** (-1 / (4 + dimensions))
        most = [(level - 1) / level if level else 1.0 for level in self.levels]
        self.bandwidths = np.clip(widths, LEAST_BANDWIDTH, np.maximum(most, LEAST_BANDWIDTH))

    def density(self, points: np.ndarray) -> np.ndarray:
        """The density at each of (m, dimensions) points, shape (m,); normal kernels are cut at 0 and 1."""
        from scipy.special import ndtr

        product = np.ones((len(points), len(self.rows)))
        for column, (level, width) in enumerate(zip(self.levels, self.bandwidths, strict=True)):
            centre, at = self.rows[:, column], points[:, column][:, None]
            if level:
                same = np.abs(at - centre) < 0.5 / level
                product *= np.where(same, 1 - width, width / max(level - 1, 1))
            else:
                mass = ndtr((1 - centre) / width) - ndtr(-centre / width)
                product *= np.exp(-0.5 * ((at - centre) / width) ** 2) / (np.sqrt(2 * np.pi) * width * mass)
        density: np.ndarray = product.mean(axis=1)
        return density

    def draw(self, count: int, factor: float, generator: np.random.Generator) -> np.ndarray:
        """``count`` points from kernels ``factor`` times as wide, shape (count, dimensions)."""
        from scipy.special import ndtr, ndtri

        centres = self.rows[generator.integers(0, len(self.rows), count)]
        points = np.empty_like(centres)
        for column, (level, width) in enumerate(zip(self.levels, self.bandwidths, strict=True)):
            centre = centres[:, column]
            if level:
                # The paper widens only the kernels of numbers.
                other = (generator.integers(0, level, count) + 0.5) / level
                points[:, column] = np.where(generator.random(count) < 1 - width, centre, other)
            else:
                wide = width * factor
                low, high = ndtr(-centre / wide), ndtr((1 - centre) / wide)
                points[:, column] = centre + wide * ndtri(low + generator.random(count) * (high - low))
        inside: np.ndarray = np.clip(points, 0.0, 1.0)
        return inside
