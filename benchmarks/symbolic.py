"""Formulas recovered at equal CPU time on one thread: ours beside tuned pyoperon and plain gplearn.

    python benchmarks/symbolic.py                              12 Nguyen and 20 Feynman problems, 30 s, three seeds
    python benchmarks/symbolic.py held_out                     laws that nobody looked at while the search was made
    python benchmarks/symbolic.py pmlb                         ten real data sets ($PIPELINE_DATA/pmlb)
    python benchmarks/symbolic.py --seconds 10 --seeds 1 --problems I.8.14 Nguyen-5 --for 400
    python benchmarks/symbolic.py --report                     what the results so far say, nothing is run
    python benchmarks/symbolic.py --judge                      the same after another refinement of what was found

Every run is appended to .benchmarks/symbolic.jsonl and not done again, so a benchmark may be stopped at any time and
gone on with; ``--for`` ends it after so many seconds. Problems come in turn, the three engines side by side on each.

Each engine runs in a process of its own whose CPU time is its budget, so that a busy machine is unfair to none. An
engine stops early where it holds a law to be found: ours at rounding, pyoperon at 1 - r2 below 1e-12, gplearn at error
zero. Ours and pyoperon have the same functions, gplearn those that it has itself. The same refinement and choice follow
for all and are not counted. Exact: the formula is the law up to one constant. Numeric: 1 - R2 below 1e-9 on test and
extrapolation rows. On real data the formula is chosen twice: by BIC, which is the default, and by AIC, to predict.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _measure import ENVIRONMENTS, table  # benchmarks is a folder of scripts, not a package

from pipeline.testing import run_stage
from plugins.symbolic import stages
from plugins.symbolic.front import choose
from plugins.symbolic.types import Equation, Front, Problem

NGUYEN = [f"Nguyen-{number}" for number in range(1, 13)]
FEYNMAN = [
    "I.6.2a", "I.6.2", "I.8.14", "I.12.2", "I.12.11", "I.13.4", "I.13.12", "I.15.3x", "I.16.6", "I.18.4", "I.24.6",
    "I.27.6", "I.29.16", "I.30.3", "I.37.4", "I.40.1", "I.44.4", "I.50.26", "II.6.15a", "II.35.18",
]  # fmt: skip
HELD_OUT = [
    "I.32.17", "I.38.12", "I.41.16", "I.48.2", "II.6.11", "II.11.17", "II.24.17", "III.14.14", "III.15.12",
    "Livermore-3", "Livermore-5", "Livermore-7", "Livermore-14", "Keijzer-11", "Keijzer-14", "Keijzer-15",
    "Vladislavleva-1",
]  # fmt: skip
"""The seeds of the search were made while looking at the laws above; these were listed before any was ever run."""
PMLB = [
    "1027_ESL", "1029_LEV", "192_vineyard", "229_pwLinear", "522_pm10", "547_no2", "561_cpu", "579_fri_c0_250_5",
    "678_visualizing_environmental", "690_visualizing_galaxy",
]  # fmt: skip
PARTS = {"laws": NGUYEN + FEYNMAN, "held_out": HELD_OUT, "pmlb": PMLB}
ENGINES = ("ours", "pyoperon", "gplearn")
RESULTS = ENVIRONMENTS / "symbolic.jsonl"


def engine(name: str, seconds: float) -> Any:
    """The stage that runs an engine; pyoperon, which has a clock of its own, is stopped from outside."""
    if name == "ours":
        # The stage keeps a tenth of its time for what follows the search.
        return stages.Gplearn(time_limit=seconds / 0.9, generations=100_000)
    if name == "pyoperon":
        return stages.Operon(time_limit=100_000)
    return stages.GplearnPlain(time_limit=seconds, generations=100_000)


def searched(name: str, problem: Any, seed: int, seconds: float, answer: Connection) -> None:
    """In a process of its own: an engine's front, and the CPU seconds that it took."""
    from plugins.symbolic import plain
    from plugins.symbolic.engine import search

    warnings.simplefilter("ignore")
    began = time.process_time()
    clock = SimpleNamespace(monotonic=time.process_time)
    search.time = plain.time = clock  # type: ignore[attr-defined]
    if name == "pyoperon":
        _stop_operon(problem, began + seconds, lambda front: answer.send((front, time.process_time() - began)))
    front = run_stage(engine(name, seconds), seed=seed, problem=problem).value
    answer.send((front, time.process_time() - began))


