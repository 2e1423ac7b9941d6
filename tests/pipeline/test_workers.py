"""Runs on several processes are the same runs."""

from __future__ import annotations

import os

import pytest

from pipeline.hooks import hookimpl

PLUGIN = """
import os
from fractions import Fraction
from typing import ClassVar
from pipeline import Context, Stage, hookimpl
from pipeline.codecs import Codec

class Half(Stage):
    '''Make what only a plugin's codec can keep.'''
    seeded: ClassVar = True
    def run(self, context: Context) -> Fraction:
        context.log({"pid": os.getpid(), "threads": int(os.environ["OMP_NUM_THREADS"])})
        for _ in context.progress(range(3), "steps"):
            pass
        return Fraction(context.seed % 7, 2)

class Leak(Stage):
    '''Fail, showing the configuration.'''
    token: str = ""
    def run(self, half: Fraction) -> int:
        raise ValueError(f"cannot log in with {self.token}")

@hookimpl
def pipeline_stages():
    return [Half, Leak]

@hookimpl
def pipeline_codecs():
    return [Codec("fractions:Fraction", encode=str, decode=Fraction)]
"""


@pytest.fixture
def workers(project, monkeypatch):
    """A project whose pipeline has four seeds."""
    monkeypatch.setenv("TOKEN", "s3cret-token")
    (project.folder / "own.py").write_text(PLUGIN)

    def write(stages: str) -> None:
        project.file.write_text(f"plugins: [own.py]\nseeds: 4\nstages:\n{stages}\n")

    write("  half: {uses: own.half}")
    project.rewrite = write
    return project


class Heard:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.hooks: list[tuple[str, str]] = []

    @hookimpl
    def pipeline_stage_started(self, run, stage):
        self.hooks.append(("started", run.name))

    @hookimpl
    def pipeline_progress(self, run, stage, done):
        self.hooks.append(("progress", run.name))

    @hookimpl
    def pipeline_stage_finished(self, run, outcome):
        self.hooks.append(("finished", run.name))


def test_the_work_is_done_in_two_other_processes(workers):
    result = workers.run(parallel=2)

    processes = {run.metrics["half/pid"] for run in result.runs}
    assert len(processes) == 2
    assert os.getpid() not in processes


def test_every_run_has_the_threads_that_it_has_alone(workers):
    alone, together = workers.run(), workers.run(parallel=2, fresh=True)

    threads = [{run.metrics["half/threads"] for run in result.runs} for result in (alone, together)]
    assert threads[0] == threads[1]
    assert len(threads[0]) == 1


def test_artifacts_of_a_plugins_codec_come_from_the_workers(workers):
    alone, together = workers.run(), workers.run(parallel=2, fresh=True)

    values = [{run.run.seed: run.artifact("half") for run in result.runs} for result in (alone, together)]
    assert values[0] == values[1]
    assert len(set(values[0].values())) > 1


def test_observers_hear_what_happens_in_the_workers(workers):
    heard = Heard()

    workers.load().run(track=False, parallel=2, observers=[heard])

    for name in (f"seed {seed}" for seed in range(4)):
        of_run = [hook for hook, run in heard.hooks if run == name]
        assert of_run[0] == "started"
        assert "progress" in of_run
        assert of_run[-1] == "finished"


def test_a_workers_error_tells_no_secret(workers):
    workers.rewrite("  half: {uses: own.half}\n  leak: {uses: own.leak, with: {token: '${TOKEN}'}}")

    result = workers.run(parallel=2)

    for run in result.runs:
        assert run.outcome.error == "ValueError: cannot log in with ${TOKEN}"
        assert "s3cret-token" not in run.outcome.documents["traceback.txt"]
