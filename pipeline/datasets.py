"""Public data sets: where their files come from, and how one is found, downloaded once and checked.

A data set is described by the plugin that uses it and offered through the hook ``pipeline_datasets``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.context import Context
from pipeline.errors import DataError

_MEBIBYTE = 2**20


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set: its name (which may hold folders), where it is published, and its sha256.

    repacked: checksums of archives that hold the same members in another packing; accepted where a user put one there.
    """

    name: str
    url: str
    sha256: str
    repacked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """A published data set.

    name: what pipeline files call it.
    files: what is downloaded; empty where a library brings the data along.
    licence, citation, homepage: what a user has to know and to quote.
    folder: the folder of ``$PIPELINE_DATA`` in which its files are looked for; ``name`` by default.
    """

    name: str
    title: str
    files: tuple[RemoteFile, ...]
    licence: str
    citation: str
    homepage: str = ""
    folder: str = ""

    def describe(self) -> str:
        """Title, homepage, licence, citation and checksums as a short Markdown text."""
        facts = [("homepage", self.homepage), ("licence", self.licence), ("citation", self.citation)]
        lines = [f"# {self.title}", "", *(f"- {name}: {value}" for name, value in facts if value)]
        return "\n".join([*lines, *(f"- {file.name}: {file.url} (sha256 {file.sha256})" for file in self.files), ""])


def fetch(dataset: Dataset, context: Context | None = None) -> dict[str, Path]:
    """The files of ``dataset`` by name, each checked against its sha256.

    Looked up in ``$PIPELINE_DATA``, then in the user's cache, then downloaded into that cache; ``context`` shows how
    far a download is. DataError, saying what to do, where a file is damaged or can neither be found nor downloaded.
    """
    return {file.name: _fetch_file(dataset, file, context or Context()) for file in dataset.files}


def _fetch_file(dataset: Dataset, file: RemoteFile, context: Context) -> Path:
    from filelock import FileLock

    given = _given_folder()
    cached = _cache() / (dataset.folder or dataset.name) / file.name
    by_hand = given / (dataset.folder or dataset.name) / file.name if given else cached
    if given and by_hand.is_file():
        if not any(_verified(by_hand, sha256) for sha256 in (file.sha256, *file.repacked)):
            raise DataError(
                f"{by_hand} is not the published file of {dataset.name}: its sha256 should be {file.sha256}. "
                f"Replace it by {file.url}, or remove it."
            )
        return by_hand
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        # Another process may be downloading the same file: wait for it instead.
        with FileLock(f"{cached}.lock"):
            if not (cached.is_file() and _verified(cached, file.sha256)):
                _download(file, cached, context)
    except OSError as error:  # requests' own errors are OSErrors too
        raise _not_to_be_had(dataset, file, by_hand, f"could not be downloaded ({_reason(error)})") from error
    except ValueError as error:  # pooch's word for a wrong checksum
        raise _not_to_be_had(dataset, file, by_hand, "was downloaded, but is not the file it should be") from error
    return cached


def _given_folder() -> Path | None:
    """The folder that ``$PIPELINE_DATA`` names; a wrong name is an error, so that nothing is downloaded by mistake."""
    if not (name := os.environ.get("PIPELINE_DATA")):
        return None
    folder = Path(name).expanduser().absolute()
    if not folder.is_dir():
        raise DataError(f"PIPELINE_DATA names {name!r}, which is not a folder. Correct it, or unset it to download.")
    return folder


def _cache() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("experiment-pipeline") / "datasets"


def _verified(path: Path, sha256: str) -> bool:
    """Whether a file has this checksum; read only if it has changed since it was found right."""
    status = path.stat()
    facts = f"{path}\0{status.st_mtime_ns}\0{status.st_size}\0{sha256}"
    mark = _cache() / "verified" / hashlib.sha256(facts.encode()).hexdigest()
    if mark.exists():
        return True
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
            return False
    with suppress(OSError):  # without a writable cache the file is read again next time
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    return True


def _download(file: RemoteFile, target: Path, context: Context) -> None:
    """Download to a temporary name, check, and rename; OSError or ValueError as requests and pooch raise them."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    pooch.retrieve(file.url, f"sha256:{file.sha256}", target.name, target.parent, downloader=_downloader(file, context))
    _verified(target, file.sha256)


def _downloader(file: RemoteFile, context: Context) -> Callable[[str, str, Any], None]:
    def download(url: str, output: str, _: Any) -> None:
        import requests

        with requests.get(url, stream=True, timeout=30) as response, open(output, "wb") as stream:
            response.raise_for_status()
            size = -(-int(response.headers.get("content-length", 0)) // _MEBIBYTE)
            chunks = response.iter_content(_MEBIBYTE)
            for chunk in context.progress(chunks, f"MiB of {file.name}", total=size or None):
                stream.write(chunk)

    return download


def _reason(error: OSError) -> str:
    """One line: what the server answered, or the innermost cause of a failed connection."""
    from requests import RequestException

    if not isinstance(error, RequestException):
        return str(error)
    if error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    cause: BaseException = error
    while isinstance(inner := getattr(cause, "reason", None) or (cause.args or (None,))[0], BaseException):
        cause = inner
    return str(cause).rpartition(": ")[2] or type(error).__name__


def _not_to_be_had(dataset: Dataset, file: RemoteFile, place: Path, what: str) -> DataError:
    folder = dataset.folder or dataset.name
    elsewhere = "" if os.environ.get("PIPELINE_DATA") else f" (or in {folder}/ of a folder that PIPELINE_DATA names)"
    return DataError(
        f"the file {file.name} of {dataset.name} {what}. Get {file.url} by other means and save it as "
        f"{place}{elsewhere}; its sha256 is {file.sha256}."
    )
