"""What every codec leans on: the Codec itself, its errors, and how a class is named."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError

Buffer = bytes | memoryview
Blob = bytes | Path
"""Binary content when it is read: small ones are bytes, others a file that may be memory-mapped."""

Write = Callable[[Sequence[Buffer]], str]
"""Keeps the concatenation of buffers and gives the digest of its content."""

Find = Callable[[str], Path]
"""The file that holds the content with a digest, checked; raises Damaged where it is missing or not what it was."""

INLINE = 4096
"""Bytes up to which binary content stands in the text itself: a file of its own would cost more."""


def to_ref(parts: Sequence[Buffer], write: Write) -> str:
    """Keep binary content; what a text says in its place: a digest, or ``=`` and the content where it is small."""
    if sum(map(len, parts)) <= INLINE:
        return "=" + base64.b64encode(b"".join(parts)).decode()
    return write(parts)


def from_ref(ref: str, find: Find) -> Blob:
    """The binary content that a text refers to."""
    return base64.b64decode(ref[1:], validate=True) if ref.startswith("=") else find(ref)


def read_ref(ref: str, find: Find) -> bytes:
    """The binary content that a text refers to, in memory."""
    content = from_ref(ref, find)
    return content.read_bytes() if isinstance(content, Path) else content


@dataclass(frozen=True)
class Codec:
    """How the store keeps values of a class that it does not know.

    name: ``module:Class``; it applies to that class and its subclasses, and is compared by name so that nothing heavy
        is imported to find out.
    encode: makes a value that the store can keep: a dictionary of arrays, say.
    decode: makes the value again.
    """

    name: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


class NotStorable(StoreError, TypeError):
    """A value, or something inside it, cannot be stored; the message names the place: ``model.layers[2]``."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(f"{place}: {reason}" if place else reason)
        self.reason, self.place = reason, place

    def __reduce__(self) -> tuple[type[NotStorable], tuple[str, str]]:
        return type(self), (self.reason, self.place)

    def inside(self, place: str) -> NotStorable:
        """The same refusal, seen from one level further out."""
        return NotStorable(self.reason, place + self.place)


class Damaged(StoreError):
    """A stored result is not what was written, or cannot be made by the classes of today: compute it again."""


def class_name(cls: type) -> str:
    """The name of a class as it is stored: ``module:Qualified.Name``."""
    return f"{cls.__module__}:{cls.__qualname__}"
