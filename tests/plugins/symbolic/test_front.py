import pytest

from plugins.symbolic.front import SELECTIONS
from plugins.symbolic.types import Equation

ROWS = 1000
FRONT = [Equation("1", 1, 1.0), Equation("x", 3, 0.5), Equation("2*x", 8, 0.485), Equation("3*x", 9, 0.4849)]


@pytest.mark.parametrize(
    ("select", "chosen"),
    [
        ("best", 3),
        ("bic", 1),
        ("mdl", 2),
        ("aic", 2),
        ("knee", 1),
    ],
)
def test_each_way_to_choose_weighs_size_against_error(select, chosen):
    assert chosen == SELECTIONS[select](FRONT, [0] * len(FRONT), 1.0, ROWS)
