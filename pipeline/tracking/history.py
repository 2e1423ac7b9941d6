"""Reading recorded runs back from MLflow. Importing this module is cheap; its first question imports mlflow."""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.errors import Problem, RequestError, closest, listing
from pipeline.tracking.location import Location
from pipeline.tracking.names import originals
from pipeline.tracking.scribe import DOCUMENTS

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

T = TypeVar("T")

_STATUS = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "interrupted", "RUNNING": "running"}
_PAGE = 1000
_FEW = 200
_ID_LENGTH = 32


@dataclass(frozen=True)
class RecordedRun:
    """A run as MLflow has it.

    id: MLflow's. status: finished, failed, interrupted, running. started: seconds since the epoch.
    seconds: how long it took, None while it runs. parent: MLflow's id of the run above. metrics: last values.
    params and metrics carry the names that they were logged under.
    """

    id: str
    name: str
    experiment: str
    status: str
    started: float
    seconds: float | None
    parent: str | None
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    artifact_uri: str


@dataclass(frozen=True)
class Point:
    """One value of a metric's curve; ``time`` in seconds since the epoch."""

    step: int
    value: float
    time: float


class History:
    """The runs recorded for the working folder ``folder``; RequestError where MLflow cannot be asked."""

    def __init__(self, folder: Path, uri: str | None = None) -> None:
        self.location = Location.of(folder, uri)

    def runs(self, experiment: str | None = None, limit: int = 50) -> list[RecordedRun]:
        """Runs, newest first; of one experiment, or of all."""
        if self._is_empty:
            return []
        names = self._experiments
        if experiment is not None:
            names = {key: name for key, name in names.items() if name == experiment}
            if not names:
                raise RequestError(
                    Problem(
                        f"no experiment is called {experiment!r}",
                        suggestion=closest(experiment, self._experiments.values()),
                        hint=f"Recorded are {listing(self._experiments.values())}." if self._experiments else None,
                    )
                )
        return list(self._search("", limit, list(names)))

    def run(self, reference: str) -> RecordedRun:
        """The newest run of this name, or the run with this MLflow id, or the only one whose id begins so.

        Else the sweep or the comparison that ran last in the experiment of this name.
        """
        if self._is_empty:
            raise RequestError(f"no run has been recorded in {self.location.shown} yet")
        named = list(self._search(f"attributes.run_name = {_quoted(reference)}", 1))
        if named:
            return named[0]
        if len(reference) <= _ID_LENGTH and reference.isalnum():
            begins = list(self._search(f"attributes.run_id LIKE {_quoted(reference + '%')}", _FEW))
            if len(begins) == 1:
                return begins[0]
            if begins:
                some = ", ".join(f"{run.id[: len(reference) + 6]} ({run.name})" for run in begins[:6])
                raise RequestError(f"{len(begins)} runs have an id that begins with {reference!r}: {some}")
        experiments = [key for key, name in self._experiments.items() if name == reference]
        for last in self._search("tags.`mlflow.parentRunId` LIKE '%'", 1, experiments) if experiments else ():
            return self.run(str(last.parent))
        recent = self.runs(limit=_FEW)
        known = [run.name for run in recent] + [run.id for run in recent]
        raise RequestError(
            Problem(
                f"no recorded run has the id or name {reference!r}",
                suggestion=closest(reference, known),
                hint="`pipeline runs` lists them.",
            )
        )

    def children(self, run: RecordedRun) -> list[RecordedRun]:
        """The runs below ``run``, in the order in which they began."""
        found = self._search(f"tags.`mlflow.parentRunId` = {_quoted(run.id)}")
        return sorted(found, key=lambda child: (child.started, child.name))

    def curve(self, run: RecordedRun, metric: str) -> list[Point]:
        """Every logged value of a metric, by step and time."""
        shown = {name: key for key, name in originals(run.tags).items()}.get(metric, metric)
        points = self._ask(lambda client: client.get_metric_history(run.id, shown))
        return sorted(
            (Point(point.step, _number(point.value), point.timestamp / 1000) for point in points),
            key=lambda point: (point.step, point.time),
        )

    def document(self, run: RecordedRun, name: str) -> str | None:
        """A text kept beside the run, such as ``pipeline.yaml``; None where there is none.

        What is the same for all the runs below a parent, such as ``requirements.txt``, is kept with the parent.
        """
        path = f"{DOCUMENTS}/{name}"
        if path in self.artifacts(run, DOCUMENTS):
            with tempfile.TemporaryDirectory() as folder:
                return self.download(run, path, Path(folder)).read_text(errors="replace")
        return None if run.parent is None else self.document(self.run(run.parent), name)

    def artifacts(self, run: RecordedRun, under: str | None = None) -> list[str]:
        """Paths of the files kept with the run, those in the folder ``under`` or all."""
        found: list[str] = []
        folders = [under]
        while folders:
            folder = folders.pop()
            for info in self._ask(lambda client, folder=folder: client.list_artifacts(run.id, folder)):  # type: ignore[misc]
                if info.is_dir:
                    folders.append(info.path)
                else:
                    found.append(info.path)
        return sorted(found)

    def download(self, run: RecordedRun, path: str, to: Path) -> Path:
        """Copy an artifact, a file or a folder, into the folder ``to``; returns where it is."""
        to.mkdir(parents=True, exist_ok=True)
        return Path(self._ask(lambda client: client.download_artifacts(run.id, path, str(to))))

    @property
    def _is_empty(self) -> bool:
        database = self.location.database_file
        return database is not None and not database.exists()

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's own client."""
        from pipeline.tracking.server import open_client

        return open_client(self.location)

    @cached_property
    def _experiments(self) -> dict[str, str]:
        """Names of the experiments by id."""
        return {e.experiment_id: e.name for e in _pages(self._ask, lambda c, t: c.search_experiments(page_token=t))}

    def _search(
        self, wanted: str, limit: int = sys.maxsize, experiments: Sequence[str] | None = None
    ) -> Iterator[RecordedRun]:
        ids = list(self._experiments) if experiments is None else list(experiments)

        def page(client: MlflowClient, token: str | None) -> Any:
            order = ["attributes.start_time DESC", "attributes.run_id"]
            return client.search_runs(ids, wanted, max_results=min(limit, _PAGE), order_by=order, page_token=token)

        for count, run in enumerate(_pages(self._ask, page), 1):
            yield _recorded(run, self._experiments)
            if count >= limit:
                return

    def _ask(self, question: Callable[[MlflowClient], T]) -> T:
        from pipeline.tracking.server import reason

        try:
            return question(self.client)
        except Exception as error:
            # Databases and storage libraries raise what they like.
            raise RequestError(f"MLflow at {self.location.shown} cannot be read: {reason(error)}") from error


