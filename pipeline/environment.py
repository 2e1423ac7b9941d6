"""What a run ran on: source revision, installed versions, machine."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

LONGEST_DIFF = 1_000_000
_TIMEOUT = 5


@dataclass(frozen=True)
class Git:
    """The state of a working tree.

    branch: empty where the head is detached. diff: what differs from ``commit`` in the files that git knows, cut at a
    million bytes. untracked: files that git does not know.
    """

    commit: str
    branch: str
    diff: str
    untracked: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether the commit alone does not tell what ran."""
        return bool(self.diff or self.untracked)


def git_state(folder: Path) -> Git | None:
    """The state of the working tree around ``folder``; None where there is none, no commit yet, or no git."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        branch = _git(folder, "branch", "--show-current")
        diff = _git(folder, "diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv", limit=LONGEST_DIFF)
    except (OSError, subprocess.SubprocessError):
        return None
    return Git(commit.strip(), branch.strip(), diff, _untracked(folder))


def _untracked(folder: Path) -> tuple[str, ...]:
    """Files that git does not know, without our own; none where looking for them takes too long."""
    ours = [f"--exclude={name}" for name in (".pipeline/", "mlartifacts/", "mlflow.db", ".mlflow.db.*")]
    try:
        listed = _git(folder, "ls-files", "--others", "--exclude-standard", "--full-name", *ours, limit=100_000)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(listed.splitlines())


def _git(folder: Path, *arguments: str, limit: int | None = None) -> str:
    process = subprocess.run(
        ["git", "-c", "core.quotepath=off", *arguments],
        cwd=folder,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=_TIMEOUT,
    )
    output = process.stdout
    if limit is not None and len(output) > limit:
        note = f"\n[cut: {len(output):,} bytes in all]\n"
        return output[:limit].decode(errors="replace") + note
    return output.decode(errors="replace")


def requirements() -> str:
    """The installed versions as the text of a requirements file."""
    versions = {str(dist.metadata["Name"]): dist.version for dist in metadata.distributions() if dist.metadata["Name"]}
    return "".join(
        f"{name}=={version}\n" for name, version in sorted(versions.items(), key=lambda item: item[0].lower())
    )


def machine() -> dict[str, Any]:
    """Interpreter, operating system, processor, memory in bytes, accelerators."""
    import psutil

    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "host": platform.node(),
        "cpu": _cpu_name(),
        "cpus": os.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "gpus": list(_gpus()),
    }


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _gpus() -> Sequence[str]:
    """Name, memory and driver of each NVIDIA accelerator."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    query = [tool, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, timeout=_TIMEOUT, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return ()


def write(source: Path, folder: Path) -> None:
    """Write all of this about the working tree ``source`` to ``folder``, once: environment.json and its companions."""
    facts = folder / "environment.json"
    if facts.exists():
        return
    git = git_state(source)
    folder.mkdir(exist_ok=True)
    if git and git.diff:
        (folder / "git.diff").write_text(git.diff)
    (folder / "requirements.txt").write_text(requirements())
    revision = {**asdict(git), "changed": git.changed} if git else None
    if revision:
        del revision["diff"]
    facts.write_text(json.dumps({"git": revision, **machine()}, indent=1))
