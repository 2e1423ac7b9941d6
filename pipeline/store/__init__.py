"""The artifact store: results by cache key, their content by digest; written atomically, checked when read.

entries/ab/KEY.json     one result: what it depends on, its artifact as a tree, what the stage logged
objects/ab/DIGEST       binary content that entries refer to; equal content is there once
checkpoints/KEY/        the newest checkpoint of a stage that has not finished
last/NAME.json          what the last execution of a stage depended on, to say what has changed since
locks/KEY.lock          held while a result is being computed
damaged/                what was not as it had been written
tmp/                    files on their way in
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.codecs import PACKAGES, Codec, Damaged, decode, digest_of, encode
from pipeline.digests import content_digest, digest_text
from pipeline.records import Record
from pipeline.store.blobs import Blobs, Files
from pipeline.store.checkpoints import StoredCheckpoints
from pipeline.store.entry import Entry, Text, entry_name, from_json, records_text, set_aside, to_json
from pipeline.store.files import LocalFiles, Unusable, unusable

if TYPE_CHECKING:
    from pipeline.store.housekeeping import Freed

__all__ = ["Damaged", "Entry", "Store", "Unusable", "content_digest", "digest_of"]


class Store:
    """Results that need not be computed again. Every method raises StoreError where the store cannot be used."""

    def __init__(self, files: Files, codecs: Sequence[Codec], packages: Collection[str]) -> None:
        self.files = files
        self._blobs = Blobs(files)
        self._codecs = tuple(codecs)
        self._packages = frozenset(packages)

    @staticmethod
    def open(location: str | Path, *, codecs: Sequence[Codec] = (), packages: Collection[str] = PACKAGES) -> Store:
        """The store in a folder, or behind an fsspec URL such as ``s3://bucket/store``; made when first written to.

        codecs: for values that the store cannot keep by itself.
        packages: top-level packages whose dataclasses and enumerations may be made when loading.
        """
        text = str(location)
        if "://" in text and not text.startswith("file://"):
            from pipeline.store.remote import RemoteFiles

            return Store(RemoteFiles(text), codecs, packages)
        root = Path(text.removeprefix("file://")).expanduser().absolute()
        return Store(LocalFiles(root), codecs, packages)

    @property
    def location(self) -> str:
        """What ``open`` was given: another process opens the same store with it."""
        return self.files.location

    def get(self, key: str) -> Entry | None:
        """The result with a key, its artifact not yet read; None where it must be computed."""
        name = entry_name(key)
        entry = self._parse(self.files.read(name), key, time.time())
        if entry is None or any(self.files.available(self._blobs.name(d)) != size for d, size in entry.blobs.items()):
            return None
        self.files.touch(name)
        return entry

    def load(self, entry: Entry) -> Any:
        """The artifact; Damaged where it is not what was written, and then its entry is a miss from now on."""
        try:
            text = entry.tree.read(self._blobs)
            return decode(text, self._blobs.find, codecs=self._codecs, packages=self._packages)
        except Damaged:
            set_aside(self.files, entry.key)
            raise

    def put(
        self,
        key: str,
        artifact: Any,
        *,
        uses: str,
        stage: str,
        seconds: float,
        records: Sequence[Record],
        parts: Mapping[str, Any],
    ) -> Entry:
        """Store a result; NotStorable where the artifact holds what cannot be stored."""
        blobs: dict[str, int] = {}

        def write(content: Sequence[bytes | memoryview]) -> str:
            digest = self._blobs.write(content)
            blobs[digest] = sum(map(len, content))
            return digest

        tree = encode(artifact, write, name=stage, codecs=self._codecs, packages=self._packages)
        now = time.time()
        entry = Entry(
            key=key,
            stage=stage,
            uses=uses,
            seconds=seconds,
            created=now,
            last_used=now,
            parts=parts,
            blobs=blobs,
            tree=Text.keep(tree, write),
            log=Text.keep(records_text(records, write), write),
            overhead=0,
            files=self.files,
        )
        content = to_json(entry)
        self.files.write(entry_name(key), [content])
        return replace(entry, overhead=len(content))

    def digest_of(self, value: Any) -> str:
        """What the digest of a value's entry would be, without storing it."""
        return digest_of(value, codecs=self._codecs)

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Held by one process at a time, so that two that want the same result compute it once.

        Waiting can be interrupted, and the lock is free as soon as its holder is gone, however it ended. For a remote
        store it holds among the processes of this machine only: two machines may compute the same result twice.
        """
        from filelock import FileLock

        path = self.files.root / "locks" / f"{key}.lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
            lock.acquire(poll_interval=0.05)
        except OSError as error:
            raise unusable(self.files.root, error) from error
        try:
            yield
        finally:
            lock.release()

    def last(self, name: str) -> dict[str, Any] | None:
        """What the last execution of a stage depended on, as it was remembered under ``name``."""
        content = self.files.read(_last_name(name))
        try:
            return None if content is None else dict(json.loads(content))
        except ValueError:
            return None  # it only serves to explain; without it a stage "has not run before"

    def remember(self, name: str, parts: Mapping[str, Any]) -> None:
        """Remember what the execution of a stage depended on."""
        self.files.write(_last_name(name), [json.dumps(parts).encode()])

    def checkpoints(self, key: str) -> StoredCheckpoints:
        """Where the stage that computes ``key`` keeps its checkpoints until it has finished."""
        return StoredCheckpoints(self.files, key, self._codecs, self._packages)

    def entries(self) -> list[Entry]:
        """Every result, the one used last first."""
        found = []
        for file in self.files.listing("entries"):
            key = file.name.rpartition("/")[2].removesuffix(".json")
            if entry := self._parse(self.files.read(file.name), key, file.modified):
                found.append(entry)
        return sorted(found, key=lambda entry: entry.last_used, reverse=True)

    def prune(self, max_size: int | None = None, older_than: float | None = None) -> Freed:
        """Remove what was unused for ``older_than`` seconds, then the longest unused until ``max_size`` bytes are left.

        What no result refers to goes too, but never anything younger than an hour: its result may be on its way.
        """
        from pipeline.store.housekeeping import prune

        return prune(self.files, self.entries(), max_size, older_than)

    def clear(self) -> Freed:
        """Remove everything."""
        from pipeline.store.housekeeping import clear

        return clear(self.files)

    def _parse(self, content: bytes | None, key: str, last_used: float) -> Entry | None:
        if content is None:
            return None
        try:
            return from_json(content, self.files, last_used)
        except (ValueError, TypeError, KeyError, AttributeError):
            set_aside(self.files, key)
            return None


def _last_name(name: str) -> str:
    return f"last/{digest_text(name)}.json"
