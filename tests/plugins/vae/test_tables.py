import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch.distributions import Categorical, Normal

from pipeline.errors import DataError
from pipeline.testing import run_stage
from pipeline.types import Split, Table
from plugins.vae.table_stages import EvaluateTable, FitTable, GenerateTable
from plugins.vae.tables import fidelity
from plugins.vae.tables.encoding import columns_of, decode, encode
from plugins.vae.tables.likelihood import Mixed

QUICK = {"latent_dim": 2, "hidden": (32,), "batch_size": 32, "epochs": 30, "learning_rate": 5e-3}


def rows(n, seed=0):
    """A length that depends on the colour, and a whole number that depends on the length."""
    rng = np.random.default_rng(seed)
    colour = rng.choice(["blue", "green", "red"], n, p=[0.5, 0.3, 0.2])
    length = np.select([colour == "blue", colour == "green"], [1.0, 5.0], 9.0) + 0.3 * rng.standard_normal(n)
    return pd.DataFrame({"length": length, "colour": colour, "count": np.rint(10 * length).astype(int)})


@pytest.fixture(scope="module")
def table():
    return Split(Table(rows(300)), Table(rows(60, 1)), Table(rows(120, 2)))


@pytest.fixture(scope="module")
def model(table):
    return run_stage(FitTable(**QUICK), table=table).value


def test_rows_are_found_again_from_their_encoding():
    frame = rows(50)
    columns = columns_of(frame)

    encoded = encode(frame, columns)

    assert (50, 1 + 3 + 1 + 3) == encoded.shape
    assert np.allclose(0, encoded[:, 0].mean(), atol=1e-6)
    again = decode(encoded[:, :-3], columns)
    pd.testing.assert_frame_equal(frame, again, check_dtype=False, rtol=1e-5)


def test_what_is_missing_or_was_never_seen_is_not_observed():
    columns = columns_of(rows(50))
    odd = pd.DataFrame({"length": [np.nan, 1.0], "colour": ["mauve", None], "count": [3, 4]})

    encoded = encode(odd, columns)

    assert [[0, 0, 1], [1, 0, 1]] == encoded[:, -3:].tolist()
    assert 0 == encoded[:, 1:4].sum()


def test_the_likelihood_is_that_of_torch_distributions_over_what_is_observed():
    columns = columns_of(rows(50))
    likelihood = Mixed(columns)
    x = torch.tensor([[0.5, 0, 1, 0, -1.0, 1, 1, 1], [0.5, 0, 1, 0, -1.0, 0, 1, 0]])
    output = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))

    actual = likelihood.log_prob(x, output)

    scale = likelihood._log_scale(0).exp().item()
    colour = Categorical(logits=output[:, 1:4]).log_prob(torch.tensor([1, 1]))
    numbers = Normal(output[0, [0, 4]], scale).log_prob(torch.tensor([0.5, -1.0])).sum()
    assert torch.allclose(torch.stack([colour[0] + numbers, colour[1]]), actual, atol=1e-5)


def test_drawn_values_have_the_distribution_of_the_output():
    likelihood = Mixed(columns_of(rows(50)))
    output = torch.tensor([2.0, 0.0, math.log(3.0), 0.0, -1.0]).expand(20_000, 5)

    drawn = likelihood.draw(output, torch.Generator().manual_seed(0))

    assert torch.allclose(torch.tensor([0.2, 0.6, 0.2]), drawn[:, 1:4].mean(0), atol=0.02)
    assert drawn[:, 0].mean().item() == pytest.approx(2, abs=0.03)
    assert drawn[:, 0].std().item() == pytest.approx(likelihood._log_scale(0).exp().item(), abs=0.03)


def test_drawn_rows_keep_what_belongs_together(table, model):
    drawn = run_stage(GenerateTable(count=600), model=model).value.frame

    assert ["length", "colour", "count"] == list(drawn.columns)
    assert pd.api.types.is_integer_dtype(drawn["count"])
    means = drawn.groupby("colour")["length"].mean()
    assert means["blue"] < means["green"] < means["red"]


def test_a_model_is_judged_with_the_rows_that_it_draws(table, model):
    run = run_stage(EvaluateTable(), model=model, table=table)

    assert set(EvaluateTable.emits) == set(run.metrics)
    assert run.metrics["nll"] <= -run.metrics["elbo"]
    assert 0 == run.metrics["collapsed"]
    assert 0 <= run.metrics["column_distance"] < 0.5
    assert {"diagnosis.md", "kl_per_dimension.png", "marginals.png"} <= set(run.files)
    assert b"nats a row" in run.files["diagnosis.md"]


def test_equal_rows_are_at_no_distance_and_other_rows_are():
    frame, other = rows(200), rows(200).assign(length=100.0, colour="mauve")
    columns = columns_of(frame)

    assert {"length": 0, "colour": 0, "count": 0} == fidelity.column_distances(frame, frame, columns)
    assert {"length": 1, "colour": 1, "count": 0} == pytest.approx(fidelity.column_distances(frame, other, columns))


def test_trees_tell_rows_that_differ_and_not_rows_of_one_distribution():
    columns = columns_of(rows(200))

    alike = fidelity.discriminator_auc(rows(200, 1), rows(200, 2), columns, 0)
    shuffled = rows(200, 2).assign(colour=rows(200, 3)["colour"])

    assert alike == pytest.approx(0.5, abs=0.12)
    assert fidelity.discriminator_auc(rows(200, 1), shuffled, columns, 0) > 0.7


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": [1.0]}), "a single row is not enough"),
        (pd.DataFrame({"a": [1.0, np.inf]}), "the column 'a' holds infinite numbers"),
        (pd.DataFrame({"a": [np.nan, np.nan]}), "the column 'a' is empty in the training rows"),
        (pd.DataFrame({"a": [f"text {i}" for i in range(300)]}), "the column 'a' has 300 different values"),
        (pd.DataFrame({"a": [1.0, 2.0]}), "latent_dim is 2, but an encoded row has only 1 values"),
    ],
)
def test_tables_that_cannot_be_learnt_from_are_refused(frame, message):
    with pytest.raises(DataError) as caught:
        run_stage(FitTable(**QUICK), table=Split(Table(frame), Table(frame), Table(frame)))

    assert message in str(caught.value)


def test_rows_without_a_column_of_the_model_are_refused(table, model):
    lacking = Split(table.train, table.validation, Table(table.test.frame[["length"]]))

    with pytest.raises(DataError, match="the rows have no column 'colour', which the model was trained on"):
        run_stage(EvaluateTable(), model=model, table=lacking)
