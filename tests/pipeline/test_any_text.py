"""Whatever a pipeline file holds, checking it ends in a plan or in our own error."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import sweep
from pipeline.api import Pipeline
from pipeline.errors import RequestError
from pipeline.plugins import Plugins
from pipeline.source import read_text

PLUGINS = Plugins.load()
WORDS = st.sampled_from(
    ["name", "seed", "seeds", "requires", "plugins", "extends", "stages", "sweep", "uses", "with", "inputs", "variants",
     "retries", "timeout", "images", "model", "data.images", "vae.fit", "vae.evaluate", "dataset", "digits", "epochs",
     "latent_dim", "metric", "space", "choice", "search", "tpe", "trials", "model/elbo", "${HOME}", "10m", ""]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers(-3, 10**12) | st.floats() | st.text(max_size=8) | WORDS
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=5),
    max_leaves=25,
)
VALID = """\
name: digits
seeds: [0, 1]
stages:
  images: {uses: data.images, with: {dataset: digits}}
  model:
    uses: vae.fit
    variants: {small: {with: {latent_dim: 2}}, large: {with: {latent_dim: 8}}}
  quality: {uses: vae.evaluate, retries: 1, timeout: 10m}
sweep:
  metric: quality/elbo
  space: {model.latent_dim: {choice: [2, 4]}}
"""


def check(text: str, *overrides: str) -> None:
    try:
        source = read_text(text, "test.yaml")
        plan = Pipeline.from_source(source, overrides, plugins=PLUGINS, examine=sweep.check).plan
    except RequestError as error:
        shown = [problem.render() for problem in error.problems]
    else:
        shown = [run.name for run in plan.runs]
    assert shown
    assert all(len(text.splitlines()) <= 6 for text in shown)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=TREES)
def test_any_data_is_checked(tree):
    check(json.dumps(tree))


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stages=st.dictionaries(WORDS, TREES, max_size=3), sweep=TREES)
def test_any_stages_and_sweep_are_checked(stages, sweep):
    check(json.dumps({"stages": stages, "sweep": sweep}))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(start=st.integers(0, len(VALID)), length=st.integers(0, 12), put=st.text(max_size=6) | WORDS)
def test_a_valid_file_with_any_edit_is_checked(start, length, put):
    check(VALID[:start] + put + VALID[start + length :])


@settings(max_examples=200, deadline=None)
@given(key=st.text(max_size=12) | WORDS, value=st.text(max_size=12))
def test_any_override_is_checked(key, value):
    check(VALID, f"{key}={value}", f"model.{key}={value}")


def test_the_valid_file_is_valid():
    plan = Pipeline.from_source(read_text(VALID, "test.yaml"), plugins=PLUGINS).plan

    assert 4 == len(plan.runs)
