"""MLflow's own web interface on a project's runs, served by this process alone.

``mlflow server`` is two processes that each import all of MLflow, and more with its job runner. The application that it
starts is served here directly: half the time to the first page, half the memory, and nothing to be left behind.
"""

from __future__ import annotations

import json
import os
import socket
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import Problem, RequestError
from pipeline.tracking.history import History
from pipeline.tracking.location import Location

if TYPE_CHECKING:
    from fastapi import FastAPI

HOST = "127.0.0.1"
FIRST_PORT, LAST_PORT = 5000, 5099
_GRACE = 3
# What MLflow's pages keep in the browser, set unless a visitor has chosen: they would open on their side for language
# models, where no training run is to be seen, with an assistant over a third of it.
_CHOICES = {"mlflow.workflowType_v1": "machine_learning", "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True}
_CHOOSE = (
    "<script>for (const [key, choice] of Object.entries(%s))"
    " localStorage.getItem(key) ?? localStorage.setItem(key, JSON.stringify(choice))</script>"
)


def serve(location: Location, port: int | None, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; ``ready`` is told the page of the newest runs once it answers.

    RequestError where it cannot be served.
    """
    database = location.database_file
    if database is not None and not database.exists():
        hint = "Run a pipeline first: pipeline run FILE."
        raise RequestError(Problem(f"nothing has been recorded here yet: {database} does not exist", None, None, hint))
    with _bound(port) as listener:
        try:
            url = f"http://{HOST}:{listener.getsockname()[1]}/#/{_newest_runs(location)}"
            _run(_application(location), listener, lambda: ready(url))
        except KeyboardInterrupt:
            return


def _newest_runs(location: Location) -> str:
    """The path of MLflow's page of the experiment that ran last."""
    history = History(Path.cwd(), location.uri)
    newest = history.runs(limit=1)
    if not newest:
        return "experiments"
    return f"experiments/{history.client.get_run(newest[0].id).info.experiment_id}/runs"


def _application(location: Location) -> FastAPI:
    """MLflow's own, on ``location``."""
    os.environ |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    warnings.simplefilter("ignore")
    # Before MLflow: it guards itself as a server does where it sees one loaded.
    import uvicorn  # noqa: F401

    # isort: split
    from mlflow.server import constants, handlers

    os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = location.uri
    if location.artifacts:
        os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = location.artifacts
    handlers.initialize_backend_stores(location.uri, location.uri, location.artifacts)
    from mlflow.server import fastapi_app

    application: FastAPI = fastapi_app.app
    _choose_for_visitors(application)
    return application


def _choose_for_visitors(application: FastAPI) -> None:
    """Let the first page set ``_CHOICES`` before MLflow's own scripts read them."""
    from fastapi.responses import HTMLResponse
    from fastapi.routing import APIRoute
    from mlflow.server import app

    page = Path(str(app.static_folder), "index.html").read_text()
    page = page.replace("<head>", "<head>" + _CHOOSE % json.dumps(_CHOICES))

    async def first_page() -> HTMLResponse:
        return HTMLResponse(page, headers={"Cache-Control": "no-cache"})

    # Before the routes that are there: MLflow's take every path.
    application.router.routes.insert(0, APIRoute("/", first_page))


def _run(application: FastAPI, listener: socket.socket, ready: Callable[[], None]) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    # What MLflow does in its "lifespan" is to end containers that another server's assistant left: not ours to end.
    config = uvicorn.Config(application, log_level="warning", lifespan="off", timeout_graceful_shutdown=_GRACE)
    Server(config).run([listener])


def _bound(port: int | None) -> socket.socket:
    """A socket of this machine alone at ``port``, or at the first port that is free."""
    for each in [port] if port else range(FIRST_PORT, LAST_PORT + 1):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, each))
            # At once: until then another process could still take the port.
            listener.listen()
            return listener
        except OSError:
            listener.close()
    if port:
        raise RequestError(Problem(f"port {port} is taken", hint="Name another, or leave --port out."))
    raise RequestError(f"all ports from {FIRST_PORT} to {LAST_PORT} are taken; name one with --port")