def _stop_operon(problem: Any, deadline: float, finish: Any) -> None:
    """Have pyoperon hand over its front after the generation in which its CPU time ran out, and end the process."""
    import pyoperon
    import pyoperon.sklearn

    from plugins.symbolic import operon
    from plugins.symbolic.types import arrays

    class Stopped:
        def __init__(self, *given: Any) -> None:
            self.algorithm = pyoperon.NSGA2Algorithm(*given)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.algorithm, name)

        def Run(self, rng: Any, callback: None, threads: int, warm_start: bool) -> None:
            self.algorithm.Run(rng, self.look, threads, warm_start)

        def look(self) -> None:
            if time.process_time() > deadline:
                x, y = arrays(problem.train)
                trees = [individual.Genotype for individual in self.algorithm.BestFront]
                regressor = _Names(x.shape[1])
                finish(operon.front_from([operon.program_of(regressor, t, x.shape[1]) for t in trees], problem, x, y))
                os._exit(0)

    class _Names:
        """What writes a tree as text."""

        def __init__(self, count: int) -> None:
            names = [f"X{number + 1}" for number in range(count)]
            data = pyoperon.Dataset([[0.0] * count])
            data.VariableNames = names
            self.names = {variable.Hash: variable.Name for variable in data.Variables}

        def get_model_string(self, tree: Any, precision: int) -> str:
            return str(pyoperon.InfixFormatter.Format(tree, self.names, precision))

    class Module:
        NSGA2Algorithm = Stopped

        def __getattr__(self, name: str) -> Any:
            return getattr(pyoperon, name)

    pyoperon.sklearn.op = Module()


def problem_of(part: str, name: str, seed: int) -> Problem:
    """Rows of a law, or of a real set split by the seed."""
    if part != "pmlb":
        return stages.Problem(name=name).run()
    path = Path(os.environ["PIPELINE_DATA"]) / "pmlb" / f"{name}.tsv.gz"
    return stages.Table(path=path, target="target", split_seed=seed).run()


def verdict(part: str, problem: Problem, front: Front) -> dict[str, Any]:
    """What is found out about the formula that is chosen from a front."""
    formula = run_stage(stages.Refine(time_limit=60), problem=problem, model=front).value
    metrics = dict(run_stage(stages.Verify(), problem=problem, formula=formula).metrics)
    if part == "pmlb":
        predicting = replace(formula, chosen=choose(formula, "aic"))
        judged = run_stage(stages.Verify(), problem=problem, formula=predicting).metrics
        metrics |= {f"{name}_aic": judged[name] for name in ("r2_test", "complexity")}
    else:
        metrics["numeric"] = float(max(1 - metrics["r2_test"], 1 - metrics["r2_extrapolation"]) < 1e-9)
    return {"formula": formula.best.expression, **metrics}


def judged(part: str, name: str, engine_: str, seed: int, seconds: float) -> dict[str, Any]:
    """The verdict on what an engine finds, and its front."""
    problem = problem_of(part, name, seed)
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=searched, args=(engine_, problem, seed, seconds, theirs)
    )
    began = time.perf_counter()
    process.start()
    theirs.close()
    front, cpu = ours.recv()
    wall = time.perf_counter() - began
    process.join()
    key = {"part": part, "problem": name, "engine": engine_, "seed": seed, "seconds": seconds}
    fronts = {"front": [equation.expression for equation in front.equations]}
    return key | {"cpu": cpu, "wall": wall} | fronts | verdict(part, problem, front)


def judge_again() -> None:
    """Every front that is kept, by today's refinement and choice."""
    results = done()
    for number, result in enumerate(results):
        if "front" in result:
            problem = problem_of(result["part"], result["problem"], result["seed"])
            rows = tuple(Equation(text, 0, 0.0) for text in result["front"])
            front = Front(rows, 0, problem.variables, problem.target, 1.0, 1)
            results[number] = result | verdict(result["part"], problem, front)
    RESULTS.write_text("".join(json.dumps(result) + "\n" for result in results))


