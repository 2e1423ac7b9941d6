import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DataError
from plugins.data.split import sample, split

LABELS = st.lists(st.integers(0, 4), min_size=10, max_size=80).map(np.array)


@given(LABELS, st.integers(1, 80), st.integers(0, 99))
def test_a_sample_gives_each_class_its_share_rounded_up_or_down(labels, size, seed):
    chosen = sample(labels, size, np.random.default_rng(seed))

    size = min(size, len(labels))
    assert len(chosen) == size
    assert len(np.unique(chosen)) == size
    for label in np.unique(labels):
        share = np.count_nonzero(labels == label) * size / len(labels)
        assert abs(np.count_nonzero(labels[chosen] == label) - share) < 1


@given(LABELS, st.integers(0, 99))
def test_the_parts_of_a_split_are_disjoint_and_together_everything(labels, seed):
    parts = split(labels, [0.2, 0.3], seed)

    n = len(labels)
    assert [n - round(0.2 * n) - round(0.3 * n), round(0.2 * n), round(0.3 * n)] == [len(part) for part in parts]
    assert list(range(n)) == sorted(np.concatenate(parts).tolist())


def test_a_split_depends_on_its_seed_alone():
    labels = np.arange(100) % 7

    first, again, other = (split(labels, [0.5], seed)[1].tolist() for seed in (0, 0, 1))

    assert first == again
    assert first != other


def test_every_item_is_equally_likely_to_be_chosen():
    labels = np.array([0] * 7 + [1] * 3)
    counts = np.zeros(10)
    for seed in range(2000):
        counts[sample(labels, 4, np.random.default_rng(seed))] += 1

    assert np.abs(counts / 2000 - 0.4).max() < 0.15


@pytest.mark.parametrize(
    ("n", "shares", "sizes"),
    [(1, [0.1, 0.2], "1, 0, 0"), (4, [0.1, 0.5], "2, 0, 2"), (3, [0.5, 0.49], "0, 2, 1")],
)
def test_an_empty_part_is_refused_with_the_sizes_that_came_out(n, shares, sizes):
    with pytest.raises(DataError, match=rf"{n} pictures? cannot be split .* \(sizes: {sizes}\)"):
        split(np.zeros(n, np.int64), shares, seed=0)
