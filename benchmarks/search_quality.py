"""How good the searches are: best value found against trials, and on learning curves against epochs trained.

    python benchmarks/search_quality.py                  Branin, Hartmann-6 and LCBench, three seeds, some minutes
    python benchmarks/search_quality.py --seeds 10       what the tables of the documentation show
    python benchmarks/search_quality.py curves           one part: functions or curves
    python benchmarks/search_quality.py curves --methods random bohb      some of the methods on learning curves
    python benchmarks/search_quality.py --figure ranks.png

functions: every search at equal numbers of trials, beside the loops of the libraries that ours rest on (Optuna, cmaes).
    Smaller is better: the distance of the best value to the known optimum.
curves: LCBench's surrogate (Zimmer et al. 2021, from YAHPO Gym, Pfisterer et al. 2022): validation accuracy of networks
    over 50 epochs. With a scheduler whole sweeps on Ray Tune, without one the search alone, at equal numbers of epochs
    trained, one after the other.

A method's rank among all methods of its table is averaged over tasks and seeds; 1 is best.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _learning_curves import EPOCHS, FULL_TRAININGS, STAGES, lcbench, sweeping, whole_trainings
from _measure import table

from pipeline.sweep.distributions import Uniform
from pipeline.sweep.objective import Objective
from pipeline.sweep.search import search_class
from pipeline.sweep.space import Dimension, Space

LCBENCH_TASKS = ("3945", "167168", "189906")

Function = Callable[[Sequence[float]], float]
Run = Callable[[int], Sequence[float]]
"""From a seed to the best loss after each trial (or epoch)."""


def branin(x: Sequence[float]) -> float:
    """Branin & Hoo (1972) on [-5, 10] x [0, 15], above its minimum of 0.397887."""
    a, b = x[0], x[1]
    c = b - 5.1 / (4 * math.pi**2) * a**2 + 5 / math.pi * a - 6
    return c**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10 - 0.39788735772973816


def hartmann6(x: Sequence[float]) -> float:
    """Hartmann (1972) in six dimensions on [0, 1], above its minimum of -3.32237."""
    scale = np.array([1.0, 1.2, 3.0, 3.2])
    a = np.array(
        [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
    )
    p = 1e-4 * np.array([[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                         [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]])  # fmt: skip
    return 3.322368011415515 - float(scale @ np.exp(-(a * (np.asarray(x) - p) ** 2).sum(1)))


FUNCTIONS: dict[str, tuple[Function, list[tuple[float, float]], int]] = {
    "branin": (branin, [(-5.0, 10.0), (0.0, 15.0)], 60),
    "hartmann6": (hartmann6, [(0.0, 1.0)] * 6, 60),
}
SEARCHES = ("random", "sobol", "tpe", "gp", "cma", "bohb", "nsga2")
PEERS = ("random", "tpe", "gp", "nsga2")


def ours(name: str, function: Function, bounds: Sequence[tuple[float, float]], trials: int) -> Run:
    """One of our searches, asked and told trial by trial."""
    names = [f"f.x{index}" for index in range(len(bounds))]
    space = Space(tuple(Dimension(n, "f", (n[2:],), Uniform(*b)) for n, b in zip(names, bounds, strict=True)))

    def run(seed: int) -> list[float]:
        kind = search_class(name)
        search = kind(space, (Objective("f/loss", "min"),), seed, kind.Options())
        values = []
        for number in range(trials):
            configuration = search.ask(number)
            assert configuration is not None
            values.append(function([configuration[n] for n in names]))
            search.tell(number, configuration, [values[-1]])
        return values

    return run


def optunas(name: str, function: Function, bounds: Sequence[tuple[float, float]], trials: int) -> Run:
    """The same by Optuna's own loop with the same settings."""
    import optuna

    samplers: dict[str, Callable[[int], Any]] = {
        "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
        "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True),
        "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
        "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed, population_size=20),
    }

    def run(seed: int) -> list[float]:
        study = optuna.create_study(sampler=samplers[name](seed))

        def objective(trial: Any) -> float:
            return function([trial.suggest_float(f"x{i}", *b) for i, b in enumerate(bounds)])

        study.optimize(objective, n_trials=trials)
        return [float(trial.value) for trial in study.trials]

    return run


