"""Pictures over time: history, regret, curves, workers."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from pipeline.sweep.report.study import Study

BEST, OTHER, STOPPED, FAILED = "tab:blue", "0.6", "tab:orange", "tab:red"
_STATES = {"finished": (BEST, "finished"), "stopped": (STOPPED, "stopped early"), "failed": (FAILED, "failed")}


def history(study: Study) -> Figure | None:
    """Each configuration's value in the order in which they ended, its deviation over seeds, and the best so far."""
    if not study.points:
        return None
    figure, axis = _figure()
    for stopped, colour, label in ((False, OTHER, "finished"), (True, STOPPED, "stopped early")):
        chosen = [(place, p) for place, p in enumerate(study.points, 1) if p.stopped is stopped]
        if chosen:
            places, values = [place for place, _ in chosen], [p.values[0] for _, p in chosen]
            spreads = [p.spread or 0.0 for _, p in chosen]
            axis.errorbar(
                places, values, spreads if any(spreads) else None, fmt="o", ms=4, lw=1, color=colour, label=label
            )
    axis.step(range(1, len(study.points) + 1), study.running_best, where="post", color=BEST, label="best so far")
    axis.set_xlabel("configurations tried")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_ylabel(study.objective.metric)
    _clip(axis, [point.values[0] for point in study.points])
    axis.legend(frameon=False)
    return figure


def regret(study: Study) -> Figure | None:
    """How far the best so far was from the best of all, over time; nothing is drawn once it is reached."""
    if len(study.points) < 3:
        return None
    began = min(record.began for record in study.records)
    final = study.running_best[-1]
    gaps = [abs(value - final) for value in study.running_best]
    if not any(gaps):
        return None
    figure, axis = _figure()
    axis.step([point.ended - began for point in study.points], gaps, where="post", color=BEST)
    reached = next(point.ended for point, gap in zip(study.points, gaps, strict=True) if not gap)
    axis.axvline(reached - began, color=BEST, ls=":", label="final best found")
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
    axis.yaxis.set_minor_formatter("{x:g}" if max(gaps) < 100 * min(g for g in gaps if g) else NullFormatter())
    axis.set_xlim(left=0)
    axis.set_xlabel("seconds since the first trial began")
    axis.set_ylabel(f"distance to the final best {study.objective.metric}")
    axis.legend(frameon=False)
    return figure


def curves(study: Study) -> Figure | None:
    """The objective of every trial step by step; where it was stopped, a dot."""
    drawn = [record for record in study.records if len(record.curve) > 1]
    if not drawn:
        return None
    figure, axis = _figure()
    best = study.best
    for record in drawn:
        leads = best is not None and record.number == best.number
        steps = sorted(record.curve)
        axis.plot(steps, [record.curve[step] for step in steps], color=BEST if leads else OTHER, lw=2 if leads else 0.8,
                  zorder=3 if leads else 1)  # fmt: skip
        if record.state == "stopped":
            axis.plot(steps[-1], record.curve[steps[-1]], "o", ms=4, color=STOPPED, zorder=2)
    axis.set_xlabel("step")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_ylabel(study.objective.metric)
    _clip(axis, [value for record in drawn for value in record.curve.values()])
    return figure


def timeline(study: Study) -> Figure | None:
    """When each worker ran what."""
    workers = sorted({record.worker for record in study.records if record.worker})
    if not workers:
        return None
    figure, axis = _figure(height=1.5 + 0.35 * len(workers))
    began = min(record.began for record in study.records)
    for state, (colour, label) in _STATES.items():
        shown = [record for record in study.records if record.worker and record.state == state]
        rows, lefts = [workers.index(r.worker) for r in shown], [r.began - began for r in shown]
        lengths = [r.ended - r.began for r in shown]
        if shown:
            axis.barh(rows, lengths, left=lefts, height=0.7, color=colour, edgecolor="white", lw=0.5, label=label)
    axis.set_yticks(range(len(workers)), workers)
    axis.set_xlabel("seconds since the first trial began")
    figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize=8)
    return figure


def _figure(height: float = 4.0) -> tuple[Figure, Any]:
    figure = Figure(figsize=(7.5, height), layout="constrained")
    axis = figure.subplots()
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.25)
    return figure, axis


def _clip(axis: Any, values: list[float]) -> None:
    """Show the bulk: a few diverged trials must not flatten all the others."""
    import numpy as np

    finite = np.array([value for value in values if np.isfinite(value)])
    if len(finite) < 8:
        return
    low, high = np.quantile(finite, [0.05, 0.95])
    room = max(high - low, 1e-12)
    axis.set_ylim(max(finite.min(), low - room) - 0.05 * room, min(finite.max(), high + room) + 0.05 * room)
