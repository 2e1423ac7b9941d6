"""Formulas recovered at equal wall time: ours beside tuned pyoperon and plain gplearn, in one interleaved run.

    python benchmarks/symbolic.py                              12 Nguyen and 20 Feynman problems, 30 s, three seeds
    python benchmarks/symbolic.py --seconds 10 --seeds 1       quicker
    python benchmarks/symbolic.py pmlb                         ten real data sets ($PIPELINE_DATA/pmlb)

Exact: the formula is the law up to one constant. Numeric: 1 - R2 below 1e-9 on test and on extrapolation rows. Every
engine has the same functions and the same refinement and choice after it, which is not counted in its time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _measure import table  # benchmarks is a folder of scripts, not a package

from pipeline.testing import run_stage
from plugins.symbolic import stages

NGUYEN = [f"Nguyen-{number}" for number in range(1, 13)]
FEYNMAN = [
    "I.6.2a", "I.6.2", "I.8.14", "I.12.2", "I.12.11", "I.13.4", "I.13.12", "I.15.3x", "I.16.6", "I.18.4", "I.24.6",
    "I.27.6", "I.29.16", "I.30.3", "I.37.4", "I.40.1", "I.44.4", "I.50.26", "II.6.15a", "II.35.18",
]  # fmt: skip
PMLB = [
    "1027_ESL", "1029_LEV", "192_vineyard", "229_pwLinear", "522_pm10", "547_no2", "561_cpu", "579_fri_c0_250_5",
    "678_visualizing_environmental", "690_visualizing_galaxy",
]  # fmt: skip
ENGINES = ("ours", "pyoperon", "gplearn")


def engine(name: str, seconds: float) -> Any:
    """The stage that runs an engine until it is done or ``seconds`` are over."""
    if name == "ours":
        return stages.Gplearn(time_limit=seconds, generations=100_000)
    if name == "pyoperon":
        return stages.Operon(time_limit=seconds)
    return stages.GplearnPlain(time_limit=seconds, generations=10_000)


def judged(problem: Any, name: str, seed: int, seconds: float) -> dict[str, float]:
    """The verdict on what an engine finds, and the seconds that it took."""
    began = time.perf_counter()
    front = run_stage(engine(name, seconds), seed=seed, problem=problem).value
    spent = time.perf_counter() - began
    formula = run_stage(stages.Refine(time_limit=20), problem=problem, model=front).value
    metrics = dict(run_stage(stages.Verify(), problem=problem, formula=formula).metrics)
    return metrics | {"seconds": spent}


def laws(names: list[str], seeds: int, seconds: float) -> None:
    """Recovery of known laws."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in ENGINES}
    for law in names:
        for seed in range(seeds):
            problem = stages.Problem(name=law).run()
            for name in ENGINES:
                found = judged(problem, name, seed, seconds)
                results[name].append(found)
                miss = max(1 - found["r2_test"], 1 - found["r2_extrapolation"])
                found["numeric"] = float(miss < 1e-9)
                print(
                    f"{law:10s} seed {seed} {name:9s} exact {found['recovered']:.0f} miss {miss:.0e} "
                    f"size {found['complexity']:.0f} in {found['seconds']:.1f} s",
                    flush=True,
                )
    both = [
        index
        for index in range(len(names) * seeds)
        if results["ours"][index]["recovered"] and results["pyoperon"][index]["recovered"]
    ]
    rows = [
        (
            name,
            sum(int(run["recovered"]) for run in runs),
            sum(int(run["numeric"]) for run in runs),
            statistics.median(run["seconds"] for run in runs),
            statistics.mean(runs[index]["complexity"] for index in both) if both else "-",
        )
        for name, runs in results.items()
    ]
    header = ("engine", "exact", "numeric", "median s", "size where both ours and pyoperon are exact")
    table(f"{len(names)} laws, {seeds} seed(s), {seconds:g} s each", rows, header)


def real(names: list[str], seeds: int, seconds: float) -> None:
    """Median test R2 and size on real data."""
    folder = Path(os.environ["PIPELINE_DATA"]) / "pmlb"
    rows = []
    for name in ENGINES:
        runs = []
        for data in names:
            problem = stages.Table(path=folder / f"{data}.tsv.gz", target="target").run()
            runs += [judged(problem, name, seed, seconds) for seed in range(seeds)]
        rows.append(
            (name, statistics.median(r["r2_test"] for r in runs), statistics.median(r["complexity"] for r in runs))
        )
    table(f"{len(names)} PMLB sets, {seeds} seed(s), {seconds:g} s each", rows, ("engine", "median R2", "median size"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("part", nargs="?", choices=["laws", "pmlb"], default="laws")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--problems", nargs="*")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.part == "laws":
        laws(given.problems or NGUYEN + FEYNMAN, given.seeds, given.seconds)
    else:
        real(given.problems or PMLB, given.seeds, given.seconds)