def cmaess(function: Function, bounds: Sequence[tuple[float, float]], trials: int) -> Run:
    """CMA-ES by its library's own loop, on the unit cube."""
    import cmaes

    low, high = np.array(bounds).T

    def run(seed: int) -> list[float]:
        count = len(bounds)
        evolution = cmaes.CMA(mean=np.full(count, 0.5), sigma=0.25, bounds=np.tile([0.0, 1.0], (count, 1)), seed=seed)
        values: list[float] = []
        while len(values) < trials:
            points = [evolution.ask() for _ in range(evolution.population_size)]
            told = [(point, function(low + point * (high - low))) for point in points]
            evolution.tell(told)
            values += [value for _, value in told]
        return values[:trials]

    return run


def functions(seeds: int) -> dict[str, dict[str, np.ndarray]]:
    """Best losses by task and method, each (seeds, trials)."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    found: dict[str, dict[str, np.ndarray]] = {}
    for task, (function, bounds, trials) in FUNCTIONS.items():
        runs = {name: ours(name, function, bounds, trials) for name in SEARCHES}
        peers = {name: optunas(name, function, bounds, trials) for name in PEERS} | {
            "cma": cmaess(function, bounds, trials)
        }
        runs |= {f"library's {name}": run for name, run in peers.items()}
        found[task] = best_so_far(task, runs, seeds)
        rows = [[name, *np.quantile(best[:, -1], [0.5, 0.25, 0.75])] for name, best in found[task].items()]
        table(f"{task}: distance to the optimum after {trials} trials, {seeds} seeds", sorted(rows, key=lambda r: r[1]),
              ["", "median", "lower quartile", "upper quartile"])  # fmt: skip
    compare_with_peers(found)
    return found


def compare_with_peers(found: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Whether ours and the library's own loop differ: Mann-Whitney on the last values, with Holm's correction."""
    from scipy.stats import mannwhitneyu

    rows = []
    for task, methods in found.items():
        for name in (*PEERS, "cma"):
            mine, theirs = methods[name][:, -1], methods[f"library's {name}"][:, -1]
            p = float(mannwhitneyu(mine, theirs).pvalue) if not np.array_equal(mine, theirs) else 1.0
            rows.append([f"{name} on {task}", float(np.median(mine)), float(np.median(theirs)), p])
    corrected = holm([row[-1] for row in rows])
    table("ours beside the library's own loop, medians", [[*row, p] for row, p in zip(rows, corrected, strict=True)],
          ["", "ours", "library's", "p (Mann-Whitney)", "Holm"])  # fmt: skip


def holm(values: Sequence[float]) -> list[float]:
    """P-values corrected for all of them being tested (Holm 1979)."""
    corrected, largest = [0.0] * len(values), 0.0
    for place, index in enumerate(np.argsort(values)):
        largest = corrected[index] = max(largest, min(1.0, (len(values) - place) * values[index]))
    return corrected


CURVE_METHODS = {
    "random": ("random", "none"),
    "tpe": ("tpe", "none"),
    "random + median": ("random", "median"),
    "random + asha": ("random", "asha"),
    "random + hyperband": ("random", f"{{hyperband: {{max_steps: {EPOCHS}}}}}"),
    "tpe + asha": ("tpe", "asha"),
    "bohb": ("bohb", f"{{bohb: {{max_steps: {EPOCHS}}}}}"),
}


