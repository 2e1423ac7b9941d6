"""``pipeline new``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli._load import json_option, print_json

if TYPE_CHECKING:
    from pipeline.scaffold import Kind


@click.command("new")
@click.argument("kind", type=click.Choice(["pipeline", "project", "plugin"]))
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path), default=".", help="Where to write it; here by default.")
@json_option
def command(kind: Kind, name: str, folder: Path, as_json: bool) -> int:
    """A working skeleton: a pipeline with stages of its own, a project around one, or a plugin to install and share.

    \b
    pipeline new pipeline darts      darts.yaml and darts_stages.py
    pipeline new project darts       the folder darts/: the same with a test, settings for git, editor and pre-commit
    pipeline new plugin darts        the folder darts/: package, test, example pipeline
    """
    from pipeline.scaffold import create, next_steps

    written = create(kind, name, folder)
    steps = next_steps(kind, name, folder)
    if as_json:
        print_json({"written": [str(path) for path in written], "next": steps})
        return 0
    for path in written:
        click.echo(f"wrote {path}")
    click.echo("\nNext:")
    for step in steps:
        click.echo(f"  {step}")
    return 0
