"""``pipeline stages``."""

from __future__ import annotations

from typing import Any

import click

from pipeline.cli import _complete
from pipeline.cli._load import json_option, print_json
from pipeline.cli._show import print_table


@click.command("stages")
@click.argument("name", required=False, shell_complete=_complete.stage_names)
@json_option
def command(name: str | None, as_json: bool) -> int:
    """The catalogue of stages; with the NAME of a stage, that stage in full; with the name of a plugin, its stages.

    \b
    pipeline stages
    pipeline stages vae
    pipeline stages vae.fit
    """
    from pipeline.catalogue import stage_document, stage_rows
    from pipeline.plugins import Plugins

    plugins = Plugins.load()
    if name is not None and name not in plugins.found:
        document = stage_document(plugins, name)
        if as_json:
            print_json(document)
        else:
            _print_stage(document)
        return 0
    rows = stage_rows(plugins, name)
    if as_json:
        print_json({"stages": rows})
        return 0
    print_table(["uses", "summary", "makes"], [[row["uses"], row["summary"], row["makes"]] for row in rows])
    broken = [plugin.name for plugin in plugins.found.values() if plugin.state == "broken"]
    if broken:
        click.echo(f"not loaded: {', '.join(broken)}; the reason: pipeline plugins", err=True)
    return 0


def _print_stage(document: dict[str, Any]) -> None:
    origin = f"plugin {document['plugin']} {document['version']} ({document['origin']})".replace("  ", " ")
    click.echo(f"{click.style(document['uses'], bold=True)}  {origin}\n")
    click.echo(f"{document['description']}\n")
    if document["fields"]:
        rows = [
            [f["name"], f["type"], "required" if f["required"] else str(f["default"]), f["bounds"], f["description"]]
            for f in document["fields"]
        ]
        print_table(["field", "type", "default", "must be", ""], rows)
        click.echo()
    if document["inputs"]:
        rows = [[i["name"], _many(i), "" if i["required"] else "optional"] for i in document["inputs"]]
        print_table(["input", "type", ""], rows)
        click.echo()
    click.echo(f"{click.style('output', bold=True)}  {document['output']}\n")
    if document["metrics"] is None:
        click.echo("metrics depend on the configuration\n")
    elif document["metrics"]:
        better = {"max": "higher", "min": "lower", None: ""}
        rows = [[m["name"], better[m["direction"]], "every step" if m["per_step"] else ""] for m in document["metrics"]]
        print_table(["metric", "better", "logged"], rows)
        click.echo()
    click.echo(document["yaml"])


def _many(given: dict[str, Any]) -> str:
    return f"{given['type']}, of several stages" if given["many"] else str(given["type"])