def _pages(ask: Callable[[Any], Any], page: Callable[[MlflowClient, str | None], Any]) -> Iterator[Any]:
    token: str | None = None
    while True:
        items = ask(lambda client, token=token: page(client, token))
        yield from items
        token = items.token
        if not token:
            return


def _recorded(run: Run, experiments: Mapping[str, str]) -> RecordedRun:
    tags = dict(run.data.tags)
    names = originals(tags)
    started, ended = run.info.start_time / 1000, run.info.end_time
    return RecordedRun(
        id=run.info.run_id,
        name=run.info.run_name or "",
        experiment=experiments.get(run.info.experiment_id, run.info.experiment_id),
        status=_STATUS.get(run.info.status, run.info.status.lower()),
        started=started,
        seconds=None if ended is None else ended / 1000 - started,
        parent=tags.get("mlflow.parentRunId"),
        params={names.get(name, name): text for name, text in run.data.params.items()},
        metrics={names.get(name, name): _number(value) for name, value in run.data.metrics.items()},
        tags=tags,
        artifact_uri=run.info.artifact_uri,
    )


def _number(value: float) -> float:
    """A database holds the largest number in place of infinity."""
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value


def _quoted(text: str) -> str:
    """A value in MLflow's search language, which knows two quotation marks and no escape."""
    mark = '"' if "'" in text else "'"
    return f"{mark}{text}{mark}"
