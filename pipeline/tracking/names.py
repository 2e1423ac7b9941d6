"""Names and values as MLflow takes them.

MLflow allows letters, digits, ``_ - . : /`` and spaces in the names of parameters, metrics and tags, at most 250
characters, and refuses a name that is not a plain relative path. A parameter's value holds 6,000 characters, a tag's
8,000.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

NAME_LENGTH, PARAM_LENGTH, TAG_LENGTH, TITLE_LENGTH = 250, 6000, 8000, 250
LONG_PARAMS = "long_params.json"
NAMES_TAG = "pipeline.names"

_REFUSED = re.compile(r"[^/\w.\- :]")
_UNSAFE_IN_PATHS = re.compile(r'[\x00-\x1f<>:"|?*\\%#]')
_SPOKEN = {"@": "_at_", "%": "_percent_", "+": "_plus_", "&": "_and_", "<": "_below_", ">": "_above_"}


def allowed(name: str) -> str:
    """``name`` itself where MLflow takes it, else a readable name that it takes: ``ndcg_at_10`` for ``ndcg@10``."""
    spoken = _REFUSED.sub(lambda match: _SPOKEN.get(match[0], "_"), name)
    if spoken != name:
        spoken = re.sub(r"_+(?=[./]|$)", "", re.sub(r"__+", "_", spoken))
    parts = [{".": "_", "..": "_"}.get(part, part) for part in spoken.split("/") if part]
    return _cut("/".join(parts) or "_", NAME_LENGTH)


class Names:
    """The names of one run: no two are shown alike, and what each one was is kept."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}
        self._taken: set[str] = set()
        self.changed: dict[str, str] = {}

    def shown(self, name: str) -> str:
        """The name under which MLflow keeps ``name``."""
        if name not in self._shown:
            proposal, count = allowed(name), 1
            unique = proposal
            while unique in self._taken:
                count += 1
                unique = f"{proposal[: NAME_LENGTH - 4]}_{count}"
            self._taken.add(unique)
            self._shown[name] = unique
            if unique != name:
                self.changed[unique] = name
        return self._shown[name]

    def tags(self) -> dict[str, str]:
        """Tags that tell the original of every changed name; several where one does not hold them all."""
        pieces: list[dict[str, str]] = [{}]
        for shown, name in self.changed.items():
            if len(name) > TAG_LENGTH // 2:
                continue
            if len(_json({**pieces[-1], shown: name})) > TAG_LENGTH:
                pieces.append({})
            pieces[-1][shown] = name
        return {_numbered(NAMES_TAG, number): _json(piece) for number, piece in enumerate(pieces) if piece}


def originals(tags: Mapping[str, str]) -> dict[str, str]:
    """What ``Names.tags`` told: shown name to original name."""
    names: dict[str, str] = {}
    for number in range(len(tags)):
        if (tag := _numbered(NAMES_TAG, number)) not in tags:
            break
        names |= json.loads(tags[tag])
    return names


def text_of(value: Any) -> str:
    """A parameter's value as text: as it would stand in a pipeline file."""
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool | list | tuple | dict):
        return clean(_json(value))
    return clean(str(value))


def short_param(text: str) -> str:
    """``text`` cut to what a parameter holds, saying where the whole of it is."""
    if len(text) <= PARAM_LENGTH:
        return text
    note = f"… ({len(text):,} characters, whole in pipeline/{LONG_PARAMS})"
    return text[: PARAM_LENGTH - len(note)] + note


def short_tag(text: str) -> str:
    """``text`` cut to what a tag holds."""
    return text if len(text) <= TAG_LENGTH else text[: TAG_LENGTH - 1] + "…"


def clean(text: str) -> str:
    """``text`` without what no database stores: NUL characters and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def artifact_path(*parts: str) -> str:
    """A relative path that every file system and server takes; it never leads outside."""
    return "/".join(_segments(parts)) or "_"


def _segments(parts: tuple[str, ...]) -> Iterator[str]:
    for segment in clean("/".join(parts)).split("/"):
        if not segment or segment == ".":
            continue
        safe = _UNSAFE_IN_PATHS.sub("_", segment).strip() if segment != ".." else "_"
        stem, dot, suffix = safe.rpartition(".")
        # File systems count bytes, 255 for a name.
        length = 180 if safe.isascii() else 55
        yield (f"{_cut(stem, length)}.{suffix}" if dot and stem and len(suffix) <= 10 else _cut(safe, length)) or "_"


def _cut(name: str, length: int) -> str:
    """``name``, its end replaced by a digest of the whole where it is longer than ``length``."""
    if len(name) <= length:
        return name
    return f"{name[: length - 9].rstrip('./ ')}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _numbered(tag: str, number: int) -> str:
    return f"{tag}.{number + 1}" if number else tag
