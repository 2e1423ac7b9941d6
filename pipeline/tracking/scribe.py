"""Turns what the hooks report into records of a spool."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.records import File, Metrics, Record, Run, RunOutcome, StageOutcome
from pipeline.tracking.names import LONG_PARAMS, PARAM_LENGTH, Names, artifact_path, clean, short_param, text_of
from pipeline.tracking.spool import Spool
from pipeline.tracking.telling import dataset, ended_description

DOCUMENTS = "pipeline"
STATUS = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}


@dataclass
class _Known:
    """What is remembered of an open run."""

    names: Names = field(default_factory=Names)
    logged: set[str] = field(default_factory=set)
    told: int = 0
    stages: list[StageOutcome] = field(default_factory=list)


class Scribe:
    """Writes to one spool, from one thread. Lines are gathered until ``flush``."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.written = 0
        self._file = spool.records.open("ab", buffering=0)
        self._lines: list[str] = []
        self._files = 0
        self._runs: dict[str, _Known] = {}
        self._ended: set[str] = set()

    def started(self, run: Run, at: float) -> None:
        """A run began."""
        known = self._runs.setdefault(run.id, _Known())
        params = {known.names.shown(name): text_of(value) for name, value in run.params.items()}
        long = {name: text_of(value) for name, value in run.params.items() if len(text_of(value)) > PARAM_LENGTH}
        self._write(
            "start",
            run,
            name=clean(run.name),
            experiment=clean(run.experiment),
            parent=run.parent,
            params={name: short_param(text) for name, text in params.items()},
            tags=_texts(run.tags),
            description=clean(run.description),
            about=clean(run.about),
            time=at,
        )
        if long:
            self._document(run, LONG_PARAMS, json.dumps(long, indent=1, ensure_ascii=False))
        for name, text in run.documents.items():
            self._document(run, name, text)
        self._tell_names(run, known)

    def record(self, run: Run, stage: str, record: Record) -> None:
        """A stage logged something."""
        if isinstance(record, Metrics):
            self._metrics(run, {f"{stage}/{name}": value for name, value in record.values.items()}, record)
        elif isinstance(record, File):
            self._artifact(run, artifact_path(stage, record.name), record.content)

    def stage_finished(self, run: Run, outcome: StageOutcome) -> None:
        """A stage ended."""
        self._known(run).stages.append(outcome)
        self._write("stage", run, outcome=asdict(outcome))

    def finished(self, run: Run, outcome: RunOutcome, at: float) -> None:
        """A run ended."""
        if run.id in self._ended:
            # A worker that dies while its run ends is told of twice.
            return
        self._ended.add(run.id)
        known = self._known(run)
        if unlogged := {name: value for name, value in outcome.metrics.items() if name not in known.logged}:
            self._metrics(run, unlogged, Metrics({}, None, at))
        stages = outcome.stages or tuple(known.stages)
        if stages:
            self._document(run, "stages.json", stages_document([asdict(stage) for stage in stages]))
        for name, text in outcome.documents.items():
            self._document(run, name, text)
        for file in outcome.files:
            self._artifact(run, artifact_path(file.name), file.content)
        tags = _texts(outcome.tags)
        if outcome.error:
            tags["pipeline.error"] = clean(outcome.error)
        if outcome.failed_stage:
            tags["pipeline.failed_stage"] = clean(outcome.failed_stage)
        self._write(
            "finish",
            run,
            status=STATUS[outcome.status],
            description=clean(ended_description(run, outcome)),
            tags=tags,
            datasets=[dataset(run, stage) for stage in stages if stage.source and stage.digest and run.params],
            time=at,
        )
        self._runs.pop(run.id, None)

    def flush(self) -> None:
        """Append the gathered lines. OSError leaves the file as it was and the lines for the next time."""
        if not self._lines:
            return
        content = "".join(self._lines).encode()
        start = os.fstat(self._file.fileno()).st_size
        try:
            if self._file.write(content) != len(content):
                raise OSError("the disk took only a part of the records")
        except OSError:
            self._file.truncate(start)
            raise
        self.written += len(self._lines)
        self._lines.clear()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _metrics(self, run: Run, values: Mapping[str, float], record: Metrics) -> None:
        known = self._known(run)
        known.logged.update(values)
        shown = {known.names.shown(name): value for name, value in values.items()}
        self._write("metrics", run, values=shown, step=record.step, time=record.time)
        self._tell_names(run, known)

    def _tell_names(self, run: Run, known: _Known) -> None:
        if len(known.names.changed) > known.told:
            known.told = len(known.names.changed)
            self._write("tags", run, tags=known.names.tags())

    def _document(self, run: Run, name: str, text: str) -> None:
        self._artifact(run, artifact_path(DOCUMENTS, name), text.encode("utf-8", "replace"))

    def _artifact(self, run: Run, path: str, content: bytes) -> None:
        self._files += 1
        stored = f"{self._files:06}"
        (self.spool.files / stored).write_bytes(content)
        self._write("file", run, path=path, stored=stored)

    def _write(self, kind: str, run: Run, **fields: Any) -> None:
        self._lines.append(json.dumps({"kind": kind, "run": run.id, **fields}) + "\n")

    def _known(self, run: Run) -> _Known:
        return self._runs.setdefault(run.id, _Known())


def stages_document(stages: list[dict[str, Any]]) -> str:
    """What each stage was and how it ended, with the digests of what they made."""
    return json.dumps(stages, indent=1, ensure_ascii=False)


def _texts(tags: Mapping[str, str]) -> dict[str, str]:
    return {clean(name): clean(str(value)) for name, value in tags.items()}
