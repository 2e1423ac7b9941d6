"""``pipeline schema``."""

from __future__ import annotations

import click


@click.command("schema")
def command() -> int:
    """JSON Schema of pipeline files, with the fields of every installed stage.

    Save it and name it in the first line of a pipeline file; editors with a YAML language server then complete names
    and mark mistakes.

    \b
    pipeline schema > pipeline.schema.json
    head -1 vae.yaml      # yaml-language-server: $schema=pipeline.schema.json
    """
    from pipeline.plugins import Plugins
    from pipeline.schema import pipeline_schema, schema_text

    click.echo(schema_text(pipeline_schema(Plugins.load().stages)), nl=False)
    return 0
