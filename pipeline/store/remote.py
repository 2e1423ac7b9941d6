"""The store's files behind an fsspec URL: ``s3://bucket/store``, ``gs://...``, ``memory://...``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError
from pipeline.store.files import Listed, LocalFiles, unusable

_CONTENT = "objects/"  # named by their content, so a local copy never grows old


class RemoteFiles:
    """The same as LocalFiles over fsspec; content is also kept in a local folder, from where it is memory-mapped.

    A file appears as a whole where the service promises it, as object stores do; what a service without that promise
    leaves behind is found by its digest.
    """

    def __init__(self, url: str) -> None:
        try:
            import fsspec

            self._fs, self._base = fsspec.url_to_fs(url)
        except ImportError as error:
            raise StoreError(f"the artifact store at {url} needs a package that is not installed: {error}") from error
        except Exception as error:
            raise unusable(url, error) from error
        import platformdirs

        from pipeline.digests import digest_text

        self.location = url
        self.cache = LocalFiles(platformdirs.user_cache_path("experiment-pipeline") / "stores" / digest_text(url))
        self.root = self.cache.root

    def path(self, name: str) -> Path:
        """Where the local copy is, fetched where there was none; nothing is there if there is nothing to fetch."""
        if self.cache.size(name) is None and (content := self.read(name)) is not None:
            self.cache.write(name, [content])
        return self.cache.path(name)

    def read(self, name: str) -> bytes | None:
        """Its content, or None where there is none."""
        try:
            return bytes(self._fs.cat_file(self._at(name)))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise unusable(self.location, error) from error

    def write(self, name: str, parts: Sequence[bytes | memoryview]) -> None:
        """Write the concatenation of ``parts``."""
        if name.startswith(_CONTENT):
            self.cache.write(name, parts)
        try:
            self._fs.makedirs(self._fs._parent(self._at(name)), exist_ok=True)
            self._fs.pipe_file(self._at(name), b"".join(parts))
        except Exception as error:
            raise unusable(self.location, error) from error

    def size(self, name: str) -> int | None:
        """Its size in bytes, or None where there is none."""
        try:
            return int(self._fs.info(self._at(name))["size"])
        except FileNotFoundError:
            return None
        except Exception as error:
            raise unusable(self.location, error) from error

    def available(self, name: str) -> int | None:
        """The size of the local copy, else of the file itself, else None."""
        local = self.cache.size(name) if name.startswith(_CONTENT) else None
        return self.size(name) if local is None else local

    def touch(self, name: str) -> None:
        """Nothing: a remote file's time can only be changed by writing it again, so its age counts from its writing."""

    def remove(self, name: str) -> None:
        """Remove a file or a folder with all that is in it, and its local copy."""
        self.cache.remove(name)
        try:
            self._fs.rm(self._at(name), recursive=True)
        except FileNotFoundError:
            return
        except Exception as error:
            raise unusable(self.location, error) from error

    def move(self, name: str, to: str) -> None:
        """Rename a file; another process may have done so already."""
        content = self.read(name)
        if content is not None:
            self.write(to, [content])
            self.remove(name)

    def forget(self, name: str) -> bool:
        """Drop the local copy; whether there was one, so that another may be fetched."""
        if self.cache.size(name) is None:
            return False
        self.cache.remove(name)
        return True

    def listing(self, folder: str) -> Iterator[Listed]:
        """All files below a folder."""
        try:
            found: dict[str, dict[str, Any]] = self._fs.find(self._at(folder), detail=True)
        except FileNotFoundError:
            return
        except Exception as error:
            raise unusable(self.location, error) from error
        start = len(self._at(""))
        for path, info in found.items():
            yield Listed(path[start:], int(info["size"] or 0), _modified(info))

    def _at(self, name: str) -> str:
        return f"{self._base.rstrip('/')}/{name}"


def _modified(info: dict[str, Any]) -> float:
    """Each service has its own word for the time of the last change; without one a file counts as new."""
    for word in ("mtime", "created", "LastModified", "last_modified", "updated"):
        value = info.get(word)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return time.time()
