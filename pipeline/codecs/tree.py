"""Values to JSON and back: plain values and containers here, everything else by the room that knows its class.

What JSON has no word for is an object with the key ``~``, which says what it is. Exact types come back: a tuple is a
tuple, 1.0 is no 1, and nan, infinities and the sign of zero survive.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

from pipeline.codecs import classes
from pipeline.codecs.base import (
    Blob,
    Buffer,
    Codec,
    Damaged,
    Find,
    NotStorable,
    Write,
    class_name,
    from_ref,
    read_ref,
    to_ref,
)
from pipeline.digests import digest_buffers, digest_text
from pipeline.errors import StoreError

if TYPE_CHECKING:
    from pipeline.codecs.tensors import Pool

# The library that defines a value's class, and the module that knows how to keep it.
_ROOMS = {"numpy": "arrays", "torch": "tensors", "pandas": "frames", "scipy": "sparse"}
_ATOMS = frozenset({str, float, bool, NoneType})
_PLAIN = _ATOMS | {int}
_CONTAINERS: dict[type, str] = {tuple: "tuple", set: "set", frozenset: "frozenset"}
_PATH = type(Path())


def encode(
    value: Any,
    write: Write,
    *,
    name: str = "artifact",
    codecs: Sequence[Codec] = (),
    packages: frozenset[str] | None = classes.PACKAGES,
) -> str:
    """The JSON text of a value; ``write`` receives its binary parts. NotStorable names what cannot be kept.

    ``name`` is what the refusal calls the value; ``packages`` as in ``decode``, None where nothing will be loaded.
    """
    encoder = Encoder(write, codecs, packages)
    try:
        document = {"value": encoder.encode(value), "code": dict(sorted(encoder.code.items()))}
        if encoder.tensors is not None:
            document["tensors"] = encoder.blob(encoder.tensors.to_buffers())
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    except NotStorable as error:
        raise error.inside(name) from error.__cause__
    except RecursionError:
        raise NotStorable("it contains itself, or is nested too deeply to be stored", name) from None


def decode(
    text: str,
    find: Find,
    *,
    codecs: Sequence[Codec] = (),
    packages: frozenset[str] = classes.PACKAGES,
) -> Any:
    """The value of a text that ``encode`` made; ``find`` gives the files of its binary parts.

    Only dataclasses and enumerations of the top-level ``packages`` are made (else StoreError). Damaged where the text
    is none of ours, or no longer fits the classes of today.
    """
    decoder = Decoder(find, codecs, packages)
    try:
        document = json.loads(text)
        if ref := document.get("tensors"):
            from pipeline.codecs import tensors

            decoder.tensors = tensors.from_blob(decoder.blob(ref))
        return decoder.decode(document["value"])
    except (KeyError, IndexError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise Damaged(f"a stored result cannot be read ({type(error).__name__}: {error})") from error


def digest_of(value: Any, *, codecs: Sequence[Codec] = ()) -> str:
    """The content digest of a value, equal to that of its entry in the store, without storing it."""
    return digest_text(encode(value, digest_buffers, codecs=codecs, packages=None))


class Encoder:
    """One value on its way into the store; the rooms call ``encode`` and ``blob``, torch's collects in ``tensors``."""

    def __init__(self, write: Write, codecs: Sequence[Codec], packages: frozenset[str] | None) -> None:
        self.write = write
        self.tensors: Pool | None = None
        self.code: dict[str, str] = {}
        self._codecs = {codec.name: codec for codec in codecs}
        self._packages = packages
        self._by_class: dict[type, Callable[[Any], Any]] = {
            int: _integer,
            list: self.items,
            dict: self._dict,
            tuple: self._container,
            set: self._container,
            frozenset: self._container,
            OrderedDict: lambda value: {"~": "OrderedDict", "of": self._pairs(value)},
            bytes: lambda value: {"~": "bytes", "blob": self.blob([value])},
            complex: lambda value: {"~": "complex", "of": [value.real, value.imag]},
            _PATH: lambda value: {"~": "path", "of": str(value)},
        }

    def encode(self, value: Any) -> Any:
        """The JSON tree of a value."""
        cls = type(value)
        if cls in _ATOMS:
            return value
        way = self._by_class.get(cls)
        if way is None:
            way = self._by_class[cls] = self._way(cls)
        return way(value)

    def blob(self, parts: Sequence[Buffer]) -> str:
        """Keep binary content; what the tree says in its place."""
        return to_ref(parts, self.write)

    def items(self, values: Sequence[Any]) -> list[Any]:
        """The trees of a sequence's items."""
        kinds = set(map(type, values))
        if kinds <= _PLAIN and (int not in kinds or all(_is_short(value) for value in values)):
            return list(values)
        encoded = []
        for index, value in enumerate(values):
            try:
                encoded.append(self.encode(value))
            except NotStorable as error:
                raise error.inside(f"[{index}]") from error.__cause__
        return encoded

    def _way(self, cls: type) -> Callable[[Any], Any]:
        for base in cls.__mro__:
            if codec := self._codecs.get(class_name(base)):
                return lambda value: {"~": "codec", "name": codec.name, "of": self.encode(codec.encode(value))}
        if classes.is_record(cls):
            fields = classes.check(cls, self._packages)
            self.code[class_name(cls)] = classes.code_digest(cls)
            return self._enum if issubclass(cls, Enum) else lambda value: self._dataclass(value, fields)
        for base in cls.__mro__:
            if room := _ROOMS.get(base.__module__.partition(".")[0]):
                encode: Callable[[Any, Encoder], Any] = import_module(f"pipeline.codecs.{room}").encode
                return lambda value: encode(value, self)
        raise NotStorable(
            f"objects of type {class_name(cls).replace('builtins:', '')} cannot be stored; "
            "return a frozen dataclass of arrays, tensors, data frames and plain values, or add a codec"
        )

    def _dict(self, value: dict[Any, Any]) -> Any:
        if "~" in value or not all(type(key) is str for key in value):
            return {"~": "dict", "of": self._pairs(value)}
        encoded = {}
        for key, item in value.items():
            try:
                encoded[key] = self.encode(item)
            except NotStorable as error:
                raise error.inside(f"[{key!r}]") from error.__cause__
        return encoded

    def _pairs(self, value: dict[Any, Any]) -> list[Any]:
        pairs = []
        for key, item in value.items():
            try:
                pairs += [self.encode(key), self.encode(item)]
            except NotStorable as error:
                raise error.inside(f"[{key!r}]") from error.__cause__
        return pairs

    def _container(self, value: Any) -> Any:
        items = self.items(value if type(value) is tuple else list(value))
        if type(value) is not tuple:
            items.sort(key=json.dumps)  # a set has no order of its own, its text must have one
        return {"~": _CONTAINERS[type(value)], "of": items}

    def _dataclass(self, value: Any, fields: tuple[str, ...]) -> Any:
        encoded = {}
        for field in fields:
            try:
                encoded[field] = self.encode(getattr(value, field))
            except NotStorable as error:
                raise error.inside(f".{field}") from error.__cause__
        return {"~": "dataclass", "type": class_name(type(value)), "fields": encoded}

    def _enum(self, value: Enum) -> Any:
        return {"~": "enum", "type": class_name(type(value)), "name": classes.member_name(value)}


