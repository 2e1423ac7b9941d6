import numpy as np
import pytest

from plugins.vae.evaluation.samples import density_and_coverage, frechet, principal_components, sample_quality


def normal(n, d, seed):
    return np.random.default_rng(seed).standard_normal((n, d))


def with_moments(mean, deviation, n=2000):
    """A sample whose mean and covariance are exactly these: whitened noise, scaled."""
    noise = normal(n, len(mean), 0)
    noise -= noise.mean(0)
    whitened = noise @ np.linalg.inv(np.linalg.cholesky(np.cov(noise.T)).T)
    return np.asarray(mean) + whitened * deviation


def test_the_distance_is_the_closed_form_of_gaussians():
    first, second = with_moments([0.0, 1.0], [1.0, 2.0]), with_moments([3.0, 1.0], [1.5, 0.5])

    # For diagonal covariances: the squared differences of means and of deviations.
    assert frechet(first, second) == pytest.approx(9 + 0.25 + 2.25)


def test_the_distance_is_that_of_the_matrix_square_root():
    from scipy.linalg import sqrtm

    first, second = normal(500, 4, 0) @ normal(4, 4, 1), 1 + normal(500, 4, 2) @ normal(4, 4, 3)
    a, b = np.cov(first.T), np.cov(second.T)
    shift = np.square(first.mean(0) - second.mean(0)).sum()

    expected = shift + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet(first, second) == pytest.approx(expected, rel=1e-6)


def test_a_sample_is_at_no_distance_from_itself_and_covers_itself():
    sample = normal(200, 3, 0)

    assert frechet(sample, sample) == pytest.approx(0, abs=1e-9)
    density, coverage = density_and_coverage(sample, sample)
    assert (1.0, 1.0) == (pytest.approx(density, abs=0.25), coverage)


def test_samples_of_one_distribution_are_dense_and_cover_it():
    density, coverage = density_and_coverage(normal(1000, 3, 0), normal(1000, 3, 1))

    # The expected coverage of equal distributions with k neighbours is nearly 1 - 2^-k (Naeem et al. 2020, lemma 2).
    assert coverage == pytest.approx(1 - 2**-5, abs=0.03)
    assert density == pytest.approx(1, abs=0.1)


def test_a_single_repeated_picture_covers_little():
    real = normal(500, 3, 0)

    _, coverage = density_and_coverage(real, np.zeros((500, 3)))

    assert coverage < 0.2


def test_far_samples_cover_nothing():
    assert (0.0, 0.0) == density_and_coverage(normal(50, 3, 0), normal(50, 3, 1) + 100)


@pytest.mark.parametrize("values", [9, 1200])
def test_principal_components_are_orthogonal_and_ordered(values):
    pictures = normal(80, values, 0) * np.linspace(3, 0.1, values)

    components = principal_components(pictures)

    assert np.allclose(np.eye(components.shape[1]), components.T @ components, atol=1e-6)
    variances = ((pictures - pictures.mean(0)) @ components).var(0)
    assert np.all(np.diff(variances[:5]) < 0.2 * variances[0])


def test_real_pictures_score_as_real_ones_and_noise_does_not(digits):
    real, other = digits.test.scaled(), digits.train.scaled()

    same = sample_quality(digits.validation.scaled(), real, other)
    noise = sample_quality(np.random.default_rng(0).random(real.shape).astype(np.float32), real, other)

    assert same.frechet == pytest.approx(same.frechet_real, abs=0.1)
    assert noise.frechet > 10 * noise.frechet_real
    assert noise.coverage < 0.1 < same.coverage
