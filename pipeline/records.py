"""What a running pipeline tells the world: plain values that travel between processes and to the hooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Status = Literal["finished", "failed", "interrupted"]


class Metrics(NamedTuple):
    """Numbers that a stage logged together; ``time`` in seconds since the epoch."""

    values: Mapping[str, float]
    step: int | None
    time: float


class File(NamedTuple):
    """A figure, table or text that a stage logged: ``name`` with its extension, and its bytes."""

    name: str
    content: bytes

    @property
    def sentence(self) -> str | None:
        """The whole text of a ``.txt`` of one line, which says in words what came out; None for any other file."""
        if not self.name.endswith(".txt") or len(self.content) > LONGEST_SENTENCE:
            return None
        text = self.content.decode(errors="replace").strip()
        return text if text.isprintable() and text else None  # a line break is not printable, nor is a binary file


LONGEST_SENTENCE = 500
Record = Metrics | File


@dataclass(frozen=True)
class Run:
    """One run of a pipeline, or the parent of several.

    id: our own identifier, known before MLflow has given its own.
    parent: the id of the run above, or None.
    about: what the experiment is about; ``description`` is about this run.
    params: ``stage.field`` to value as it may be shown (secrets are redacted).
    directions: the metrics that judge it, with their better end.
    tags: names and texts to search by in MLflow.
    documents: file name to text, kept beside the run: the resolved pipeline, the plan, the lock, the diff.
    """

    id: str
    experiment: str
    name: str
    parent: str | None = None
    variants: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    about: str = ""
    directions: Mapping[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """Stands in a description for the id that MLflow gives the run, which is not known yet."""
        return f"{{run:{self.id}}}"


@dataclass(frozen=True)
class StageOutcome:
    """How one stage of a run ended: ``seconds`` of work (of the original work where it was cached).

    source: it has no inputs: what it made is the data that the run stands on.
    """

    name: str
    uses: str
    cached: bool
    seconds: float
    digest: str = ""
    key: str = ""
    source: bool = False


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended; ``metrics`` holds the last value of each ``stage/metric``, ``documents`` as in Run.

    sentences: each text of one line that a stage kept, by ``stage/name``.
    store_failed: the store could not be used, as on a full disk: the next run will fare no better.
    """

    status: Status
    metrics: Mapping[str, float] = field(default_factory=dict)
    stages: tuple[StageOutcome, ...] = ()
    error: str | None = None
    failed_stage: str | None = None
    documents: Mapping[str, str] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    store_failed: bool = False
    sentences: Mapping[str, str] = field(default_factory=dict)
