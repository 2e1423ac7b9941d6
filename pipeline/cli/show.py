"""``pipeline show``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli._load import json_option, print_json
from pipeline.cli._show import print_table, when
from pipeline.cli.runs import print_runs, run_document


@click.command("show")
@click.argument("run")
@json_option
def command(run: str, as_json: bool) -> int:
    """One recorded run in full. RUN is its name, its id, or the beginning of its id.

    \b
    pipeline show 3f2a91
    pipeline show 3f2a91 --json
    """
    from pipeline.tracking.history import History

    history = History(Path.cwd())
    found = history.run(run)
    children = history.children(found)
    document = {
        **run_document(found),
        "tags": {name: text for name, text in found.tags.items() if not name.startswith("mlflow.")},
        "artifacts": history.artifacts(found),
        "children": [run_document(child) for child in children],
    }
    if as_json:
        print_json(document)
        return 0
    _print(document)
    if children:
        click.echo(click.style("\nruns below", bold=True))
        print_runs(children)
    return 0


def _print(document: dict[str, Any]) -> None:
    from pipeline.terminal import duration, number

    took = "" if document["seconds"] is None else f" in {duration(document['seconds'])}"
    click.echo(f"{click.style(document['name'], bold=True)}  {document['id']}")
    click.echo(f"{document['experiment']}: {document['status']}{took}, started {when(document['started'])}")
    if error := document["tags"].get("pipeline.error"):
        click.echo(click.style(error, fg="red"))
    for title in ("params", "metrics"):
        if document[title]:
            click.echo()
            shown = {name: number(v) if title == "metrics" else v for name, v in document[title].items()}
            print_table([title[:-1], "value"], sorted(shown.items()), right=["value"] if title == "metrics" else [])
    if document["artifacts"]:
        click.echo(click.style("\nfiles", bold=True))
        click.echo("\n".join(document["artifacts"]))
