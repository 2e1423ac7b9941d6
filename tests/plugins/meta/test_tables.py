import numpy as np
import pandas as pd
import pytest

from pipeline.errors import DataError
from pipeline.testing import run_stage
from plugins.meta.learner_stages import MAML, NearestNeighbour, Pretrained, Prototypes
from plugins.meta.stages import Evaluate
from plugins.meta.task_stages import TableGroups


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Twelve sites of thirty rows, each with a slope of its own; the last site is small."""
    rng = np.random.default_rng(0)
    site = np.repeat(np.arange(12), 30)[:-20]
    dose = rng.normal(size=len(site))
    slope = rng.normal(size=12)[site]
    frame = pd.DataFrame({"site": [f"s{i}" for i in site], "dose": dose, "kind": rng.choice(["a", "b"], len(site))})
    frame["effect"] = slope * dose
    frame["well"] = np.where(slope * dose > 0, "yes", "no")
    file = tmp_path_factory.mktemp("tables") / "sites.csv"
    frame.to_csv(file, index=False)
    return file


def test_each_group_is_a_task_of_numbers_and_none_is_in_two_parts(path):
    tasks = run_stage(TableGroups(path=path, by="site", target="effect")).value

    assert 0 == tasks.ways
    assert (340, 1) == tasks.targets.shape
    groups = [set(part.tolist()) for part in (tasks.parts.train, tasks.parts.validation, tasks.parts.test)]
    # The small site is left out.
    assert [6, 2, 3] == [len(part) for part in groups]
    assert 11 == len(set.union(*groups))


@pytest.mark.parametrize("kind", [MAML, Pretrained])
def test_numbers_of_a_group_are_adapted_to(path, kind):
    tasks = run_stage(TableGroups(path=path, by="site", target="effect")).value
    learner = run_stage(kind(iterations=4, log_every=2), tasks=tasks).value

    assert np.isfinite(run_stage(Evaluate(episodes=10), learner=learner, tasks=tasks).metrics["mse"])


@pytest.mark.parametrize(
    "stage",
    [MAML(iterations=2), Prototypes(hidden=(8,), iterations=2), Pretrained(iterations=2), NearestNeighbour()],
    ids=repr,
)
def test_classes_of_a_group_are_told(path, stage):
    tasks = run_stage(TableGroups(path=path, by="site", target="well", shots=2, queries=4)).value
    judged = run_stage(Evaluate(episodes=10, curve_steps=1), learner=run_stage(stage, tasks=tasks).value, tasks=tasks)

    assert 2 == tasks.ways
    assert 0 <= judged.metrics["accuracy"] <= 1


def test_a_column_that_is_not_there_is_told(path):
    with pytest.raises(DataError, match=r"sites.csv has no column 'sight'. Its columns are site, dose"):
        run_stage(TableGroups(path=path, by="sight", target="effect"))


def test_groups_that_are_too_small_are_told(path):
    with pytest.raises(DataError, match="need groups of 105 rows, and three groups at least; column 'site' has 0"):
        run_stage(TableGroups(path=path, by="site", target="effect", shots=90))


def test_one_task_is_no_task_to_learn_to_learn_on(path, tmp_path):
    frame = pd.read_csv(path).assign(site="only")
    frame.to_csv(tmp_path / "one.csv", index=False)

    with pytest.raises(DataError, match="three groups at least; column 'site' has 1"):
        run_stage(TableGroups(path=tmp_path / "one.csv", by="site", target="effect"))
