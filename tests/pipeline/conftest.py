"""A project to try things in: a folder of its own, with the stages of counting.py, apart from the user's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import Pipeline

COUNTING = Path(__file__).with_name("counting.py")


class Project:
    """A folder with one pipeline file and a record of which stages really worked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "test.yaml"
        self.traces = folder / "traces"

    def write(self, stages: str, head: str = "") -> None:
        self.file.write_text(f"plugins: [{COUNTING}]\n{head}\nstages:\n{stages}\n")

    def load(self, *overrides: str) -> Pipeline:
        return Pipeline.load(self.file, overrides, trust=True)

    def run(self, *overrides: str, **options):
        return self.load(*overrides).run(track=False, **options)

    def worked(self) -> list[str]:
        """The stages that have worked since the last call."""
        words = self.traces.read_text().split() if self.traces.exists() else []
        self.traces.unlink(missing_ok=True)
        return words


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TRACES", str(tmp_path / "traces"))
    return Project(tmp_path)
