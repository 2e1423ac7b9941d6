"""The MLflow at the other end. Imported in processes that may import mlflow: the sender, and the reading commands."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pipeline.tracking.location import Location

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# One try, soon given up: whoever calls repeats it, and knows when to stop.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")

import requests
import sqlalchemy
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Experiment, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

RUN_TAG = "pipeline.run"
# What we wrote as the experiment's description; MLflow's interface shows no tag of this prefix.
ABOUT_TAG = "mlflow.pipeline.description"
# MLflow's interface then opens an experiment with its runs and charts, and not as one of language models.
_KIND = {"mlflow.experimentKind": "custom_model_development"}
# A tag of an experiment holds less than one of a run.
_NOTE_LENGTH = 5000
_PER_BATCH, _TEXTS_PER_BATCH, _BYTES_PER_BATCH = 1000, 100, 300_000
_TRY_AGAIN = {401, 403, 407, 408, 425, 429}

T = TypeVar("T")


class Away(Exception):
    """MLflow cannot be used at the moment; the message says why.

    answered: whether something was there to answer.
    """

    def __init__(self, reason: str, answered: bool = False) -> None:
        super().__init__(reason)
        self.answered = answered


class Refused(Exception):
    """MLflow answered, and will not take this; the message says why."""


def open_client(location: Location) -> MlflowClient:
    """A client, its database made where there is none yet."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    _make_database(location)
    return MlflowClient(location.uri, location.uri)


def _make_database(location: Location) -> None:
    """Make the SQLite file under another name and rename it.

    MLflow's migrations take seconds; a process killed meanwhile leaves a database that no later one can open, and two
    processes at once disturb each other (seen with MLflow 3.17).
    """
    path = location.database_file
    if path is None and location.artifacts:
        # A database server that does not answer is told at once; MLflow would try for two minutes without a word.
        sqlalchemy.create_engine(location.uri, poolclass=sqlalchemy.NullPool).connect().close()
    if path is None or path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    with FileLock(lock):
        if not path.exists():
            new = path.with_name(f".{path.name}.new")
            new.unlink(missing_ok=True)
            MlflowClient(f"sqlite:///{new}").search_experiments(max_results=1)
            os.replace(new, path)
        # Whoever comes later finds the database and asks for no lock.
        lock.unlink(missing_ok=True)


class Server:
    """What the sender asks of MLflow; each method raises Away or Refused, nothing else."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self._client: MlflowClient | None = None
        self._experiments: dict[str, str] = {}
        self._described: dict[str, str] = {}

    def experiment(self, name: str) -> str:
        """The id of the experiment ``name``, made or restored where that is needed."""
        if name not in self._experiments:
            self._experiments[name] = self._ask(lambda client: self._find_experiment(client, name))
        return self._experiments[name]

    def _find_experiment(self, client: MlflowClient, name: str) -> str:
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            try:
                return str(client.create_experiment(name, self.location.artifacts_of(name), _KIND))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                # Another process was quicker.
                experiment = client.get_experiment_by_name(name)
        assert isinstance(experiment, Experiment)
        if experiment.lifecycle_stage == "deleted":
            client.restore_experiment(experiment.experiment_id)
        return str(experiment.experiment_id)

    def describe(self, name: str, about: str) -> None:
        """Show ``about`` on the experiment's page, unless somebody has written something else there."""
        if about and self._described.get(name) != about:
            short = about if len(about) <= _NOTE_LENGTH else about[: _NOTE_LENGTH - 1] + "…"
            experiment_id = self.experiment(name)
            self._ask(lambda client: _describe(client, experiment_id, short))
            self._described[name] = about

    def create_run(self, experiment: str, name: str, tags: Mapping[str, str], at: float) -> str:
        """The id of a new run; ``experiment`` is a name."""
        experiment_id = self.experiment(experiment)

        def create(client: MlflowClient) -> str:
            run = client.create_run(experiment_id, milliseconds(at), dict(tags), name)
            return str(run.info.run_id)

        try:
            return self._ask(create)
        except Refused:
            # Somebody may have deleted the experiment since it was looked up.
            self._experiments.pop(experiment, None)
            experiment_id = self.experiment(experiment)
            return self._ask(create)

    def find_run(self, experiment: str, run: str) -> str | None:
        """The run that carries our own id ``run`` in its tag, if there is one."""
        experiment_id = self.experiment(experiment)
        wanted = f"tags.`{RUN_TAG}` = '{run}'"
        found = self._ask(lambda client: client.search_runs([experiment_id], wanted, max_results=1))
        return str(found[0].info.run_id) if found else None

    def log(
        self, run_id: str, metrics: Sequence[Metric], params: Mapping[str, str], tags: Mapping[str, str]
    ) -> Iterator[Callable[[], None]]:
        """The requests, each to be called, that send all this in as few batches as MLflow takes."""
        for batch in batches(metrics, params, tags):
            yield lambda batch=batch: self._ask(lambda client: client.log_batch(run_id, *batch))  # type: ignore[misc]

    def log_inputs(self, run_id: str, datasets: Sequence[Mapping[str, str]]) -> None:
        """Say which data the run stands on: each with ``name``, ``digest`` and ``source``, a JSON text."""
        used = [InputTag("mlflow.data.context", "input")]
        inputs = [DatasetInput(Dataset(d["name"], d["digest"], "pipeline", d["source"]), used) for d in datasets]
        self._ask(lambda client: client.log_inputs(run_id, inputs))

    def log_artifacts(self, run_id: str, folder: str) -> None:
        """Upload everything in ``folder`` to the root of the run's artifacts."""
        self._ask(lambda client: client.log_artifacts(run_id, folder))

    def close_run(self, run_id: str, status: str, at: float) -> None:
        """Set how and when the run ended."""
        self._ask(lambda client: client.set_terminated(run_id, status, milliseconds(at)))

    def answers(self) -> bool:
        """Whether MLflow answers the simplest question; the first question opens, or makes, the database."""
        try:
            self._ask(lambda client: client.search_experiments(max_results=1))
        except (Away, Refused):
            return False
        return True

    def _ask(self, question: Callable[[MlflowClient], T]) -> T:
        try:
            if self._client is None:
                self._client = open_client(self.location)
            return question(self._client)
        except Exception as error:
            # Storage libraries raise what they like; each is told apart by one question: is it worth another try?
            if _is_final(error):
                raise Refused(reason(error)) from error
            raise Away(reason(error), not _is_silence(error)) from error


