import numpy as np
import pytest

from pipeline.testing import run_stage
from plugins.vae.evaluation.disentanglement import (
    completeness_score,
    disentanglement,
    disentanglement_score,
    mutual_information,
)
from plugins.vae.fit_stages import Fit
from plugins.vae.stages import Disentangle, Shapes

FACTORS = np.stack(np.meshgrid(np.arange(4), np.arange(3), np.arange(30), indexing="ij"), -1).reshape(-1, 3)[:, :2]


def noisy(values, scale=0.05):
    return values + scale * np.random.default_rng(0).standard_normal(values.shape)


def test_codes_that_are_the_factors_score_one():
    found = disentanglement(noisy(FACTORS), FACTORS)

    assert [1] * 4 == pytest.approx(
        [found.mig, found.disentanglement, found.completeness, found.informativeness], abs=0.03
    )
    # Guessing tells 1 of 4 and 1 of 3: all that the second-best dimension is good for.
    assert found.sap == pytest.approx(1 - (1 / 4 + 1 / 3) / 2, abs=0.08)


def test_noise_scores_zero():
    found = disentanglement(np.random.default_rng(1).standard_normal(FACTORS.shape), FACTORS)

    assert max(found.mig, found.sap) < 0.08
    assert found.informativeness < 0.5


def test_rotated_codes_know_as_much_but_are_not_disentangled():
    rotation = np.array([[1, 1], [1, -1]]) / 2**0.5

    straight, rotated = (disentanglement(noisy(FACTORS @ matrix), FACTORS) for matrix in (np.eye(2), rotation))

    assert rotated.informativeness > 0.9
    assert rotated.mig < 0.3 < straight.mig
    assert rotated.disentanglement < 0.4 < straight.disentanglement


def test_information_is_the_entropy_of_a_factor_that_is_known():
    information = mutual_information(FACTORS.astype(float), FACTORS)

    assert np.allclose(np.diag(np.log([4, 3])), information, atol=1e-9)


def test_one_dimension_for_two_factors_is_complete_but_not_disentangled():
    importance = np.array([[1.0, 1.0], [0.0, 0.0]])

    assert disentanglement_score(importance) == pytest.approx(0)
    assert completeness_score(importance) == pytest.approx(1)


def test_shapes_hold_every_combination_of_the_factors_once():
    parts = run_stage(Shapes()).value

    factors = np.concatenate([part.factors for part in (parts.train, parts.validation, parts.test)])
    assert (1728, 5) == factors.shape
    assert 1728 == len(np.unique(factors, axis=0))
    assert (1, 24, 24) == parts.test.shape
    assert 0 == parts.test.pixels[:, :, 0].max()  # no shape is cut off


def test_the_bigger_the_factor_size_the_more_is_bright():
    images = run_stage(Shapes()).value.train

    by_size = [images.pixels[images.factors[:, 1] == size].mean() for size in range(3)]

    assert by_size == sorted(by_size)


def test_the_codes_of_a_model_are_judged():
    images = run_stage(Shapes()).value
    model = run_stage(Fit(latent_dim=3, hidden=(16,), epochs=2), images=images).value

    run = run_stage(Disentangle(), model=model, images=images)

    assert set(Disentangle.emits) == set(run.metrics)
    assert (3, 5) == run.value.importance.shape
    assert {"importance.png"} == set(run.files)
