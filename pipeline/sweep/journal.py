"""The journal of a sweep: one line for each thing that must survive the driver.

A line is handed to the system before anything is built on it, so that a driver killed at any moment has lost at most
a line that is half written, which is skipped when the journal is read.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.describe import resolved
from pipeline.store.files import unusable
from pipeline.sweep.records import Assignment, TrialRecord
from pipeline.sweep.request import Request

# What may differ between a sweep and its continuation.
_LIMITS = ("trials", "concurrency", "time_limit", "max_failures", "resources")


@dataclass
class Journal:
    """What is known of a sweep from before: its parent's run id, what was begun, what has ended."""

    path: Path
    parent: str | None = None
    begun: dict[str, tuple[Assignment, str]] = field(default_factory=dict)
    ended: dict[str, TrialRecord] = field(default_factory=dict)
    complete: bool = False
    _ragged: bool = False

    @classmethod
    def open(cls, folder: Path, request: Request) -> Journal:
        """The journal of this very request below ``folder``; empty if there is none yet."""
        return cls.read(folder / f"{identity(request)}.jsonl")

    @classmethod
    def read(cls, path: Path) -> Journal:
        """A journal file."""
        journal = cls(path)
        if path.is_file():
            text = path.read_text(errors="replace")
            journal._ragged = not text.endswith("\n")
            for line in text.splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                journal._apply(entry)
        return journal

    @property
    def empty(self) -> bool:
        """Whether nothing was done."""
        return not (self.begun or self.ended)

    @property
    def unfinished(self) -> list[tuple[Assignment, str]]:
        """What was begun and has not ended, with its run id: to be gone on with."""
        return [begun for name, begun in self.begun.items() if name not in self.ended]

    def begin_sweep(self, parent: str) -> None:
        """Remember the parent run."""
        self.parent = parent
        self._write({"sweep": parent, "time": time.time()})

    def begin(self, assignment: Assignment, run: str) -> None:
        """Remember that a trial was begun."""
        self.begun[assignment.name] = assignment, run
        self._write(
            {"begun": {"number": assignment.number, "configuration": dict(assignment.configuration),
                       "seed": assignment.seed, "run": run}}
        )  # fmt: skip

    def end(self, record: TrialRecord) -> None:
        """Remember how a trial ended; an interrupted one counts as begun."""
        if record.state != "interrupted":
            self.ended[_name(record.number, record.seed)] = record
            self._write({"ended": record.as_dict()})

    def close(self) -> None:
        """All trials are done."""
        self.complete = True
        self._write({"complete": True})

    def set_aside(self) -> None:
        """Keep what there is under another name, and begin anew."""
        if self.path.is_file():
            stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self.path.stat().st_mtime))
            self.path.replace(self.path.with_suffix(f".{stamp}-{os.getpid()}.jsonl"))
        self.parent, self.begun, self.ended, self.complete = None, {}, {}, False

    def _write(self, entry: Mapping[str, Any]) -> None:
        # After a half line that a killed driver or a full disk has left, begin a new one.
        text = ("\n" * self._ragged + json.dumps(entry) + "\n").encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab", buffering=0) as file:
                if file.write(text) < len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._ragged = True
            raise unusable(self.path, error, "sweep's journal") from error
        self._ragged = False

    def _apply(self, entry: Mapping[str, Any]) -> None:
        if "sweep" in entry:
            self.parent = entry["sweep"]
        elif "begun" in entry:
            begun = entry["begun"]
            assignment = Assignment(begun["number"], begun["configuration"], begun["seed"])
            self.begun[assignment.name] = assignment, begun["run"]
            self.complete = False
        elif "ended" in entry:
            record = TrialRecord.from_dict(entry["ended"])
            self.ended[_name(record.number, record.seed)] = record
        elif "complete" in entry:
            self.complete = True


def _name(number: int, seed: int) -> str:
    return Assignment(number, {}, seed).name


def identity(request: Request) -> str:
    """Equal for two requests that are the same sweep, whatever their limits on trials, time and machines."""
    section = {key: value for key, value in request.plan.source.redacted()["sweep"].items() if key not in _LIMITS}
    runs = [resolved(request.plan, run) for run in request.plan.runs]
    text = json.dumps([section, runs], sort_keys=True, default=str)
    slug = "".join(c if c.isalnum() else "-" for c in request.plan.experiment)[:40]
    return f"{slug}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