def _describe(client: MlflowClient, experiment_id: str, about: str) -> None:
    tags = client.get_experiment(experiment_id).tags
    if tags.get("mlflow.note.content") == tags.get(ABOUT_TAG) != about:
        client.set_experiment_tag(experiment_id, "mlflow.note.content", about)
        client.set_experiment_tag(experiment_id, ABOUT_TAG, about)


def batches(
    metrics: Sequence[Metric], params: Mapping[str, str], tags: Mapping[str, str]
) -> Iterator[tuple[list[Metric], list[Param], list[RunTag]]]:
    """Arguments of ``log_batch``: 1,000 entries, of them 100 parameters and 100 tags, and less than a megabyte."""
    metrics_left = list(metrics)
    params_left = [Param(name, value) for name, value in params.items()]
    tags_left = [RunTag(name, value) for name, value in tags.items()]
    while metrics_left or params_left or tags_left:
        some_params = _take(params_left, _TEXTS_PER_BATCH, lambda param: _size(param.key) + _size(param.value))
        some_tags = _take(tags_left, _TEXTS_PER_BATCH, lambda tag: _size(tag.key) + _size(tag.value))
        room = 0 if params_left or tags_left else _PER_BATCH - len(some_params) - len(some_tags)
        yield _take(metrics_left, room, lambda metric: _size(metric.key) + 100), some_params, some_tags


def _take(items: list[Any], count: int, size: Callable[[Any], int]) -> list[Any]:
    """Remove from the front of ``items`` what a batch may hold, one at least where ``count`` allows one."""
    taken, total = 0, 0
    while taken < min(count, len(items)):
        total += size(items[taken])
        if taken and total > _BYTES_PER_BATCH:
            break
        taken += 1
    front = items[:taken]
    del items[:taken]
    return front


def _size(text: str) -> int:
    """Bytes in a request at worst, where every character outside ASCII is written as an escape."""
    return len(text) if text.isascii() else 6 * len(text)


def milliseconds(seconds: float) -> int:
    """MLflow's unit of time."""
    return int(seconds * 1000)


def _is_final(error: Exception) -> bool:
    if isinstance(error, MlflowException):
        status: int = error.get_http_status_code()  # type: ignore[no-untyped-call]  # MLflow's own
    elif isinstance(error, requests.HTTPError) and error.response is not None:
        status = error.response.status_code
    else:
        return isinstance(error, TypeError | ValueError)
    return 400 <= status < 500 and status not in _TRY_AGAIN


def _is_silence(error: Exception) -> bool:
    """Whether nobody answered: MLflow wraps its requests' failures in an exception of no particular type."""
    return isinstance(error, OSError) or isinstance(error.__context__, requests.RequestException)


def reason(error: Exception) -> str:
    """What went wrong, in a few words."""
    text = str(error)
    if "out-of-date database schema" in text:
        return "its database is of an older version of MLflow: back it up, then run `mlflow db upgrade` on it"
    if "Max retries exceeded" in text or "Connection refused" in text or "RemoteDisconnected" in text:
        return "no connection"
    if "timed out" in text:
        return "no answer in time"
    return (text.strip().splitlines() or [type(error).__name__])[0][:200].rstrip(". ")
