"""One stored result: what is known about it without reading it, and what the stage logged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipeline.codecs import Damaged
from pipeline.codecs.base import Write, read_ref, to_ref
from pipeline.digests import digest_text
from pipeline.records import File, Metrics, Record
from pipeline.store.blobs import Blobs, Files

FORMAT = 1
"""Changes when entries are written differently; entries of another format are misses."""

_INLINE_TEXT = 16 * 1024  # a longer text is a blob, so that reading an entry stays cheap


class Text(NamedTuple):
    """A JSON text of an entry and its digest: in the entry itself where it is short, else a blob."""

    digest: str
    inline: str | None

    @staticmethod
    def keep(text: str, write: Write) -> Text:
        """Store a text."""
        if len(text) <= _INLINE_TEXT:
            return Text(digest_text(text), text)
        return Text(write([text.encode("utf-8", "surrogatepass")]), None)

    def read(self, blobs: Blobs) -> str:
        """The text; Damaged where it is not what it was."""
        if self.inline is not None:
            if digest_text(self.inline) != self.digest:
                raise Damaged("a stored result's text is damaged")
            return self.inline
        return blobs.find(self.digest).read_bytes().decode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Entry:
    """A stored result.

    key: the cache key.
    stage, uses: the stage's name in its pipeline, and the plugin's stage.
    seconds: how long the stage worked. created, last_used: in seconds since the epoch.
    parts: all that the result depends on; ``key`` is its digest.
    blobs: the size in bytes of every blob that it refers to, by digest; shared with other entries where equal.
    """

    key: str
    stage: str
    uses: str
    seconds: float
    created: float
    last_used: float
    parts: Mapping[str, Any]
    blobs: Mapping[str, int]
    tree: Text = field(repr=False)
    log: Text = field(repr=False)
    overhead: int = field(repr=False)
    files: Files = field(repr=False, compare=False)

    @property
    def digest(self) -> str:
        """The digest of the artifact's content, which the keys of the stages downstream are made of."""
        return self.tree.digest

    @property
    def size(self) -> int:
        """Bytes that the result takes, blobs that it shares with others included."""
        return self.overhead + sum(self.blobs.values())

    def records(self) -> tuple[Record, ...]:
        """Everything that the stage logged, in order; Damaged where a file among it is not what it was."""
        blobs = Blobs(self.files)
        try:
            return tuple(_record(item, blobs) for item in json.loads(self.log.read(blobs)))
        except Damaged:
            set_aside(self.files, self.key)
            raise


def entry_name(key: str) -> str:
    """The name of an entry's file."""
    return f"entries/{key[:2]}/{key}.json"


def set_aside(files: Files, key: str) -> None:
    """Take a damaged entry out of use, keeping it to be looked at."""
    files.move(entry_name(key), f"damaged/{key}.json")


def records_text(records: Sequence[Record], write: Write) -> str:
    """Records as JSON; the contents of files go where binary content goes."""
    return json.dumps(
        [
            ["metrics", dict(record.values), record.step, record.time]
            if isinstance(record, Metrics)
            else ["file", record.name, to_ref([record.content], write)]
            for record in records
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _record(item: Any, blobs: Blobs) -> Record:
    if item[0] == "metrics":
        return Metrics(item[1], item[2], item[3])
    return File(item[1], read_ref(item[2], blobs.find))


def to_json(entry: Entry) -> bytes:
    """The entry's file."""
    document = {
        "format": FORMAT,
        "key": entry.key,
        "stage": entry.stage,
        "uses": entry.uses,
        "seconds": entry.seconds,
        "created": entry.created,
        "parts": entry.parts,
        "blobs": entry.blobs,
        "tree": [entry.tree.digest, entry.tree.inline],
        "log": [entry.log.digest, entry.log.inline],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def from_json(content: bytes, files: Files, last_used: float) -> Entry | None:
    """The entry of a file; None where its format is another. ValueError, TypeError or KeyError where damaged."""
    document = json.loads(content.decode("utf-8", "surrogatepass"))
    if document.pop("format") != FORMAT:
        return None
    document["tree"] = Text(*document["tree"])
    document["log"] = Text(*document["log"])
    return Entry(**document, last_used=last_used, overhead=len(content), files=files)
