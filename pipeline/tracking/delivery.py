"""One spool's records on their way to MLflow.

Progress is written down after each chunk. A sender that dies between a request and that note repeats the chunk: MLflow
keeps equal parameters, tags, files and metric points (same name, step, time and value) once, and a run that was being
made is looked for before it is made again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlflow.entities import Metric

from pipeline.tracking.names import TITLE_LENGTH, allowed, short_tag
from pipeline.tracking.scribe import DOCUMENTS, stages_document
from pipeline.tracking.server import RUN_TAG, Away, Refused, Server, milliseconds
from pipeline.tracking.spool import Spool

_STRIKES = 8
_SHORT_ID = 12


@dataclass
class _Parcel:
    """What one chunk holds for one run; ``environment``: a run that stands on its own tells about the machine."""

    environment: bool = False
    params: dict[str, str] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, str]] = field(default_factory=list)
    datasets: list[dict[str, str]] = field(default_factory=list)
    finish: tuple[str, float] | None = None


@dataclass(frozen=True)
class _Run:
    """A run that is open in MLflow; ``id`` is MLflow's."""

    id: str
    name: str


class Delivery:
    """Sends one spool through ``server``; ``tell`` receives messages for the driver."""

    def __init__(self, spool: Spool, server: Server, tell: Callable[[dict[str, Any]], None]) -> None:
        self.spool, self.finished = spool, False
        self._server, self._tell = server, tell
        self._session = spool.session
        self._offset = 0
        self._runs: dict[str, _Run] = {}
        self._closed: set[str] = set()
        self._beginning: set[str] = set()
        self._refused: set[str] = set()
        self._strikes = 0
        self._recall()

    def prepare(self) -> None:
        """Open the connection before there is anything to send; whether that worked shows with the first step."""
        self._server.answers()

    def step(self, ended: bool) -> bool:
        """Send the next chunk; True if there was one. With ``ended``, no more will be written: conclude.

        Raises Away, and may then be called again.
        """
        records, offset = self.spool.read(self._offset)
        if records:
            self._send(records)
            self._note(offset=offset)
            self._offset = offset
            self._strikes = 0
        elif ended:
            self._close_open_runs()
            self.spool.discard()
            self.finished = True
        return bool(records)

    @property
    def waiting(self) -> int:
        """How many records are not sent."""
        return self.spool.waiting(self._offset)

    def _recall(self) -> None:
        """Take up where an earlier sender of this spool left off."""
        if not self.spool.sent.exists():
            return
        for line in self.spool.sent.read_text().splitlines():
            try:
                note = json.loads(line)
            except json.JSONDecodeError:
                # Half a note: its sender was killed.
                continue
            match note:
                case {"offset": offset}:
                    self._offset = offset
                case {"beginning": run}:
                    self._beginning.add(run)
                case {"run": run, "id": run_id, "name": name}:
                    self._runs[run] = _Run(run_id, name)
                    self._tell_run(run, note)
                case {"refused": run}:
                    self._refused.add(run)
                case {"closed": run}:
                    self._closed.add(run)

    def _note(self, **progress: Any) -> None:
        # The note before may lack its end.
        with self.spool.sent.open("a") as file:
            file.write("\n" + json.dumps(progress))

    def _tell_run(self, run: str, note: Mapping[str, str]) -> None:
        told = {"experiment": note["experiment"], "experiment_id": note["experiment_id"]}
        self._tell({"run": run, "mlflow_run_id": note["id"], **told})

    def _send(self, records: Iterable[dict[str, Any]]) -> None:
        parcels: dict[str, _Parcel] = {}
        for record in records:
            run = record["run"]
            if run in self._refused:
                continue
            parcel = parcels.setdefault(run, _Parcel())
            match record["kind"]:
                case "start":
                    self._start(record)
                    parcel.params |= record["params"]
                    parcel.environment = record["parent"] is None
                case "metrics":
                    at, step = milliseconds(record["time"]), record["step"] or 0
                    parcel.metrics += [Metric(name, value, at, step) for name, value in record["values"].items()]
                case "tags":
                    parcel.tags |= record["tags"]
                case "file":
                    parcel.files.append((record["stored"], record["path"]))
                case "finish":
                    parcel.tags |= record["tags"]
                    if record["description"]:
                        parcel.tags["mlflow.note.content"] = self._with_ids(record["description"])
                    # Spools that an earlier version left have none.
                    parcel.datasets = record.get("datasets", [])
                    parcel.finish = (record["status"], record["time"])
        for run, parcel in parcels.items():
            if run in self._runs:
                self._send_parcel(run, parcel)

    def _start(self, record: dict[str, Any]) -> None:
        run, name = record["run"], record["name"][:TITLE_LENGTH] or "run"
        experiment = record["experiment"][:TITLE_LENGTH] or "Default"
        if run in self._runs:
            return
        try:
            # A resumed sweep goes on in the runs of before.
            maybe_known = run in self._beginning or "pipeline.resumed" in record["tags"]
            known = self._server.find_run(experiment, run) if maybe_known else None
            self._beginning.add(run)
            self._note(beginning=run)
            run_id = known or self._server.create_run(experiment, name, self._first_tags(record), record["time"])
            note = {"id": run_id, "experiment": experiment, "experiment_id": self._server.experiment(experiment)}
        except Refused as refused:
            self._refused.add(run)
            self._note(refused=run)
            self._tell({"warning": f"MLflow refused run {name!r}: {refused}"})
            return
        about = record.get("about", "")
        self._attempt(lambda: self._server.describe(experiment, about), f"the description of {experiment!r}")
        self._runs[run] = _Run(run_id, name)
        self._note(run=run, name=name, **note)
        self._tell_run(run, note)

    def _first_tags(self, record: dict[str, Any]) -> dict[str, str]:
        tags = {
            RUN_TAG: record["run"],
            "mlflow.source.type": "LOCAL",
            "mlflow.source.name": self._session["source"],
            "mlflow.user": self._session["user"],
            "mlflow.note.content": record["description"],
            **self._environment_tags(),
            **{allowed(name): text for name, text in record["tags"].items()},
        }
        if record["parent"] in self._runs:
            tags["mlflow.parentRunId"] = self._runs[record["parent"]].id
        return {name: short_tag(text) for name, text in tags.items() if text}

    def _environment_tags(self) -> dict[str, str]:
        facts = self.spool.environment / "environment.json"
        git = json.loads(facts.read_text())["git"] if facts.exists() else None
        if git is None:
            return {}
        return {
            "mlflow.source.git.commit": git["commit"],
            "mlflow.source.git.branch": git["branch"],
            "pipeline.git.changed": "true" if git["changed"] else "false",
        }

    def _send_parcel(self, run_key: str, parcel: _Parcel) -> None:
        run = self._runs[run_key]
        tags = {allowed(name): short_tag(text) for name, text in parcel.tags.items()}
        for request in self._server.log(run.id, parcel.metrics, parcel.params, tags):
            self._attempt(request, f"records of run {run.name!r}")
        if parcel.datasets:
            self._attempt(lambda: self._server.log_inputs(run.id, parcel.datasets), f"the data of run {run.name!r}")
        outbox = self._outbox(run)
        if parcel.environment and self.spool.environment.exists():
            shutil.copytree(self.spool.environment, outbox / DOCUMENTS, dirs_exist_ok=True)
        for stored, path in parcel.files:
            source, target = self.spool.files / stored, outbox / path
            # A file that is not there any more has been sent already, by a sender that could not note it.
            if source.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(source, target)
        self._upload(run, outbox)
        if parcel.finish:
            status, at = parcel.finish
            self._close(run_key, status, at)

    def _close(self, run_key: str, status: str, at: float) -> None:
        run = self._runs[run_key]
        self._attempt(lambda: self._server.close_run(run.id, status, at), f"the end of run {run.name!r}")
        self._closed.add(run_key)
        self._note(closed=run_key)

    def _close_open_runs(self) -> None:
        """Close what its driver did not live to close, as of the last thing that it wrote."""
        left_open = {key: run for key, run in self._runs.items() if key not in self._closed}
        if not left_open:
            return
        stages: dict[str, list[dict[str, Any]]] = {}
        for record in self.spool.read_all():
            if record["kind"] == "stage" and record["run"] in left_open:
                stages.setdefault(record["run"], []).append(record["outcome"])
        at = self.spool.records.stat().st_mtime
        for key, run in reversed(left_open.items()):
            if key in stages:
                document = self._outbox(run) / DOCUMENTS / "stages.json"
                document.parent.mkdir(parents=True, exist_ok=True)
                document.write_text(stages_document(stages[key]))
            reason = {"pipeline.error": "the process that executed the run ended without closing it"}
            self._send_parcel(key, _Parcel(tags=reason, finish=("KILLED", at)))

    def _with_ids(self, description: str) -> str:
        """``description`` with MLflow's ids where it refers to runs."""
        known = self._runs

        def shown(match: re.Match[str]) -> str:
            return known[match[1]].id[:_SHORT_ID] if match[1] in known else match[0]

        return re.sub(r"\{run:([\w-]+)\}", shown, description)

    def _outbox(self, run: _Run) -> Path:
        return self.spool.folder / "outbox" / run.id

    def _upload(self, run: _Run, outbox: Path) -> None:
        if not outbox.exists():
            return
        if not self._attempt(lambda: self._server.log_artifacts(run.id, str(outbox)), f"files of run {run.name!r}"):
            kept = self.spool.folder.with_name("refused") / run.id
            shutil.copytree(outbox, kept, dirs_exist_ok=True)
            self._tell({"warning": f"the files of run {run.name!r} that MLflow refused are kept in {kept}"})
        shutil.rmtree(outbox)

    def _attempt(self, request: Callable[[], None], what: str) -> bool:
        """Whether MLflow took it. What it will never take is told and left out, so that the rest goes on."""
        try:
            request()
        except Refused as refused:
            self._tell({"warning": f"MLflow refused {what}: {refused}"})
            return False
        except Away as away:
            self._strikes += away.answered and self._server.answers()
            if self._strikes < _STRIKES:
                raise
            self._strikes = 0
            self._tell({"warning": f"MLflow failed {_STRIKES} times on {what}: {away}"})
            return False
        return True
