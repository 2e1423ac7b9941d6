"""`pipeline cache`: what is kept, and making room."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest


@pytest.fixture
def filled(project):
    """A project with two results in its store."""
    project.write("  make: {uses: counting.make}\n  draw: {uses: counting.draw}")
    project.run()
    return project


def test_results_are_listed(filled, command):
    bare, listed = command("cache"), command("cache", "list")

    assert bare.out == listed.out
    assert "counting.make" in listed.out
    assert listed.out.splitlines()[-1].startswith("2 results, ")


def test_the_list_as_data(filled, command):
    document = command("cache", "list", "--json").json

    assert {"make", "draw"} == {entry["stage"] for entry in document["entries"]}
    assert document["bytes"] == sum(entry["bytes"] for entry in document["entries"]) > 0
    assert document["store"] == str(filled.folder / ".pipeline")


def test_an_empty_store_is_no_error(project, command):
    ended = command("cache")

    assert (0, "0 results, 0 B, in") == (ended.status, ended.out[:18])


def test_clear_removes_everything(filled, command):
    ended = command("cache", "clear")

    assert ended.out.startswith("removed 2 results")
    assert command("cache", "list", "--json").json["entries"] == []
    filled.worked()
    filled.run()
    assert filled.worked() == ["make", "draw"]


def test_prune_by_age_removes_what_was_not_used(filled, command):
    old = next(
        path for path in Path(".pipeline/entries").rglob("*.json") if json.loads(path.read_text())["stage"] == "make"
    )
    os.utime(old, (time.time() - 40 * 86400,) * 2)

    removed = command("cache", "prune", "--older-than", "30d", "--json").json["removed"]

    assert removed == 1
    assert ["draw"] == [entry["stage"] for entry in command("cache", "list", "--json").json["entries"]]


@pytest.mark.parametrize(("size", "left"), [("1GB", 2), ("10 MiB", 2), ("1", 0)])
def test_prune_by_size_keeps_what_fits(filled, command, size, left):
    command("cache", "prune", "--max-size", size)

    assert len(command("cache", "list", "--json").json["entries"]) == left


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Say what may go"),
        (("--max-size", "ten"), "'ten' is no size such as 10GB"),
        (("--older-than", "30 moons"), "'30 moons' is no time such as 30d"),
    ],
)
def test_a_wrong_request_is_told(project, command, words, message):
    ended = command("cache", "prune", *words)

    assert ended.status == 2
    assert message in ended.err


def test_the_environment_names_another_store(filled, command, monkeypatch, tmp_path):
    monkeypatch.setenv("PIPELINE_STORE", str(tmp_path / "other"))

    assert command("cache", "list", "--json").json["entries"] == []
