"""The driver's side of the sender: starts it, hears what it tells, starts another if it dies."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.tracking.location import Location
from pipeline.tracking.spool import Spool

# The sender finds this very package, also where the working directory holds a module of the same name.
_START = "import sys; sys.path.append(sys.argv[1]); from pipeline.tracking.sender import main; main(sys.argv[2])"
_ROOT = Path(__file__).parents[2]
_ATTEMPTS = 4


class Courier:
    """Keeps a sender for ``spool`` running until everything is sent or it has given up.

    warn: receives each warning once, on another thread.
    """

    def __init__(self, spool: Spool, location: Location, warn: Callable[[str], None]) -> None:
        self.run_ids: dict[str, str] = {}
        self.experiment_ids: dict[str, str] = {}
        self.warnings: list[str] = []
        self.finished = threading.Event()
        self.complete = False
        self._spool, self._location, self._warn = spool, location, warn
        self._away: str | None = None
        self._outage: str | None = None
        self._farewell = False
        self._mutex = threading.Lock()
        self._process = self._start()
        threading.Thread(target=self._listen, name="tracking-courier", daemon=True).start()

    def say_goodbye(self) -> None:
        """Tell the sender that no more records will come."""
        with self._mutex:
            self._farewell = True
            self._hang_up()

    @property
    def so_far(self) -> str:
        """How it stands before everything is sent, as a sentence for the user."""
        if self._away is None:
            return f"records are still being sent to {self._server} in the background"
        return f"{self._server} does not answer ({self._away}): records wait in {self._spool} until the next run"

    def _start(self) -> subprocess.Popen[bytes]:
        with self._spool.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-c", _START, str(_ROOT), str(self._spool.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # In a session of its own, Ctrl-C and a closed terminal do not reach it.
                start_new_session=True,
            )

    def _hang_up(self) -> None:
        assert self._process.stdin is not None
        try:
            # A byte, and not the closed pipe alone: a forked child of the driver may hold it open.
            self._process.stdin.write(b".")
            self._process.stdin.close()
        except (OSError, ValueError):
            return

    def _listen(self) -> None:
        for _ in range(_ATTEMPTS):
            # Leaving the block closes the pipes and waits for the process.
            with self._process as process:
                assert process.stdout is not None
                for line in process.stdout:
                    self._hear(json.loads(line))
            if self.finished.is_set():
                return
            with self._mutex:
                self._process = self._start()
                if self._farewell:
                    self._hang_up()
        self._process.kill()
        with self._process:
            pass
        self._add(f"records cannot be sent to MLflow: {self._last_words()}. They wait in {self._spool}")
        self.finished.set()

    def _hear(self, message: dict[str, Any]) -> None:
        match message:
            case {"run": run, "mlflow_run_id": run_id, "experiment": name, "experiment_id": experiment_id}:
                self.run_ids[run] = run_id
                self.experiment_ids[name] = experiment_id
            case {"warning": text}:
                self._add(text)
            case {"away": reason}:
                if self._outage is None:
                    self._warn(f"{self._server} does not answer ({reason}); records wait on disk until it does")
                self._away = self._outage = reason
            case {"back": True}:
                self._away = None
            case {"waiting": waiting}:
                self._conclude(waiting)

    def _conclude(self, waiting: int) -> None:
        if waiting:
            self._add(
                f"{self._server} does not answer ({self._away}): {waiting:,} record{'s' * (waiting > 1)} "
                f"wait{'s' * (waiting == 1)} in {self._spool} and {'are' if waiting > 1 else 'is'} sent by the next run"
            )
        elif self._outage is not None:
            self.warnings.append(
                f"{self._server} did not answer for a while ({self._outage}); everything has been sent since"
            )
        self.complete = not waiting
        self.finished.set()

    def _add(self, warning: str) -> None:
        self.warnings.append(warning)
        self._warn(warning)

    @property
    def _server(self) -> str:
        return f"MLflow at {self._location.shown}"

    def _last_words(self) -> str:
        lines = self._spool.log.read_text(errors="replace").strip().splitlines() if self._spool.log.exists() else []
        return lines[-1].rstrip(".") if lines else f"the sender ended with status {self._process.returncode}"
