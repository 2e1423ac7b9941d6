import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DataError
from plugins.recommender import splits
from plugins.recommender.splits import GIVEN, TEST, TRAIN, VALIDATION
from plugins.recommender.types import Feedback


def feedback(seed=0, n=400, times=True):
    rng = np.random.default_rng(seed)
    users, items = rng.integers(20, size=n).astype(np.int32), rng.integers(30, size=n).astype(np.int32)
    return Feedback(users, items, None, rng.permutation(n).astype(np.int64) if times else None)


@given(st.integers(0, 1000))
def test_a_random_split_gives_each_user_the_shares_rounded(seed):
    data = feedback(seed)

    parts = splits.random_per_user(data, 0.1, 0.2, np.random.default_rng(seed))

    for user in np.unique(data.users):
        counts = np.bincount(parts[data.users == user], minlength=3)
        n = counts.sum()
        assert [n - round(0.1 * n) - round(0.2 * n), round(0.1 * n), round(0.2 * n)] == counts.tolist() or n < 5


def test_a_user_with_a_single_interaction_is_fitted_on_only():
    data = Feedback(np.array([0, 1, 1, 1, 1]), np.arange(5))

    parts = splits.random_per_user(data, 0.1, 0.1, np.random.default_rng(0))

    assert TRAIN == parts[0]
    assert [2, 1, 1] == np.bincount(parts[1:], minlength=3).tolist()


def test_leave_one_out_takes_the_last_in_time_and_the_one_before():
    data = Feedback(np.array([0, 0, 0, 0, 1, 1]), np.arange(6), None, np.array([5, 9, 7, 1, 2, 3]))

    assert [TRAIN, TEST, VALIDATION, TRAIN, TRAIN, TRAIN] == splits.leave_one_out(
        data, np.random.default_rng(0)
    ).tolist()


def test_nothing_is_fitted_on_that_happened_after_what_is_judged_on():
    data = feedback()

    parts = splits.global_temporal(data, 0.1, 0.2)

    assert data.times[parts == TRAIN].max() < data.times[parts == VALIDATION].min()
    assert data.times[parts == VALIDATION].max() < data.times[parts == TEST].min()
    assert [280, 40, 80] == np.bincount(parts).tolist()


def test_each_users_last_interactions_are_judged_on():
    data = feedback()

    parts = splits.user_temporal(data, 0.1, 0.2)

    for user in range(20):
        mine = data.users == user
        assert data.times[mine & (parts == TRAIN)].max() < data.times[mine & (parts == TEST)].min()


def test_cold_items_have_no_training_interaction():
    data = feedback()

    parts = splits.cold_items(data, 30, 0.1, 0.2, np.random.default_rng(0))

    assert not set(data.items[parts == TRAIN]) & set(data.items[parts == TEST])
    assert 6 == len(set(data.items[parts == TEST]))


def test_of_cold_users_the_first_interactions_may_be_seen():
    data = feedback()

    parts = splits.cold_users(data, 20, 0.1, 0.2, 3, np.random.default_rng(0))

    cold = set(data.users[parts == TEST])
    assert 4 == len(cold)
    assert not cold & set(data.users[parts == TRAIN])
    for user in cold:
        mine = data.users == user
        assert 3 == (parts[mine] == GIVEN).sum()
        assert data.times[mine & (parts == GIVEN)].max() < data.times[mine & (parts == TEST)].min()


def test_folds_are_of_equal_size():
    assert [20] * 5 == np.bincount(splits.folds(100, 5, np.random.default_rng(0))).tolist()


@pytest.mark.parametrize("split", [splits.user_temporal, splits.global_temporal])
def test_a_split_in_time_needs_times(split):
    with pytest.raises(DataError, match=r"needs times, but the interactions have none. Choose another split"):
        split(feedback(times=False), 0.1, 0.1)
