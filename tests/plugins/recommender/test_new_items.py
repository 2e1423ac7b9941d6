"""Items that arrive after fitting are scored by what is known of them, without fitting again."""

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import DataError
from pipeline.testing import run_stage
from plugins.recommender import neural_stages, ranking_stages, stages
from plugins.recommender.sources.generated import GENRES

DATA = run_stage(stages.Interactions(n_users=120, n_items=60)).value
SPLIT = run_stage(stages.Split(by="cold_items", test=0.2), data=DATA).value
CATALOGUE = DATA.catalogue
USERS = np.arange(120)


def fitted(name):
    content = run_stage(ranking_stages.Content(), split=SPLIT).value
    als = run_stage(ranking_stages.Als(factors=8), split=SPLIT).value
    if name == "content":
        return content
    if name == "factorization_machine":
        return run_stage(neural_stages.FactorizationMachine(epochs=4, batch_size=512), split=SPLIT).value
    if name == "attribute_mapping":
        return run_stage(ranking_stages.AttributeMapping(), factors=als, split=SPLIT).value
    if name == "weighted":
        return run_stage(ranking_stages.Weighted(), models={"a": content, "b": fitted("attribute_mapping")}).value
    return run_stage(ranking_stages.Switching(), main=als, fallback=content, split=SPLIT).value


def described(item, new_id="new"):
    """A row that says of a new item what is known of an old one, read back from its features."""
    genres = [genre for genre in GENRES if f"genres={genre}" in names_of(item)]
    return {"item": new_id, "title": CATALOGUE.item_names[item], "genres": "|".join(genres)}


def names_of(item):
    return {CATALOGUE.item_features.names[f] for f in CATALOGUE.item_features.matrix[item].indices}


def recommended(tmp_path, model, rows, **configuration):
    path = tmp_path / "new.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return run_stage(stages.Recommend(new_items=path, **configuration), model=model, split=SPLIT)


@pytest.mark.parametrize(
    "name", ["content", "attribute_mapping", "factorization_machine", "weighted", "switching"]
)  # fmt: skip
def test_a_new_item_is_scored_as_a_cold_one_with_the_same_description(tmp_path, name):
    cold = int(np.flatnonzero(np.bincount(SPLIT.train.items, minlength=60) == 0)[0])

    service = recommended(tmp_path, fitted(name), [described(cold)]).value

    scores = service.model.scores(USERS, service.history[USERS])
    assert (120, 61) == scores.shape
    np.testing.assert_allclose(scores[:, cold], scores[:, 60], rtol=1e-3, atol=1e-3)


def test_new_items_stand_in_the_lists_with_their_id_name_and_reason(tmp_path):
    liked = int(np.bincount(SPLIT.train.items).argmax())

    run = recommended(tmp_path, fitted("content"), [described(liked, f"new-{n}") for n in range(3)], first=120)

    frame = pd.read_csv(pd.io.common.BytesIO(run.files["recommendations.csv"]))
    new = frame[frame["new"]]
    assert {"new-0", "new-1", "new-2"} == set(new["item"])
    assert {CATALOGUE.item_names[liked]} == set(new["name"])
    assert new["reason"].str.contains("for ").all()


def test_the_old_items_are_scored_as_before(tmp_path):
    model = fitted("switching")

    service = recommended(tmp_path, model, [described(0)]).value

    before, after = model.scores(USERS, SPLIT.history), service.model.scores(USERS, service.history)
    warm = np.flatnonzero(~model.cold)
    np.testing.assert_array_equal(before[:, warm], after[:, warm])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"item": "new", "titel": "Horr1", "genres": "horror"}], "has no column 'title'. Did you mean 'titel'"),
        ([described(0, "item-0003")], r"is to describe new items, but item-0003 is in generated.* already"),
        ([described(0), described(1)], "names new twice"),
        ([{"item": None, "title": "Horr1", "genres": "horror"}], "the column 'item' of .* has no value in data row 1"),
        ([{"item": "new", "title": "Xyz", "genres": "unknown"}], "no item of .* shares a word, category or number"),
        (pd.DataFrame(columns=["item", "title", "genres"]), "holds no items"),
    ],
)
def test_new_items_that_cannot_be_placed_are_refused(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        recommended(tmp_path, fitted("content"), rows)


def test_a_model_without_features_says_that_it_cannot_score_new_items(tmp_path):
    ease = run_stage(ranking_stages.Ease(), split=SPLIT).value

    with pytest.raises(DataError, match=r"cannot score items that came after it was fitted. Use 'recommender.content'"):
        recommended(tmp_path, ease, [described(0)])