def curves(seeds: int, methods: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    """Best validation errors by task and method, each (seeds, epochs trained)."""
    folder = lcbench()
    if folder is None:
        return {}
    from pipeline.sweep.cluster import cluster

    encoding = json.loads((folder / "encoding.json").read_text())["OpenML_task_id"]
    found: dict[str, dict[str, np.ndarray]] = {}
    with cluster("local"), tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_CONFIG_HOME"] = scratch
        plugin = Path(scratch) / "lcbench_stages.py"
        plugin.write_text(STAGES)
        for task in LCBENCH_TASKS:
            words = {"plugin": plugin, "path": folder / "model.onnx", "index": encoding[task], "task": task}
            runs = {
                name: whole_trainings(search, words)
                if scheduler == "none"
                else sweeping(Path(scratch), {**words, "method": name.replace(" + ", "-"), "search": search,
                                              "scheduler": scheduler})
                for name, (search, scheduler) in CURVE_METHODS.items()
                if name in methods
            }  # fmt: skip
            found[f"lcbench {task}"] = best = best_so_far(task, runs, seeds)
            middle = EPOCHS * FULL_TRAININGS // 4
            rows = [[name, *np.median(b[:, [middle, -1]], axis=0)] for name, b in best.items()]
            table(f"LCBench {task}: best validation error (%) seen, median of {seeds} seeds",
                  sorted(rows, key=lambda row: row[-1]),
                  ["", f"after {middle} epochs", f"after {EPOCHS * FULL_TRAININGS}"])  # fmt: skip
    against_random(found)
    return found


def against_random(found: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """How often a method's last value is better than random search's with the same seed, and Wilcoxon's p."""
    from scipy.stats import wilcoxon

    if any("random" not in methods for methods in found.values()):
        return
    rows = []
    for name in next(iter(found.values())):
        if name == "random":
            continue
        gaps = np.concatenate([methods["random"][:, -1] - methods[name][:, -1] for methods in found.values()])
        rows.append([name, f"{(gaps > 0).sum()} of {len(gaps)}", float(np.median(gaps)), float(wilcoxon(gaps).pvalue)])
    table("against random search at full length", rows, ["", "better", "median gain (points)", "p (Wilcoxon)"])


def best_so_far(task: str, runs: Mapping[str, Run], seeds: int) -> dict[str, np.ndarray]:
    """Running minima of every method, (seeds, length)."""
    found = {}
    for name, run in runs.items():
        began = time.process_time()
        found[name] = np.array([np.minimum.accumulate(run(seed)) for seed in range(seeds)])
        print(
            f"{task}, {name}: {(time.process_time() - began) / seeds:.1f} s of CPU a seed", file=sys.stderr, flush=True
        )
    return found


def ranks(found: Mapping[str, Mapping[str, np.ndarray]], names: Sequence[str]) -> np.ndarray:
    """Mean rank of each method at each trial (or epoch): (methods, length)."""
    from scipy.stats import rankdata

    every = [rankdata([methods[name][seed] for name in names], axis=0)
             for methods in found.values() for seed in range(len(methods[names[0]]))]  # fmt: skip
    return np.mean(every, axis=0)


def show_ranks(found: Mapping[str, Mapping[str, np.ndarray]], names: Sequence[str], unit: str) -> None:
    """The anytime ranks at five points."""
    if not found:
        return
    curve = ranks(found, names)
    length = curve.shape[1]
    points = [max(1, round(length * share)) for share in (0.1, 0.25, 0.5, 0.75, 1)]
    rows = [[name, *(float(curve[i, point - 1]) for point in points)] for i, name in enumerate(names)]
    header = ["", *(f"{point} {unit}" for point in points)]
    table(f"mean rank over {len(found)} tasks", sorted(rows, key=lambda row: row[-1]), header)


def draw(parts: Sequence[tuple[Mapping[str, Mapping[str, np.ndarray]], Sequence[str], str]], file: str) -> None:
    """The anytime rank curves."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * len(parts), 4), layout="constrained")
    for axis, (found, names, unit) in zip(np.ravel(figure.subplots(1, len(parts))), parts, strict=True):
        curve = ranks(found, names)
        for name, line in zip(names, curve, strict=True):
            axis.plot(range(1, len(line) + 1), line, label=name)
        axis.set_xlabel(unit)
        axis.set_ylabel("mean rank (1 is best)")
        axis.set_title(", ".join(found), fontsize=9)
        axis.legend(fontsize=7, frameon=False)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)


def main() -> None:
    """The parts named on the command line, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=["functions", "curves"], default=["functions", "curves"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="+", choices=list(CURVE_METHODS), default=list(CURVE_METHODS))
    parser.add_argument("--figure")
    given = parser.parse_args()
    shown = []
    for part in given.parts:
        found = functions(given.seeds) if part == "functions" else curves(given.seeds, given.methods)
        names, unit = (SEARCHES, "trials") if part == "functions" else (given.methods, "epochs")
        show_ranks(found, names, unit)
        shown += [(found, names, unit)] if found else []
    if given.figure and shown:
        draw(shown, given.figure)


if __name__ == "__main__":
    main()
