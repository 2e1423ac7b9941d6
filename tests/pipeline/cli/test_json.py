"""`--json`: one document on standard output and nothing else, whoever else prints."""

from __future__ import annotations

import pytest

NOISY = """
import os
print("imported")
from pipeline import Stage, hookimpl

class Shout(Stage):
    '''Print in two ways.'''
    def run(self) -> int:
        print("running")
        os.write(1, b"written\\n")
        return 1

@hookimpl
def pipeline_stages():
    return [Shout]
"""


@pytest.fixture
def noisy(project):
    (project.folder / "noisy.py").write_text(NOISY)
    project.file.write_text("plugins: [noisy.py]\nstages:\n  one: {uses: noisy.shout}\n")
    return project.file


@pytest.mark.usefixtures("database")
def test_what_a_stage_prints_goes_to_standard_error(command, noisy):
    ended = command("run", noisy, "--trust", "--json")

    assert ended.json["status"] == "finished"
    assert {"imported", "running", "written"} <= set(ended.err.split())


@pytest.mark.parametrize("name", ["plan", "check"])
def test_what_a_plugin_prints_goes_to_standard_error(command, noisy, name):
    ended = command(name, noisy, "--trust", "--json")

    assert ended.json
    assert "imported" in ended.err


def test_standard_output_is_given_back_after_an_error(command, noisy):
    refused = command("plan", noisy, "--json")
    after = command("plugins")

    assert (2, "") == (refused.status, refused.out)
    assert "experiment-pipeline" in after.out


def test_errors_of_a_file_are_data_too(command, project):
    project.write("  make: {uses: counting.make, with: {sise: 3}}")

    ended = command("check", project.file, "--trust", "--json")

    assert ended.status == 2
    (report,) = ended.json["files"]
    assert (False, "size", 4) == (report["ok"], report["problems"][0]["suggestion"], report["problems"][0]["line"])