def done() -> list[dict[str, Any]]:
    """Every result so far."""
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def run(
    part: str, names: Sequence[str], engines: Sequence[str], seeds: Sequence[int], seconds: float, until: float
) -> None:
    """Whatever of this is not yet done, until the time is up."""
    known = {(r["part"], r["problem"], r["engine"], r["seed"], r["seconds"]) for r in done()}
    RESULTS.parent.mkdir(exist_ok=True)
    for seed in seeds:
        for name in names:
            if time.monotonic() > until:
                return
            for engine_ in engines:
                if (part, name, engine_, seed, seconds) in known:
                    continue
                found = judged(part, name, engine_, seed, seconds)
                with RESULTS.open("a") as file:
                    file.write(json.dumps(found) + "\n")
                print(
                    f"{name:16s} seed {seed} {engine_:9s} exact {found.get('recovered', '-')} "
                    f"r2 {found['r2_test']:.4f} size {found['complexity']:.0f} cpu {found['cpu']:.1f} s",
                    flush=True,
                )


def report(results: list[dict[str, Any]]) -> None:
    """For each part and budget, over the problems and seeds that ours and pyoperon have both done."""
    for part, seconds in sorted({(r["part"], r["seconds"]) for r in results}):
        runs = {
            (r["problem"], r["seed"], r["engine"]): r for r in results if (r["part"], r["seconds"]) == (part, seconds)
        }
        both = sorted({key[:2] for key in runs if all((*key[:2], name) in runs for name in ENGINES[:2])})
        if not both:
            continue
        by = {name: {key: runs[(*key, name)] for key in both if (*key, name) in runs} for name in ENGINES}
        seeds = len({seed for _, seed in both})
        title = (
            f"{part}: {len({name for name, _ in both})} problems, {len(both)} runs, {seeds} seed(s), {seconds:g} CPU s"
        )
        print(f"\nload: wall / CPU {statistics.median(r['wall'] / max(r['cpu'], 0.1) for r in runs.values()):.2f}")
        table(title, *(_fits if part == "pmlb" else _laws)(by))


Runs = dict[str, dict[tuple[str, int], dict[str, Any]]]


def _fits(by: Runs) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    """Rows of real data: how well the formulas predict, and how large they are."""
    metrics = ("r2_test", "complexity", "r2_test_aic", "complexity_aic")
    rows = [
        (name, len(found), *(_median(found, metric) for metric in metrics), _mean(found, "cpu"))
        for name, found in by.items()
        if found
    ]
    return rows, ("engine", "runs", "median R2 by BIC", "size", "by AIC", "size", "mean CPU s")


def _laws(by: Runs) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    """Rows of known laws: how many are found, and the sizes of those that ours and pyoperon both found."""
    which = {
        kind: [key for key in by["ours"] if by["ours"][key][kind] and by["pyoperon"][key][kind]]
        for kind in ("recovered", "numeric")
    }
    rows = [
        (
            name,
            len(found),
            *(sum(int(run[kind]) for run in found.values()) for kind in which),
            _mean(found, "cpu"),
            *(_mean({key: found[key] for key in keys if key in found}, "complexity") for keys in which.values()),
        )
        for name, found in by.items()
        if found
    ]
    sizes = (f"size ({len(keys)} both {kind})" for kind, keys in zip(("exact", "numeric"), which.values(), strict=True))
    return rows, ("engine", "runs", "exact", "numeric", "mean CPU s", *sizes)


def _mean(found: dict[Any, dict[str, Any]], metric: str) -> float | str:
    return statistics.mean(run[metric] for run in found.values()) if found else "-"


def _median(found: dict[tuple[str, int], dict[str, Any]], metric: str) -> float:
    """Over problems, of each one's median over seeds."""
    values: dict[str, list[float]] = {}
    for (name, _), run in found.items():
        values.setdefault(name, []).append(run[metric])
    return statistics.median(map(statistics.median, values.values()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("part", nargs="?", choices=list(PARTS), default="laws")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--problems", nargs="*")
    parser.add_argument("--engines", nargs="*", default=ENGINES, choices=ENGINES)
    parser.add_argument("--for", dest="most", type=float, default=float("inf"), help="seconds after which to stop")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--judge", action="store_true", help="judge the fronts of all runs so far again")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.judge:
        judge_again()
    elif not given.report:
        chosen = given.problems or PARTS[given.part]
        run(given.part, chosen, given.engines, range(given.seeds), given.seconds, time.monotonic() + given.most)
    report(done())
