import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from pipeline.errors import DataError
from pipeline.testing import conformance_checks, run_stage
from plugins.recommender import ranking_stages, stages
from plugins.recommender.diversify import maximal_marginal_relevance, unit_rows

DATA = run_stage(stages.Interactions(n_users=80, n_items=40)).value
SPLIT = run_stage(stages.Split(), data=DATA).value


def recommended(model=None, **configuration):
    model = model or run_stage(ranking_stages.Ease(), split=SPLIT).value
    return run_stage(stages.Recommend(**configuration), model=model, split=SPLIT)


def test_recommendations_are_new_items_with_reasons_from_the_users_own():
    run = recommended(users=("user-0003", "user-0005"), count=4)

    frame = pd.read_csv(pd.io.common.BytesIO(run.files["recommendations.csv"]))
    assert ["user-0003"] * 4 + ["user-0005"] * 4 == frame["user"].tolist()
    user = DATA.catalogue.user_ids.get_loc("user-0003")
    owned = SPLIT.history[user].indices
    assert not set(frame["item"][:4]) & set(DATA.catalogue.item_ids[owned])
    names = DATA.catalogue.show(owned)
    assert all(any(name in reason for name in names) for reason in frame["reason"][:4])


def test_content_gives_the_features_as_its_reason():
    model = run_stage(ranking_stages.Content(), split=SPLIT).value

    content = recommended(model, first=2).files["recommendations.csv"].decode()

    assert "for genres=" in content or "for title:" in content


def test_what_serves_takes_user_ids_and_returns_item_ids():
    service = recommended(count=3).value

    lists = service.predict(np.array(["user-0003", "user-0005"]))

    assert (2, 3) == lists.shape
    assert set(lists.ravel()) <= set(DATA.catalogue.item_ids)


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("user-003", "there is no user 'user-003' in the interactions. Did you mean 'user-0"),
        (4, "no user 4 in the"),
    ],
)
def test_an_unknown_user_is_named(user, message):
    with pytest.raises(DataError, match=message):
        recommended(users=(user,))


def test_a_number_given_as_text_is_told_apart():
    catalogue = SPLIT.catalogue.__class__(pd.Index(range(80)), SPLIT.catalogue.item_ids, "clicks")
    split = SPLIT.__class__(catalogue, SPLIT.train, SPLIT.validation, SPLIT.test, SPLIT.given, SPLIT.protocol)
    model = run_stage(ranking_stages.Ease(), split=split).value

    with pytest.raises(DataError, match=r"there is no user '7'. Did you mean 7 \(of type int\)"):
        run_stage(stages.Recommend(users=("7",)), model=model, split=split)


def test_diversity_makes_lists_less_of_the_same():
    def likeness(diversity):
        service = recommended(diversity=diversity).value
        lists, _ = service.lists(np.arange(80))
        unit = unit_rows(DATA.catalogue.item_features.matrix).toarray()
        return np.mean([unit[row] @ unit[row].T for row in lists])

    assert likeness(0.0) > likeness(0.3) > likeness(0.8)


def test_the_second_item_is_the_best_trade_between_relevance_and_likeness():
    unit = sparse.csr_matrix(np.array([[1, 0], [1, 0], [0, 1]], float))

    chosen = maximal_marginal_relevance(np.array([[0, 1, 2]]), np.array([[1.0, 0.9, 0.5]]), unit, 3, 0.5)

    assert [[0, 2, 1]] == chosen.tolist()


def test_lists_end_where_there_are_no_more_candidates():
    unit = sparse.csr_matrix(np.eye(3))

    chosen = maximal_marginal_relevance(np.array([[2, -1, -1]]), np.array([[1.0, 0.0, 0.0]]), unit, 2, 0.5)

    assert [[2, -1]] == chosen.tolist()


@pytest.mark.parametrize("check", conformance_checks("plugins.recommender.stages"), ids=str)
def test_the_plugin_conforms(check):
    check()
