"""Dataclasses and enumerations: the only stored names that are turned into something callable."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Collection
from enum import Enum
from functools import cache
from importlib import import_module
from inspect import Parameter, signature
from typing import Any

from pipeline.codecs.base import Damaged, NotStorable, class_name
from pipeline.digests import digest_text
from pipeline.errors import StoreError, listing

PACKAGES = frozenset({"pipeline", "plugins"})
"""Top-level packages whose dataclasses and enumerations may be made when loading, unless told otherwise."""


def is_record(cls: type) -> bool:
    """Whether values of the class are stored by their fields or their name."""
    return dataclasses.is_dataclass(cls) or issubclass(cls, Enum)


def find(name: str, packages: Collection[str]) -> type[Any]:
    """The class that a stored name means; StoreError unless it is a dataclass or enumeration of an allowed package."""
    module_name, _, qualified = name.partition(":")
    if module_name.partition(".")[0] not in packages:
        raise StoreError(
            f"a stored result names {name!r}, which is outside the packages that results may come from "
            f"({listing(packages)}): it was not loaded. If it is yours, load the plugin that defines it; "
            "else run 'pipeline cache clear'"
        )
    try:
        found: Any = sys.modules.get(module_name) or import_module(module_name)
        for part in qualified.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise Damaged(f"a stored result needs {name!r}, which is not there any more ({error})") from error
    # The name must be the class's own: an allowed module's imports must not lend it the classes of others.
    if not isinstance(found, type) or not is_record(found) or class_name(found) != name:
        raise StoreError(f"a stored result names {name!r}, which is no dataclass or enumeration: it was not loaded")
    return found


@cache
def check(cls: type, packages: frozenset[str] | None) -> tuple[str, ...]:
    """The fields of a dataclass that can be stored and made again; NotStorable where loading it would fail."""
    name = class_name(cls)
    if "<locals>" in name:
        raise NotStorable(f"{name} is defined inside a function; define it at the top level of its module")
    if packages is not None and cls.__module__.partition(".")[0] not in packages:
        raise NotStorable(
            f"{name} is not from a loaded plugin ({listing(packages)}), and loading makes no other classes; "
            "return a dataclass of your plugin's own, or add a codec"
        )
    if issubclass(cls, Enum):
        return ()
    record: Any = cls
    fields = tuple(field.name for field in dataclasses.fields(record))
    for parameter in signature(cls).parameters.values():
        variadic = parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        if parameter.name not in fields and parameter.default is Parameter.empty and not variadic:
            raise NotStorable(
                f"{name} cannot be made again from its fields, because its constructor needs {parameter.name!r}; "
                "make it a field, or add a codec"
            )
    return fields


def code_digest(cls: type) -> str:
    """The digest of the code behind a class.

    It is part of an artifact's content: whoever receives the artifact can call its methods, so when these change,
    what is computed from it must be computed again.
    """
    from pipeline.code import reach

    return digest_text(json.dumps(reach(cls).modules))


def make(cls: type[Any], values: dict[str, Any]) -> Any:
    """A dataclass with these field values; Damaged where its fields are others today."""
    fields = dataclasses.fields(cls)
    if unknown := sorted({field.name for field in fields} ^ values.keys()):
        raise Damaged(f"a stored {class_name(cls)} was written with other fields ({listing(unknown)})")
    try:
        made = cls(**{field.name: values[field.name] for field in fields if field.init})
    except (TypeError, ValueError) as error:
        raise Damaged(f"a stored {class_name(cls)} is refused by the class of today: {error}") from error
    for field in fields:
        if not field.init:
            object.__setattr__(made, field.name, values[field.name])  # frozen classes refuse plain assignment
    return made


def member_name(value: Enum) -> str:
    """The name of an enumeration's member; NotStorable for a combination of flags that has none."""
    name = value.name
    if name not in type(value).__members__:
        raise NotStorable(f"{value!r} is no single member of {class_name(type(value))}; store a list of members")
    return name


def member(cls: type[Any], name: str) -> Any:
    """The member of an enumeration with a name; Damaged where it has gone."""
    if not issubclass(cls, Enum) or name not in cls.__members__:
        raise Damaged(f"a stored result needs {class_name(cls)}.{name}, which is not there any more")
    return cls[name]
