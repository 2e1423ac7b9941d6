"""``pipeline check``."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli._load import json_option, load, print_json, trust_option
from pipeline.errors import RequestError


@click.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@trust_option
@json_option
def command(files: tuple[Path, ...], trust: bool, as_json: bool) -> int:
    """Validate everything in each FILE and run nothing; exit status 2 if anything is wrong.

    \b
    pipeline check pipelines/*.yaml
    pipeline check vae.yaml --json
    """
    reports = []
    for file in files:
        try:
            plan = load(file, trust=trust, sweep=True).plan
        except RequestError as error:
            reports.append({"file": str(file), "ok": False, "problems": [p.as_dict() for p in error.problems]})
            if not as_json:
                click.echo(str(error), err=True)
        else:
            reports.append({"file": str(file), "ok": True, "problems": [], "runs": len(plan.runs)})
            if not as_json:
                many = "1 run" if len(plan.runs) == 1 else f"{len(plan.runs)} runs"
                click.echo(f"{file}: ok, {len(plan.runs[0].steps)} stages, {many}")
    ok = all(report["ok"] for report in reports)
    if as_json:
        print_json({"ok": ok, "files": reports})
    return 0 if ok else 2
