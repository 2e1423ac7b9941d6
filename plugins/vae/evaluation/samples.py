"""How close drawn pictures are to real ones, by their principal components: no network has to be downloaded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

COMPONENTS = 50
NEIGHBOURS = 5
MOST = 5000


@dataclass(frozen=True)
class SampleQuality:
    """Of drawn pictures beside real ones.

    frechet: squared Fréchet distance of the two (Heusel et al. 2017), in units of the real pictures' total variance.
    frechet_real: the same for as many other real pictures: nothing drawn can be expected to come below.
    density: how many real neighbourhoods hold a drawn picture, 1 where drawn ones lie as densely as real ones.
    coverage: share of the real pictures that have a drawn one in their neighbourhood (Naeem et al. 2020).
    """

    frechet: float
    frechet_real: float
    density: float
    coverage: float


def sample_quality(drawn: np.ndarray, real: np.ndarray, other_real: np.ndarray) -> SampleQuality:
    """Of pictures (n, ...) beside ``real`` test pictures; ``other_real`` ones, of the training part, set the scale."""
    components = principal_components(other_real.reshape(len(other_real), -1)[:MOST])
    drawn, real, other_real = (part.reshape(len(part), -1) @ components for part in (drawn, real, other_real))
    size = min(len(drawn), len(real), len(other_real))
    scale = max(float(real.var(0).sum()), 1e-12)
    return SampleQuality(
        frechet(drawn[:size], real[:size]) / scale,
        frechet(other_real[:size], real[:size]) / scale,
        *density_and_coverage(real[:size], drawn[:size]),
    )


def principal_components(pictures: np.ndarray) -> np.ndarray:
    """(values, components): the directions in which pictures (n, values) differ most."""
    centred = pictures - pictures.mean(0)
    if centred.shape[1] > 1000:
        from sklearn.utils.extmath import randomized_svd

        return randomized_svd(centred, COMPONENTS, random_state=0)[2].T
    values, vectors = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    return vectors[:, np.argsort(-values)[:COMPONENTS]].astype(pictures.dtype)


def frechet(first: np.ndarray, second: np.ndarray) -> float:
    """Squared Fréchet distance of two samples (n, d), each taken for Gaussian (Dowson & Landau 1982)."""
    means, covariances = zip(*(_moments(sample) for sample in (first, second)), strict=True)
    # The trace of the root of a product is that of a symmetric matrix, whose eigenvalues are real.
    values, vectors = np.linalg.eigh(covariances[0])
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ covariances[1] @ root).clip(0)).sum()
    shift = np.square(means[0] - means[1]).sum()
    return float(shift + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * cross)


def density_and_coverage(real: np.ndarray, drawn: np.ndarray, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """Naeem et al. (2020), equations 3 and 4; a real point's neighbourhood reaches to its k-th real neighbour."""
    from sklearn.metrics import pairwise_distances

    neighbours = min(neighbours, len(real) - 1)
    if neighbours == 0:
        return 0.0, 0.0
    radii = np.partition(pairwise_distances(real), neighbours, axis=1)[:, neighbours]
    inside = pairwise_distances(real, drawn) < radii[:, None]
    return float(inside.sum() / (neighbours * len(drawn))), float(inside.any(1).mean())


def _moments(sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sample = sample.astype(np.float64)
    centred = sample - sample.mean(0)
    return sample.mean(0), centred.T @ centred / max(1, len(sample) - 1)
