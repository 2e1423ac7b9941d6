"""Writes the report: ``report.html`` with everything in it, the same pictures as PNG, and the trials as a table."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import math
from collections.abc import Iterator

from matplotlib.figure import Figure

from pipeline.records import File
from pipeline.sweep.report import dimensions, progress
from pipeline.sweep.report.importance import importance
from pipeline.sweep.report.study import Study

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .3rem}p{margin:.2rem 0 .6rem;color:#444}
img{max-width:100%;height:auto}table{border-collapse:collapse;font-size:13px}
th,td{padding:.2rem .6rem;border-bottom:1px solid #ddd;text-align:right;font-variant-numeric:tabular-nums}
th{position:sticky;top:0;background:#fff}.wide{overflow-x:auto;max-height:32rem;overflow-y:auto}
tr.best td{font-weight:600;background:#eef5ff}td.t{text-align:left}
"""


def write(study: Study) -> tuple[File, ...]:
    """All files of the report."""
    pictures = [(name, title, said, _png(figure)) for name, title, said, figure in _pictures(study)]
    page = _page(study, pictures)
    return (
        File("report.html", page.encode()),
        *(File(f"report/{name}.png", content) for name, _, _, content in pictures),
        File("trials.csv", _table(study).encode()),
        File("trials.json", json.dumps([record.as_dict() for record in study.records]).encode()),
    )


def _pictures(study: Study) -> Iterator[tuple[str, str, str, Figure]]:
    """Name, title, what it tells, and the picture; those that have nothing to show are left out."""
    shares = importance(study)
    every = [
        ("history", "History", "Each configuration's value, and the best so far.", progress.history(study)),
        ("regret", "Anytime regret", "How far the best so far was from the final best.", progress.regret(study)),
        ("pareto", "Pareto front", "What no other configuration beats in every metric.", dimensions.pareto(study)),
        ("importance", "Importance", "How much each dimension matters by itself, over the whole space. Few trials, or "
         "trials gathered around an optimum, make it unsure.", dimensions.importances(shares)),
        ("parallel", "Parallel coordinates", "One line for each configuration; the darker, the better.",
         dimensions.parallel(study)),
        ("slices", "Slices", "The value over each dimension; darker points came later, the star is the best.",
         dimensions.slices(study, shares)),
        ("contour", "The two most important dimensions", "Colours are interpolated between the points.",
         dimensions.contour(study, shares)),
        ("curves", "Curves", _saved(study), progress.curves(study)),
        ("timeline", "Workers", "When each worker ran what.", progress.timeline(study)),
    ]  # fmt: skip
    for name, title, said, figure in every:
        if figure is not None:
            yield name, title, said, figure


def _saved(study: Study) -> str:
    text = "The metric step by step; the best in blue, a dot where a trial was stopped early."
    if (saved := study.saved) is None:
        return text
    share = saved.not_run / (saved.run + saved.not_run)
    return (
        f"{text} {saved.stopped} trials were stopped: {saved.not_run:,} of {saved.run + saved.not_run:,} steps "
        f"({share:.0%}) were not run. {saved.ahead} of the stopped were ahead of the final best at the step where they "
        "were stopped: the fewer, the less was risked."
    )


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def _page(study: Study, pictures: list[tuple[str, str, str, bytes]]) -> str:
    best = study.best
    title = html.escape(f"Sweep of {study.experiment}")
    metrics = ", ".join(f"{html.escape(o.metric)} ({o.mode})" for o in study.objectives)
    how = f"search {html.escape(study.search)}, scheduler {html.escape(study.scheduler)}"
    many = f"{len(study.records)} runs of {len({record.number for record in study.records})} configurations"
    parts = [f"<h1>{title}</h1><p>{how}; {metrics}; {many}</p>"]
    if best is not None:
        values = ", ".join(
            f"{html.escape(o.metric)} {v:.6g}" for o, v in zip(study.objectives, best.values, strict=True)
        )
        words = " ".join(f"{name}={json.dumps(value)}" for name, value in best.configuration.items())
        parts.append(f"<p><b>Best: trial {best.number}</b>, {values}</p><p><code>{html.escape(words)}</code></p>")
    failed = [record for record in study.records if record.state == "failed"]
    if failed:
        parts.append(f"<p>{len(failed)} runs failed; the first: {html.escape(failed[0].error or 'unknown')}</p>")
    for _, heading, said, content in pictures:
        source = base64.b64encode(content).decode()
        parts.append(f"<h2>{html.escape(heading)}</h2><p>{html.escape(said)}</p>"
                     f'<img alt="{html.escape(heading)}" src="data:image/png;base64,{source}">')  # fmt: skip
    parts.append(f"<h2>Trials</h2><div class='wide'>{_html_table(study)}</div>")
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title><style>{_STYLE}</style>"
        + "".join(parts)
        + "</html>"
    )


def _rows(study: Study) -> Iterator[list[str]]:
    yield [
        "trial",
        "seed",
        "state",
        "step",
        "seconds",
        *(o.metric for o in study.objectives),
        *study.dimensions,
        "error",
    ]
    sign = study.objective.sign
    for record in sorted(study.records, key=lambda r: sign * r.values[0] if r.values else math.inf):
        values = record.values or (math.nan,) * len(study.objectives)
        yield [
            str(record.number), str(record.seed), record.state, str(record.step or ""),
            f"{record.ended - record.began:.2f}", *(f"{value:.6g}" for value in values),
            *(_cell(record.configuration.get(name)) for name in study.dimensions), record.error or "",
        ]  # fmt: skip


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)


def _table(study: Study) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(_rows(study))
    return buffer.getvalue()


def _html_table(study: Study) -> str:
    header, *rows = _rows(study)
    # A column that is empty throughout, or one seed for all, says nothing.
    shown = [i for i, name in enumerate(header) if any(row[i] for row in rows)
             and (name != "seed" or len({row[i] for row in rows}) > 1)]  # fmt: skip
    head = "".join(f"<th>{html.escape(header[i])}</th>" for i in shown)
    best = study.best
    body = "".join(
        f"<tr{' class=best' if best and row[0] == str(best.number) else ''}>"
        + "".join(f"<td{' class=t' if header[i] == 'error' else ''}>{html.escape(row[i])}</td>" for i in shown)
        + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
