"""``pipeline plugins``."""

from __future__ import annotations

import click

from pipeline.cli._load import json_option, print_json
from pipeline.cli._show import print_table


@click.command("plugins")
@json_option
def command(as_json: bool) -> int:
    """Every plugin: its version, the package it came with, its stages, whether it was loaded, and if not, why.

    \b
    pipeline plugins
    PIPELINE_DISABLE_PLUGINS=vae pipeline plugins --json
    """
    from pipeline.catalogue import plugin_rows
    from pipeline.plugins import Plugins

    rows = plugin_rows(Plugins.load())
    if as_json:
        print_json({"plugins": rows})
        return 0
    header = ["name", "version", "origin", "state", "stages", "reason"]
    print_table(
        header,
        [
            [r["name"], r["version"] or "", r["origin"], r["state"], ", ".join(r["stages"]), r["reason"] or ""]
            for r in rows
        ],
    )
    return 0