class Decoder:
    """One value on its way out of the store; the rooms call ``decode`` and ``blob``."""

    def __init__(self, find: Find, codecs: Sequence[Codec], packages: frozenset[str]) -> None:
        self.tensors: Mapping[str, Any] = {}
        self.mapped = 0
        self._find = find
        self._codecs = {codec.name: codec for codec in codecs}
        self._packages = packages

    def decode(self, node: Any) -> Any:
        """The value of a JSON tree."""
        cls = type(node)
        if cls is list:
            return node if _PLAIN.issuperset(map(type, node)) else [self.decode(item) for item in node]
        if cls is not dict:
            return node
        kind = node.get("~")
        if kind is None:
            return {key: self.decode(item) for key, item in node.items()}
        if kind in _ROOMS:
            return import_module(f"pipeline.codecs.{_ROOMS[kind]}").decode(node, self)
        make = _MAKERS.get(kind)
        if make is None:
            raise Damaged(f"a stored result holds a {kind!r}, which this version does not know")
        return make(self, node)

    def blob(self, ref: str) -> Blob:
        """The binary content that the tree refers to."""
        return from_ref(ref, self._find)

    def pairs(self, node: Any) -> Iterable[tuple[Any, Any]]:
        """The items of a dictionary whose keys are not all text."""
        values = [self.decode(item) for item in node["of"]]
        return zip(values[::2], values[1::2], strict=True)

    def read(self, node: Any) -> bytes:
        """Plain bytes."""
        return read_ref(node["blob"], self._find)

    def record(self, node: Any) -> Any:
        """A dataclass of an allowed package."""
        cls = classes.find(node["type"], self._packages)
        return classes.make(cls, {name: self.decode(item) for name, item in node["fields"].items()})

    def by_codec(self, node: Any) -> Any:
        """A value that a plugin's codec makes."""
        codec = self._codecs.get(node["name"])
        if codec is None:
            raise StoreError(f"a stored result needs the codec for {node['name']!r}: load the plugin that offers it")
        return codec.decode(self.decode(node["of"]))


_MAKERS: dict[str, Callable[[Decoder, Any], Any]] = {
    "tuple": lambda decoder, node: tuple(decoder.decode(node["of"])),
    "set": lambda decoder, node: set(decoder.decode(node["of"])),
    "frozenset": lambda decoder, node: frozenset(decoder.decode(node["of"])),
    "dict": lambda decoder, node: dict(decoder.pairs(node)),
    "OrderedDict": lambda decoder, node: OrderedDict(decoder.pairs(node)),
    "bytes": Decoder.read,
    "int": lambda decoder, node: int(node["of"], 16),
    "complex": lambda decoder, node: complex(*node["of"]),
    "path": lambda decoder, node: Path(node["of"]),
    "dataclass": Decoder.record,
    "enum": lambda decoder, node: classes.member(classes.find(node["type"], decoder._packages), node["name"]),
    "codec": Decoder.by_codec,
}


def _is_short(value: Any) -> bool:
    """Whether JSON may hold it: readers refuse integers of thousands of digits, so those above 64 bits are tagged."""
    return type(value) is not int or value.bit_length() <= 64


def _integer(value: int) -> Any:
    return value if _is_short(value) else {"~": "int", "of": hex(value)}
