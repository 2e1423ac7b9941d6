"""Variational autoencoders beside Pythae and a lean loop written by hand: speed, likelihood, memory.

    python benchmarks/vae.py               everything (Pythae is installed on first use)
    python benchmarks/vae.py conv nll      some parts: mlp, conv (speed of training), compile (the same with and
                                           without torch.compile), quality, nll

Needs PIPELINE_DATA with mnist. The same layers, batches of 128, statically binarised pictures, one thread; each
measurement is a process of its own, in turn with the others. Trust the ratios of CPU time, not the single figures.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))
import numpy as np
from _measure import peer, table  # benchmarks is a folder of scripts, not a package

ROOT = Path(__file__).parent.parent
PYTHAE = ("pythae==0.1.2", "torch==2.13.0", "numpy<3", "setuptools<81")
ROUNDS, SEEDS, EPOCHS = 5, 3, 5
SPEED, QUALITY, JUDGED = 12_800, 20_000, 200
PRECISIONS = ("float32", "bfloat16")


def prepare(folder: Path, images: int) -> None:
    """MNIST, each pixel drawn once: bytes 0 and 255."""
    from pipeline.context import Context
    from plugins.data.stages import Images

    parts = Images(dataset="mnist", binarise=True).run(Context("images", seed=None))
    np.save(folder / "train.npy", parts.train.pixels[:images])
    np.save(folder / "test.npy", parts.test.pixels[:JUDGED])


def measure(who: str, task: str, architecture: str, precision: str, folder: Path, seed: int = 0) -> dict[str, Any]:
    """One process."""
    python = peer("pythae", *PYTHAE) / "python" if who == "pythae" else sys.executable
    words = [python, ROOT / "benchmarks" / "_vae_workers.py", who, task, architecture, precision, folder, seed]
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    folders = {"PYTHONPATH": "" if who == "pythae" else str(ROOT), "TORCHINDUCTOR_CACHE_DIR": str(folder / "compiled")}
    environment = {**os.environ, **threads, **folders}
    done = subprocess.run(list(map(str, words)), env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{who} {task} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def speed(architecture: str, folder: Path) -> None:
    """Images a second of CPU time, one epoch."""
    prepare(folder, SPEED)
    contenders = [("pythae", "float32"), *product(("lean", "ours"), PRECISIONS)]
    found: dict[tuple[str, str], list[dict[str, Any]]] = {contender: [] for contender in contenders}
    for _ in range(ROUNDS):
        for who, precision in contenders:
            found[who, precision].append(measure(who, "epoch", architecture, precision, folder))
    cpu = {name: statistics.median(run["cpu"] for run in runs) for name, runs in found.items()}
    wall = {name: statistics.median(run["wall"] for run in runs) for name, runs in found.items()}
    memory = {name: statistics.median(run["memory"] for run in runs) for name, runs in found.items()}
    first = contenders[0]
    rows = [
        (f"{who} {precision}", SPEED / cpu[who, precision], cpu[first] / cpu[who, precision],
         cpu["lean", precision] / cpu[who, precision], wall[first] / wall[who, precision], memory[who, precision])
        for who, precision in contenders
    ]  # fmt: skip
    header = ["", "images/CPU s", "times Pythae", "times lean", "times Pythae (wall)", "peak MiB"]
    table(f"training, {architecture}, median of {ROUNDS}", rows, header)


def compilation(folder: Path) -> None:
    """Images a second of CPU time, one epoch, when all is compiled."""
    prepare(folder, SPEED)
    rows = []
    for architecture, precision in product(("mlp", "conv"), PRECISIONS):
        found: dict[str, list[float]] = {"ours": [], "compiled": []}
        for _ in range(ROUNDS):
            for who, runs in found.items():
                runs.append(SPEED / measure(who, "epoch", architecture, precision, folder)["cpu"])
        plain, compiled = map(statistics.median, found.values())
        rows.append((f"{architecture} {precision}", plain, compiled, compiled / plain))
    header = ["", "images/CPU s", "compiled", "times as many"]
    table(f"training with torch.compile, median of {ROUNDS}", rows, header)


def quality(folder: Path) -> None:
    """IW-NLL (K = 5,000) of what each has trained, all judged by our estimate with the same draws."""
    import torch
    from _vae_workers import Ours

    from plugins.vae.evaluation.bound import importance_weighted

    torch.set_num_threads(1)
    prepare(folder, QUALITY)
    test = torch.from_numpy(np.load(folder / "test.npy"))
    x = test.float() / 255
    network = Ours("mlp", "float32", test, 0).state_.network
    rows = []
    for who, precision in (("pythae", "float32"), ("ours", "float32"), ("ours", "bfloat16")):
        values = []
        for seed in range(SEEDS):
            measure(who, str(EPOCHS), "mlp", precision, folder, seed)
            network.load_state_dict(torch.load(folder / f"{who}-{precision}-{seed}.pt"))
            values.append(-importance_weighted(network, x, 5000, 0).log_likelihood.mean().item())
        rows.append((f"{who} {precision}", f"{statistics.mean(values):.2f}", statistics.stdev(values) / SEEDS**0.5))
    header = ["", "NLL (nats)", "standard error over seeds"]
    table(f"{EPOCHS} epochs of {QUALITY:,} pictures, {SEEDS} seeds, {JUDGED} test pictures", rows, header)


def nll(folder: Path) -> None:
    """Images a second of the importance-weighted likelihood, the same weights."""
    prepare(folder, 3 * 128)
    measure("ours", "20", "mlp", "float32", folder, 0)
    found: dict[str, list[dict[str, Any]]] = {"pythae": [], "ours": []}
    for _ in range(3):
        for who, runs in found.items():
            runs.append(measure(who, "nll", "mlp", "float32", folder))
    cpu = {who: statistics.median(run["cpu"] for run in runs) for who, runs in found.items()}
    memory = {who: max(run["memory"] for run in runs) for who, runs in found.items()}
    rows = [
        (who, runs[0]["images"] / cpu[who], cpu["pythae"] / cpu[who], f"{runs[0]['nll']:.2f}", memory[who])
        for who, runs in found.items()
    ]
    header = ["", "images/CPU s", "times Pythae", "NLL", "peak MiB"]
    table("importance-weighted likelihood, K = 5,000", rows, header)


PARTS = {
    "mlp": partial(speed, "mlp"),
    "conv": partial(speed, "conv"),
    "compile": compilation,
    "quality": quality,
    "nll": nll,
}

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        for part in sys.argv[1:] or PARTS:
            PARTS[part](Path(name))
