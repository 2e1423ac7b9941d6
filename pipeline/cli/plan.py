"""``pipeline plan``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli._load import file_argument, json_option, load, overrides_argument, print_json, trust_option
from pipeline.cli._show import print_table

if TYPE_CHECKING:
    from pipeline.plan import Plan
    from pipeline.preview import Outlook


@click.command("plan")
@file_argument
@overrides_argument
@click.option("--graph", is_flag=True, help="Draw the stages and what passes between them instead.")
@click.option("--mermaid", is_flag=True, help="The same as a mermaid diagram, for Markdown.")
@click.option("--origin", is_flag=True, help="Show each value that will be used, and where it came from, instead.")
@trust_option
@json_option
def command(
    file: Path, overrides: tuple[str, ...], graph: bool, mermaid: bool, origin: bool, trust: bool, as_json: bool
) -> int:
    """The order of the stages, what is cached, and why each other stage would run; runs nothing.

    \b
    pipeline plan vae.yaml
    pipeline plan vae.yaml model.latent_dim=8
    pipeline plan vae.yaml --graph
    pipeline plan vae.yaml --origin
    """
    from pipeline import picture
    from pipeline.keeping import FOLDER, open_store
    from pipeline.preview import preview, provenance
    from pipeline.source.writer import to_yaml

    plan = load(file, overrides, trust).plan
    if as_json:
        print_json(_document(plan, preview(plan, open_store(FOLDER))))
    elif mermaid:
        click.echo(picture.mermaid(plan))
    elif graph:
        click.echo(picture.text(plan))
    elif origin:
        print_table(
            ["value", "", "from"], [[r.key, to_yaml(r.value, one_line=True), r.origin] for r in provenance(plan)]
        )
    else:
        _print(plan, preview(plan, open_store(FOLDER)))
    return 0


def _document(plan: Plan, outlooks: list[Outlook]) -> dict[str, Any]:
    from pipeline.preview import edges, provenance

    document: dict[str, Any] = {
        "experiment": plan.experiment,
        "runs": [{"variants": dict(run.variants), "seed": run.seed} for run in plan.runs],
        "stages": [outlook.as_dict() for outlook in outlooks],
        "edges": [{"from": up, "to": down, "type": what} for up, down, what in edges(plan)],
        "values": [{"key": r.key, "value": r.value, "origin": r.origin} for r in provenance(plan)],
    }
    if plan.spec.sweep is not None:
        from pipeline import sweep

        document["sweep"] = sweep.describe(plan)
    return document


def _print(plan: Plan, outlooks: list[Outlook]) -> None:
    several = len(plan.runs) > 1
    rows = [
        [outlook.stage, " ".join(outlook.variants.values()), str(outlook.executions), outlook.state, outlook.reason]
        for outlook in outlooks
    ]
    header = ["stage", "variants", "times", "", "reason"]
    if not several:
        header, rows = [header[0], *header[3:]], [[row[0], *row[3:]] for row in rows]
    print_table(header, rows, right=["times"])
    count = {state: sum(o.executions for o in outlooks if o.state == state) for state in ("cached", "runs", "may run")}
    told = ", ".join(f"{number} {state}" for state, number in count.items() if number)
    runs = f"{len(plan.runs)} runs: " if several else ""
    click.echo(f"\n{runs}{told.replace('runs', 'to run')}")
    if plan.spec.sweep is not None:
        from pipeline import sweep

        _print_sweep(sweep.describe(plan))


def _print_sweep(told: dict[str, Any]) -> None:
    seeds = f" with {len(told['seeds'])} seeds each" if len(told["seeds"]) > 1 else ""
    objectives = ", ".join(f"{mode} {metric}" for metric, mode in told["objectives"].items())
    scheduler = "" if told["scheduler"] == "none" else f", stopped early by {told['scheduler']}"
    click.echo(f"\nsweep: {objectives}; {told['trials']} trials{seeds}, chosen by {told['search']}{scheduler}")
    print_table(["dimension", ""], told["dimensions"].items())
    click.echo(f"once for all: {', '.join(told['shared']) or 'nothing'}")
    click.echo(f"for each trial: {', '.join(told['per_trial'])}")
    executions, alone = told["stage_executions"], told["stage_executions_without_sharing"]
    click.echo(f"{executions} stage executions at most, {alone} without sharing")
