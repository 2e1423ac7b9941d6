"""The sender's process: sends its driver's spool, then those that earlier sessions left, and ends.

It outlives its driver: that is how a driver killed at any moment leaves no run open.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import environment
from pipeline.tracking.location import Location
from pipeline.tracking.spool import Spool, abandoned

if TYPE_CHECKING:
    from pipeline.tracking.delivery import Delivery

PAUSE_SECONDS = 0.3
FAREWELL_SECONDS = 4.0
_SHORTEST_WAIT, _LONGEST_WAIT = 0.25, 5.0
_LOCK_SECONDS = 20.0

Tell = Callable[[dict[str, Any]], None]


class Driver:
    """The process that started this one, as seen from here: whether it has gone, and a way to tell it something."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._hung_up = threading.Event()
        # Whatever a library prints must not mix with the messages.
        self._pipe = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        sys.stdin.buffer.read(1)
        self._hung_up.set()

    @property
    def has_gone(self) -> bool:
        """Whether it said goodbye or died; a forked child may keep the dead one's pipe open."""
        return self._hung_up.is_set() or os.getppid() != self._parent

    def wait(self, seconds: float) -> None:
        """Sleep, woken by the driver's end."""
        self._hung_up.wait(seconds)

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message; nobody may be there to hear it."""
        try:
            self._pipe.write(json.dumps(message) + "\n")
        except (BrokenPipeError, ValueError):
            self._hung_up.set()


def main(folder: str) -> None:
    """Send the spool in ``folder``."""
    driver = Driver()
    spool = Spool(Path(folder))
    with spool.lock("sender").acquire(timeout=_LOCK_SECONDS):
        session = spool.session
        environment.write(Path(session["folder"]), spool.environment)
        # Seconds of importing and opening, beside the driver's work.
        from pipeline.tracking.delivery import Delivery
        from pipeline.tracking.server import Server

        def deliver(spool: Spool, tell: Tell) -> Delivery:
            session = spool.session
            return Delivery(spool, Server(Location(session["uri"], session["artifacts"])), tell)

        own = deliver(spool, driver.tell)
        own.prepare()
        others = _others(spool, deliver, driver.tell)
        if _send_own(own, others, driver):
            for _ in others:
                pass


def _send_own(own: Delivery, others: Iterator[None], driver: Driver) -> bool:
    """Send until the driver has gone and everything is sent; False if MLflow stayed away."""
    from pipeline.tracking.server import Away

    wait, away_since = _SHORTEST_WAIT, None
    while not own.finished:
        gone = driver.has_gone
        try:
            if not own.step(gone) and not gone:
                next(others, None)
            if away_since is not None:
                driver.tell({"back": True})
            wait, away_since = _SHORTEST_WAIT, None
            if not gone:
                driver.wait(PAUSE_SECONDS)
        except Away as away:
            driver.tell({"away": str(away)})
            away_since = away_since or time.monotonic()
            if gone and time.monotonic() - away_since >= FAREWELL_SECONDS:
                driver.tell({"waiting": own.waiting})
                return False
            if gone:
                time.sleep(_SHORTEST_WAIT)
            else:
                driver.wait(wait)
            wait = min(2 * wait, _LONGEST_WAIT)
    driver.tell({"waiting": 0})
    return True


def _others(own: Spool, deliver: Callable[[Spool, Tell], Delivery], tell: Tell) -> Iterator[None]:
    """Send what sessions that have died left behind; pauses after every chunk, so that one's own goes first."""
    from pipeline.tracking.server import Away

    def tell_warnings(message: dict[str, Any]) -> None:
        if "warning" in message:
            tell(message)

    for spool, lock in abandoned(own.folder.parent, own):
        try:
            delivery = deliver(spool, tell_warnings)
            while not delivery.finished:
                delivery.step(ended=True)
                yield
        except Away as away:
            shown = Location(spool.session["uri"], None).shown
            waiting = f"{delivery.waiting:,} records in {spool} still wait for MLflow at {shown} ({away})"
            tell({"warning": f"{waiting}; delete that folder to forget them"})
        except (OSError, ValueError, KeyError) as error:
            tell({"warning": f"the records in {spool} cannot be read ({error}); delete that folder to forget them"})
        finally:
            lock.release()


if __name__ == "__main__":
    main(sys.argv[1])
