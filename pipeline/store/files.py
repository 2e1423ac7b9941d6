"""The store's files in a folder: written whole or not at all, and every failure explained."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import StoreError

_counter = itertools.count()

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space, for example with 'pipeline cache prune --max-size 1GB'",
    errno.EDQUOT: "your disk quota is used up; free some space, for example with 'pipeline cache prune --max-size 1GB'",
    errno.EROFS: "the file system is read-only; put the store somewhere else",
    errno.EACCES: "permission denied; make it writable for you, or put the store somewhere else",
    errno.EPERM: "permission denied; make it writable for you, or put the store somewhere else",
    errno.ENOTDIR: "a file is where its folder should be; move that file away, or put the store somewhere else",
    errno.EEXIST: "a file is where its folder should be; move that file away, or put the store somewhere else",
    errno.EMFILE: "too many open files; raise the limit ('ulimit -n')",
}


class Unusable(StoreError):
    """The store's disk, folder or service fails: nothing can be kept until that is mended."""


def unusable(where: object, error: Exception, what: str = "artifact store") -> Unusable:
    """The sentence for a store that cannot be read or written."""
    number = error.errno if isinstance(error, OSError) else None
    reason = _ADVICE.get(number or 0) or str(getattr(error, "strerror", None) or error or type(error).__name__)
    return Unusable(f"the {what} at {where} cannot be used: {reason}")


class Listed(NamedTuple):
    """A file of the store: ``modified`` in seconds since the epoch."""

    name: str
    size: int
    modified: float


class LocalFiles:
    """Files by name (``entries/ab/abcd.json``) below a folder, which is made when the first is written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.location = str(root)

    def path(self, name: str) -> Path:
        """Where the file is, whether or not it exists."""
        return self.root / name

    def read(self, name: str) -> bytes | None:
        """Its content, or None where there is none."""
        try:
            with open(f"{self.root}/{name}", "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unusable(self.root, error) from error

    def write(self, name: str, parts: Sequence[bytes | memoryview]) -> None:
        """Write the concatenation of ``parts``; nobody ever sees a part of the file."""
        target = f"{self.root}/{name}"
        temporary = f"{self.root}/tmp/{os.getpid()}-{next(_counter)}-{os.urandom(4).hex()}"
        try:
            self._make_folder(temporary)
            try:
                with open(temporary, "xb") as file:
                    file.writelines(parts)
                try:
                    os.replace(temporary, target)
                except FileNotFoundError:
                    self._make_folder(target)
                    os.replace(temporary, target)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary)
                raise
        except OSError as error:
            raise unusable(self.root, error) from error

    def size(self, name: str) -> int | None:
        """Its size in bytes, or None where there is none."""
        try:
            return os.stat(f"{self.root}/{name}").st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unusable(self.root, error) from error

    def available(self, name: str) -> int | None:
        """The same: what is here need not be fetched."""
        return self.size(name)

    def touch(self, name: str) -> None:
        """Note that it is in use; a store that may only be read is used without a note."""
        with suppress(OSError):
            os.utime(f"{self.root}/{name}")

    def remove(self, name: str) -> None:
        """Remove a file or a folder with all that is in it; it may have gone already."""
        path = self.root / name
        try:
            if path.is_dir():
                import shutil

                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            return
        except OSError as error:
            raise unusable(self.root, error) from error

    def move(self, name: str, to: str) -> None:
        """Rename a file; another process may have done so already."""
        try:
            target = self.root / to
            target.parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).replace(target)
        except FileNotFoundError:
            return
        except OSError as error:
            raise unusable(self.root, error) from error

    def forget(self, name: str) -> bool:
        """Drop a local copy; False, because a file here is the only one."""
        return False

    def listing(self, folder: str) -> Iterator[Listed]:
        """All files below a folder."""
        waiting = [folder]
        while waiting:
            current = waiting.pop()
            try:
                with os.scandir(self.root / current) as found:
                    for item in found:
                        name = f"{current}/{item.name}"
                        if item.is_dir(follow_symlinks=False):
                            waiting.append(name)
                            continue
                        with suppress(FileNotFoundError):  # removed by another process meanwhile
                            status = item.stat()
                            yield Listed(name, status.st_size, status.st_mtime)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise unusable(self.root, error) from error

    def _make_folder(self, path: str) -> None:
        folder = os.path.dirname(path)
        if os.path.isdir(folder):
            return
        new = not self.root.exists()
        os.makedirs(folder, exist_ok=True)
        if new:
            (self.root / ".gitignore").write_text("*\n")
