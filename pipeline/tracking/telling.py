"""What MLflow's pages say of a run that ended: its description in plain words, and the data it stands on."""

from __future__ import annotations

import json

from pipeline.records import Run, RunOutcome, StageOutcome

_METRICS = 12
_DIGEST_LENGTH = 12


def ended_description(run: Run, outcome: RunOutcome) -> str:
    """Markdown: what was run, what came of it, how to do it again."""
    kind = run.tags.get("pipeline.kind")
    parts = [outcome.description or run.description]
    if kind in ("run", "trial"):
        parts.append(_result(run, outcome))
    if kind in ("run", "trial", "comparison"):
        parts.append(f"Run it again with `pipeline reproduce {run.reference}`.")
    return _spaced("\n\n".join(part for part in parts if part))


def _spaced(markdown: str) -> str:
    """``markdown`` with a space after each cell of its tables: MLflow's interface sets them edge to edge."""
    lines = [line.replace(" |", "&emsp; |") if line.startswith("| ") else line for line in markdown.splitlines()]
    return "\n".join(lines)


def _result(run: Run, outcome: RunOutcome) -> str:
    if outcome.status != "finished":
        where = f" in {outcome.failed_stage}" if outcome.failed_stage else ""
        why = f": {outcome.error.splitlines()[0]}" if outcome.error else ""
        return f"**{outcome.status.capitalize()}{where}**{why}"
    known = {name: run.directions.get(name) for name in outcome.metrics}
    shown = [name for name in known if known[name]] or list(known)
    better = {"max": "higher is better", "min": "lower is better"}
    rows = [f"| {name} | {outcome.metrics[name]:.6g} | {better.get(known[name] or '', '')} |" for name in shown]
    table = "\n".join(["| result | | |", "|--|--|--|", *rows[:_METRICS]]) if rows else ""
    # Indented, so that no sign of a formula is taken for markup.
    said = [f"{place}:\n\n    {text}" for place, text in outcome.sentences.items()]
    return "\n\n".join(part for part in (*said, table) if part)


def dataset(run: Run, stage: StageOutcome) -> dict[str, str]:
    """What a stage without inputs made, as MLflow's Dataset column shows it.

    The first text in its configuration says which data it is: ``images digits``.
    """
    fields = {name.removeprefix(f"{stage.name}."): value for name, value in run.params.items()
              if name.startswith(f"{stage.name}.")}  # fmt: skip
    which = next((value for value in fields.values() if isinstance(value, str) and value), "")
    source = {"uses": stage.uses, "with": fields}
    return {
        "name": f"{stage.name} {which}".strip()[:250],
        "digest": stage.digest[:_DIGEST_LENGTH],
        "source": json.dumps(source, ensure_ascii=False, default=str),
    }
