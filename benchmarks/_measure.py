"""Timing that can be trusted on a busy machine: whole processes, interleaved, CPU time beside wall time, medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENTS = Path(__file__).parent.parent / ".benchmarks"


@dataclass(frozen=True)
class Cost:
    """Medians over the runs of one command, in milliseconds."""

    cpu: float
    wall: float


def peer(name: str, *requirements: str) -> Path:
    """The bin folder of an environment that holds a peer and nothing of ours; made once, kept in .benchmarks/."""
    folder = ENVIRONMENTS / name
    stamp = folder / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != "\n".join(requirements):
        print(f"installing {', '.join(requirements)} into {folder.name} ...", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *requirements], check=True)
        stamp.write_text("\n".join(requirements))
    return folder / "bin"


def once(command: Sequence[str | Path], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Cost:
    """One run of a command: its CPU time (children included) and wall time in milliseconds; it must succeed."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command], cwd=cwd, env={**os.environ, **(env or {})},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    errors = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{errors.decode()[-2000:]}")
    return Cost(1000 * (usage.ru_utime + usage.ru_stime), 1000 * wall)


def interleaved(
    commands: Mapping[str, Sequence[str | Path]],
    runs: int = 7,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> dict[str, Cost]:
    """Each command ``runs`` times after one warm-up, in turn, so that a slow spell of the machine hits all alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for round_ in range(runs + 1):
        for name, command in commands.items():
            cost = once(command, cwd, env)
            if round_:
                costs[name].append(cost)
    return {
        name: Cost(statistics.median(c.cpu for c in given), statistics.median(c.wall for c in given))
        for name, given in costs.items()
    }


def table(title: str, rows: Sequence[Sequence[object]], header: Sequence[str]) -> None:
    """Print an aligned table."""
    cells = [[f"{c:.3g}" if isinstance(c, float) else str(c) for c in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    print(f"\n{title}")
    for row in cells:
        print(
            "  "
            + "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        )
    sys.stdout.flush()  # what was measured is seen even if the rest is cut off
