"""The spool: a folder on disk where one session's records wait until MLflow has them.

<session>/
  session.json     where to send: written once by the driver
  records.jsonl    what happened, one JSON object a line: appended by the driver, read by the sender
  files/           figures, tables, documents, numbered
  environment/     facts about the machine and the installed versions: written by the sender
  sent.jsonl       how far the sender has come: appended by the sender
  sender.log       what the sender's libraries print
  driver.lock, sender.lock    held by whoever is alive, so that the next session knows what was left behind
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filelock import BaseFileLock

FOLDER = Path(".pipeline") / "tracking"
CHUNK = 1_000_000
_DISCARDED = ".sent-"


@dataclass(frozen=True)
class Spool:
    """One session's folder."""

    folder: Path

    @property
    def records(self) -> Path:
        """The file of records."""
        return self.folder / "records.jsonl"

    @property
    def files(self) -> Path:
        """Contents that are too large for the file of records."""
        return self.folder / "files"

    @property
    def sent(self) -> Path:
        """The sender's progress."""
        return self.folder / "sent.jsonl"

    @property
    def environment(self) -> Path:
        """Facts about the machine, one document a file."""
        return self.folder / "environment"

    @property
    def log(self) -> Path:
        """The sender's standard error."""
        return self.folder / "sender.log"

    @property
    def session(self) -> dict[str, Any]:
        """What the driver said about itself."""
        session: dict[str, Any] = json.loads((self.folder / "session.json").read_text())
        return session

    def lock(self, who: str) -> BaseFileLock:
        """The lock that says whether the ``driver`` or the ``sender`` is alive."""
        from filelock import FileLock

        return FileLock(self.folder / f"{who}.lock", thread_local=False)

    def read(self, offset: int) -> tuple[list[dict[str, Any]], int]:
        """The whole records from byte ``offset`` on, about a megabyte at most, and the offset behind them."""
        found = []
        with self.records.open("rb") as file:
            file.seek(offset)
            start = offset
            for line in file:
                # A line without its end is still being written, or was when its driver was killed.
                if not line.endswith(b"\n"):
                    break
                found.append(json.loads(line))
                offset += len(line)
                if offset - start >= CHUNK:
                    break
        return found, offset

    def read_all(self) -> Iterator[dict[str, Any]]:
        """Every record from the first on."""
        offset = 0
        while found := self.read(offset):
            records, offset = found
            if not records:
                return
            yield from records

    def waiting(self, offset: int) -> int:
        """How many records stand behind ``offset``."""
        count = 0
        while True:
            records, offset = self.read(offset)
            if not records:
                return count
            count += len(records)

    def discard(self) -> None:
        """Forget everything, at once for other processes: a spool half deleted would be sent again."""
        gone = self.folder.with_name(f"{_DISCARDED}{self.folder.name}")
        os.replace(self.folder, gone)
        shutil.rmtree(gone, ignore_errors=True)

    def __str__(self) -> str:
        return os.path.relpath(self.folder, self.folder.parents[2])


def create(root: Path, session: dict[str, Any]) -> tuple[Spool, BaseFileLock]:
    """A new spool in the working folder ``root`` with its driver's lock, held."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{os.urandom(2).hex()}"
    spool = Spool((root / FOLDER / name).resolve())
    spool.files.mkdir(parents=True)
    lock = spool.lock("driver")
    lock.acquire()
    # It may name a password of the tracking server.
    descriptor = os.open(spool.folder / "session.json", os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(session, file)
    # Made last: what has no records is not yet a spool for others.
    spool.records.touch()
    return spool, lock


def abandoned(folder: Path, own: Spool) -> Iterator[tuple[Spool, BaseFileLock]]:
    """Spools in ``folder`` whose driver and sender are both dead, each with the sender's lock, held."""
    for leftover in folder.glob(f"{_DISCARDED}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    for records in sorted(folder.glob("*/records.jsonl")):
        spool = Spool(records.parent)
        if spool == own or (sender := _take(spool, "sender")) is None:
            continue
        driver = _take(spool, "driver")
        if driver is not None:
            driver.release()
            if records.exists():
                yield spool, sender
            else:
                # Somebody finished it meanwhile, and taking the locks has made the folder again.
                shutil.rmtree(spool.folder, ignore_errors=True)
        sender.release()


def _take(spool: Spool, who: str) -> BaseFileLock | None:
    from filelock import Timeout

    lock = spool.lock(who)
    try:
        lock.acquire(blocking=False)
    except (Timeout, OSError):
        return None
    return lock
