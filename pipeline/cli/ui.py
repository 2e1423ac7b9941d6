"""``pipeline ui``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("ui")
@click.option("--port", type=click.IntRange(1, 65535), help="The first free port from 5000 on by default.")
def command(port: int | None) -> int:
    """The MLflow UI on the runs recorded here (mlflow.db), for this machine alone; Ctrl-C ends it.

    With MLFLOW_TRACKING_URI at a server there is nothing to start: it says where to look.

    \b
    pipeline ui
    pipeline ui --port 8080
    """
    from pipeline.tracking.location import Location
    from pipeline.ui import serve

    location = Location.of(Path.cwd())
    if location.uri.startswith(("http://", "https://")):
        click.echo(f"The runs are kept by the MLflow server at {location.shown}; open that in a browser.")
        return 0
    click.echo("starting the MLflow UI (some seconds) ...", err=True)
    serve(location, port, lambda url: click.echo(f"{url}   Ctrl-C ends it"))
    return 0
