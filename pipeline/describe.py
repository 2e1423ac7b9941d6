"""A run told in documents: the resolved pipeline that reproduces it, its plan, and a description in plain words."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.compare import Comparison
from pipeline.plan import Plan
from pipeline.source.writer import Written, to_yaml
from pipeline.stage import type_name
from pipeline.step import RunPlan, Step


def resolved(plan: Plan, run: RunPlan) -> dict[str, Any]:
    """A pipeline file as data that runs exactly this run: every field written out, secrets by name, variants chosen."""
    document: dict[str, Any] = {"name": plan.experiment, "seed": run.seed}
    if plan.spec.description:
        document["description"] = about_experiment(plan)
    if plan.spec.requires:
        document["requires"] = dict(plan.spec.requires)
    if plan.plugins.local_files:
        document["plugins"] = [str(path) for path in plan.plugins.local_files]
    document["stages"] = {step.name: _stage(step) for step in run.steps}
    return document


def _stage(step: Step) -> dict[str, Any]:
    stage: dict[str, Any] = {"uses": step.uses, "with": step.shown_fields()}
    if step.inputs:
        stage["inputs"] = {key: given if isinstance(given, str) else list(given) for key, given in step.inputs.items()}
    if step.retries:
        stage["retries"] = step.retries
    if step.timeout:
        stage["timeout"] = step.timeout
    return stage if step.variant is None else {"variants": {step.variant: stage}}


def resolved_yaml(plan: Plan, run: RunPlan) -> str:
    """``resolved`` as YAML text."""
    return to_yaml(resolved(plan, run))


def plan_document(run: RunPlan) -> str:
    """The order of the steps and what passes between them, as JSON."""
    steps = [
        {
            "name": step.name,
            "uses": step.uses,
            "variant": step.variant,
            "inputs": {k: v if isinstance(v, str) else list(v) for k, v in step.inputs.items()},
            "output": type_name(type(step.stage).interface().output),
            "emits": dict(step.stage.emits),
            "measured": list(step.stage.measured),
        }
        for step in run.steps
    ]
    return json.dumps({"variants": dict(run.variants), "seed": run.seed, "steps": steps}, indent=1)


def what_runs(run: RunPlan) -> str:
    """One sentence: which stages, in which order."""
    return " → ".join(f"**{step.name}** ({step.uses})" for step in run.steps)


def run_description(plan: Plan, run: RunPlan, command: Sequence[str]) -> str:
    """Markdown for MLflow's description of a single run."""
    chosen = "".join(f"- {stage}: variant `{variant}`\n" for stage, variant in run.variants.items())
    about = f"{about_experiment(plan)}\n\n" if plan.spec.description else ""
    return f"{about}{what_runs(run)}\n\n{data(run)}{chosen}- seed {run.seed}{started_by(command)}"


def data(run: RunPlan) -> str:
    """One list item for each stage that has no inputs: the data, and the fields that say which."""
    lines = []
    for step in run.steps:
        if not step.inputs:
            shown = step.shown_fields()
            said = [
                f"`{key}: {shown[key]}`" for key in type(step.stage).model_fields if key in step.stage.model_fields_set
            ]
            lines.append(f"- data: {step.name} from {step.uses}{' with ' if said else ''}{', '.join(said)}\n")
    return "".join(lines)


def parent_description(plan: Plan, command: Sequence[str]) -> str:
    """Markdown for MLflow's description of the parent of several runs."""
    variants = sorted({" ".join(run.variants.values()) for run in plan.runs} - {""})
    compared = f"compares {', '.join(f'`{name}`' for name in variants)} " if variants else ""
    seeds = sorted({run.seed for run in plan.runs})
    about = f"{about_experiment(plan)}\n\n" if plan.spec.description else ""
    over = f"over seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else f"with seed {seeds[0]}"
    counted = f"{len(plan.runs)} runs: {compared}{over}."
    return f"{about}{what_runs(plan.runs[0])}\n\n{data(plan.runs[0])}\n{counted}{started_by(command)}"


def about_experiment(plan: Plan) -> str:
    """The description without the values of environment variables."""
    written = plan.source.secrets.get(("description",))
    return plan.spec.description if written is None else Written(written)


def started_by(command: Sequence[str]) -> str:
    """The command as a paragraph."""
    return f"\n\nStarted by `{shlex.join(command)}`." if command else ""


def comparison_markdown(comparison: Comparison) -> str:
    """The comparison as a Markdown table of the metrics that have a better end, and how sure the best ones are."""
    metrics = [m for m in comparison.directions if any(m in group.metrics for group in comparison.groups)]
    lines = ["| variant | " + " | ".join(metrics) + " |", "|" + "--|" * (len(metrics) + 1)]
    for group in comparison.groups:
        cells = [_cell(comparison, group.name, group.metrics, metric) for metric in metrics]
        lines.append(f"| {group.name} | " + " | ".join(cells) + " |")
    lines += ["", *(f"- {sentence}" for sentence in comparison.sentences())]
    return "\n".join(lines)


def _cell(comparison: Comparison, name: str, metrics: Mapping[str, Any], metric: str) -> str:
    if metric not in metrics:
        return ""
    stats = metrics[metric]
    text = f"{stats.mean:.5g}" + (f" ± {stats.std:.2g}" if stats.std is not None else "")
    return f"**{text}**" if comparison.best.get(metric) == name else text
