"""The command as a user has it: words in, exit status and two streams out."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline import cli


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


@pytest.fixture
def database(project, empty_database) -> None:
    """The project's, made already."""
    shutil.copy(empty_database, project.folder)


@pytest.fixture
def command(monkeypatch, capfd) -> Callable[..., Ended]:
    """``command("plan", "vae.yaml")`` runs it in this process."""
    monkeypatch.setenv("NO_COLOR", "1")
    # Its own way out ends the process: here that of the tests.
    monkeypatch.setattr(cli, "_leave", sys.exit)

    def run(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["pipeline", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capfd.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    return run
