"""Binary content, named by its digest: equal content is kept once, and what is read is what was written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pipeline.codecs import Damaged
from pipeline.digests import digest_buffers, file_digest, remember_digest
from pipeline.store.files import LocalFiles, unusable

if TYPE_CHECKING:
    from pipeline.store.remote import RemoteFiles

Files: TypeAlias = "LocalFiles | RemoteFiles"


class Blobs:
    """The blobs below one folder of the store."""

    def __init__(self, files: Files, folder: str = "objects") -> None:
        self.files = files
        self.folder = folder

    def name(self, digest: str) -> str:
        """The name of a blob's file."""
        return f"{self.folder}/{digest[:2]}/{digest}"

    def write(self, parts: Sequence[bytes | memoryview]) -> str:
        """Keep the concatenation of ``parts``; its digest."""
        digest = digest_buffers(parts)
        name = self.name(digest)
        if self.files.size(name) == sum(map(len, parts)):
            # Young again, so that no prune takes it before the entry that refers to it is written.
            self.files.touch(name)
            return digest
        self.files.write(name, parts)
        if isinstance(self.files, LocalFiles):
            remember_digest(self.files.path(name), digest)
        return digest

    def find(self, digest: str) -> Path:
        """The blob's file, checked once for each version of it; Damaged where it is not what was written."""
        name = self.name(digest)
        path = self.files.path(name)
        try:
            if file_digest(path) == digest:
                return path
        except FileNotFoundError:
            raise Damaged(f"a part of a stored result is missing ({path})") from None
        except OSError as error:
            raise unusable(self.files.root, error) from error
        if self.files.forget(name):  # the local copy is damaged, the original perhaps not
            return self.find(digest)
        self.files.move(name, f"damaged/{digest}")
        raise Damaged(f"a part of a stored result is damaged ({path})")
