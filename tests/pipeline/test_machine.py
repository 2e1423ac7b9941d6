"""Threads are shared out among runs, whatever number of them goes at a time."""

from __future__ import annotations

import os

import pytest

from pipeline import machine
from pipeline.errors import RequestError


@pytest.fixture
def eight_processors(monkeypatch):
    monkeypatch.setattr(machine, "processors", lambda: 8)
    monkeypatch.delenv("PIPELINE_THREADS", raising=False)
    monkeypatch.setattr(machine, "_SET_BY_OTHERS", {})


def test_this_process_may_use_at_least_one_processor():
    assert 1 <= machine.processors() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(("runs", "threads"), [(0, 8), (1, 8), (3, 2), (8, 1), (100, 1)])
def test_processors_are_divided_among_the_runs(eight_processors, runs, threads):
    assert threads == machine.threads_per_run(runs)


def test_the_environment_has_the_last_word_on_threads(eight_processors, monkeypatch):
    monkeypatch.setenv("PIPELINE_THREADS", "3")

    assert machine.threads_per_run(100) == 3


def test_threads_that_were_limited_before_stay_limited(eight_processors, monkeypatch):
    monkeypatch.setattr(machine, "_SET_BY_OTHERS", {"OMP_NUM_THREADS": "2"})

    assert 2 == machine.threads_per_run(1)


@pytest.mark.parametrize("given", ["many", "0", "-1", "2.5"])
def test_a_wrong_number_of_threads_is_told(monkeypatch, given):
    monkeypatch.setenv("PIPELINE_THREADS", given)

    with pytest.raises(RequestError, match=f"must be a number of threads. Got '{given}' instead"):
        machine.threads_per_run(1)


def test_libraries_are_held_to_the_count(monkeypatch):
    import numpy  # noqa: F401  # its thread pool is what is limited
    from threadpoolctl import threadpool_info, threadpool_limits

    for variable in machine._VARIABLES:
        monkeypatch.setenv(variable, "7")

    with threadpool_limits():
        machine.limit_threads(1)

        assert {"1"} == {os.environ[variable] for variable in machine._VARIABLES}
        assert {1} == {pool["num_threads"] for pool in threadpool_info()}
