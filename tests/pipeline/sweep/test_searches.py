"""The conformance suite on every search, and what each one is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from pipeline.sweep.distributions import Choice, LogUniform, RandInt, Uniform
from pipeline.sweep.objective import Objective
from pipeline.sweep.search import NAMES, search_class
from pipeline.sweep.search._base import Search
from pipeline.sweep.search._kde import ProductKernel
from pipeline.sweep.space import Dimension, Space
from pipeline.sweep.testing import SearchConformance

LOSS = (Objective("a/loss", "min"),)
PLAIN = Space((Dimension("a.x", "a", ("x",), Uniform(-5.0, 5.0)), Dimension("a.y", "a", ("y",), LogUniform(1e-3, 1.0))))
MIXED = Space(
    (
        *PLAIN.dimensions,
        Dimension("a.n", "a", ("n",), RandInt(1, 9)),
        Dimension("a.k", "a", ("k",), Choice(("p", "q"))),
    )
)
CONDITIONAL = Space(
    (
        Dimension("m", "m", (), Choice(("one", "two"))),
        Dimension("m[one].x", "m", ("x",), Uniform(0.0, 1.0), ("one",)),
        Dimension("m[two].n", "m", ("n",), RandInt(1, 5), ("two",)),
    )
)
FINITE = Space((Dimension("a.n", "a", ("n",), RandInt(1, 5)), Dimension("a.k", "a", ("k",), Choice(("p", "q")))))


def make(name: str, space: Space = PLAIN, seed: int = 0, **options: Any) -> Search:
    kind = search_class(name)
    return kind(space, LOSS, seed, kind.Options(**options))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "manual"])
class TestEverySearch(SearchConformance):
    @pytest.fixture
    def make_search(self, name: str) -> Any:
        space = FINITE if name == "grid" else PLAIN if name == "cma" else MIXED
        return lambda seed=0: make(name, space, seed)


@pytest.mark.parametrize("name", ["random", "sobol", "tpe", "bohb", "nsga2"])
def test_conditional_configurations_hold_only_what_exists(name: str) -> None:
    search = make(name, CONDITIONAL)

    for number in range(20):
        configuration = search.ask(number)
        assert configuration is not None
        assert CONDITIONAL.contains(configuration)
        search.tell(number, configuration, [configuration.get("m[one].x", 2.0)])


def bowl(configuration: Mapping[str, Any]) -> float:
    return float((configuration["a.x"] - 2) ** 2 + (np.log10(configuration["a.y"]) + 2) ** 2)


@pytest.mark.parametrize(("name", "trials"), [("tpe", 60), ("gp", 16), ("cma", 60), ("bohb", 60)])
def test_a_learning_search_beats_random_on_a_bowl(name: str, trials: int) -> None:
    def best(kind: str, seed: int) -> float:
        search = make(kind, seed=seed)
        values = []
        for number in range(trials):
            configuration = search.ask(number)
            assert configuration is not None
            values.append(bowl(configuration))
            search.tell(number, configuration, [values[-1]])
        return min(values)

    learned, drawn = ([best(kind, seed) for seed in range(3)] for kind in (name, "random"))

    assert np.median(learned) < np.median(drawn)


def test_bohb_learns_from_trials_that_were_stopped() -> None:
    search = make("bohb", random_fraction=0.0)
    for number in range(40):
        configuration = search.ask(number)
        assert configuration is not None
        search.observe(number, configuration, 1, bowl(configuration))
        search.tell(number, configuration, [bowl(configuration)])

    late = [bowl(search.ask(number) or {}) for number in range(40, 50)]

    assert np.median(late) < 6


def test_the_kernel_density_is_scipys_product_in_the_middle_of_the_cube() -> None:
    from scipy.stats import norm

    rows = np.array([[0.4, 0.5], [0.6, 0.45], [0.5, 0.55]])
    kernel = ProductKernel(rows, [0, 0])
    point = np.array([[0.5, 0.5]])

    expected = np.mean(np.prod(norm.pdf(point, rows, kernel.bandwidths), axis=1))

    assert expected == pytest.approx(kernel.density(point)[0], rel=0.01)


def test_the_kernel_of_choices_sums_to_one() -> None:
    kernel = ProductKernel(np.array([[1 / 6], [1 / 6], [5 / 6]]), [3])

    assert 1 == pytest.approx(kernel.density(np.array([[1 / 6], [3 / 6], [5 / 6]])).sum())


def test_sobol_fills_the_square_evenly() -> None:
    search = make("sobol", Space(tuple(Dimension(f"a.{n}", "a", (n,), Uniform(0.0, 1.0)) for n in "xy")))

    points = [search.ask(number) for number in range(64)]

    cells = {(int(p["a.x"] * 8), int(p["a.y"] * 8)) for p in points if p}
    assert 64 == len(cells)


def test_grid_visits_every_combination_once() -> None:
    search = make("grid", FINITE)

    tried = []
    while (configuration := search.ask(len(tried))) is not None:
        tried.append(tuple(configuration.values()))

    assert [(n, k) for n in range(1, 6) for k in ("p", "q")] == tried


def test_tpe_compares_stopped_trials_at_a_step_that_enough_have_reached() -> None:
    """What is best after one step is worst after nine: only trials of nine steps tell."""
    search = make("tpe", startup_trials=5)
    generator = np.random.default_rng(0)
    for number in range(60):
        x, steps = generator.uniform(-5, 5), 9 if number < 12 else 1
        configuration = {"a.x": x, "a.y": 0.1}
        curve = {1: -x, 9: x} if steps == 9 else {1: -x}
        for step, value in curve.items():
            search.observe(number, configuration, step, value)
        search.tell(number, configuration, [curve[steps]])

    proposed = [search.ask(number)["a.x"] for number in range(60, 80)]

    assert np.median(proposed) < -1


def test_tpe_is_optunas_where_all_trials_have_the_same_steps() -> None:
    with_curves, without = make("tpe"), make("tpe")
    for number in range(20):
        configuration = with_curves.ask(number)
        assert configuration == without.ask(number)
        loss = configuration["a.x"] ** 2
        for step in (1, 2, 3):
            with_curves.observe(number, configuration, step, loss + 3 - step)
        for search in (with_curves, without):
            search.tell(number, configuration, [loss])


def test_tpe_does_without_a_trial_whose_first_steps_nobody_saw() -> None:
    search = make("tpe", startup_trials=2)
    for number, curve in enumerate(({1: 1.0}, {1: 2.0}, {1: 3.0}, {7: 0.0, 9: 0.0})):
        for step, value in curve.items():
            search.observe(number, {"a.x": float(number), "a.y": 0.1}, step, value)
        search.tell(number, {"a.x": float(number), "a.y": 0.1}, [list(curve.values())[-1]])

    assert PLAIN.contains(search.ask(4))
