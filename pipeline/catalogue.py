"""What the installed plugins offer, told as plain data: the catalogue of stages, and one stage in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import cleandoc
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from pipeline.plugins import Plugin, Plugins
from pipeline.source.writer import to_yaml
from pipeline.stage import Stage, type_name

_BOUNDS = {
    "gt": "> {}",
    "ge": ">= {}",
    "lt": "< {}",
    "le": "<= {}",
    "multiple_of": "a multiple of {}",
    "min_length": "length >= {}",
    "max_length": "length <= {}",
    "pattern": "like {}",
}


def stage_rows(plugins: Plugins, plugin: str | None = None) -> list[dict[str, str]]:
    """One row for each stage, or for each stage of one plugin: what to write, what it does, what it makes."""
    return [
        {"uses": uses, "summary": cls.summary(), "makes": type_name(cls.interface().output)}
        for uses, cls in sorted(plugins.stages.items())
        if plugin is None or uses.split(".")[0] == plugin
    ]


def plugin_rows(plugins: Plugins) -> list[dict[str, Any]]:
    """One row for each plugin, loaded or not."""
    return [_plugin(plugin) for _, plugin in sorted(plugins.found.items())]


def stage_document(plugins: Plugins, uses: str) -> dict[str, Any]:
    """Everything about one stage; RequestError if there is none of that name."""
    cls = plugins.stage(uses)
    interface = cls.interface()
    plugin = plugins.found[uses.split(".")[0]]
    return {
        "uses": uses,
        "plugin": plugin.name,
        "version": plugin.version,
        "origin": plugin.origin,
        "summary": cls.summary(),
        "description": cleandoc(cls.__doc__ or ""),
        "fields": [_field(name, info) for name, info in cls.model_fields.items()],
        "inputs": [
            {"name": name, "type": type_name(given.type), "required": given.required, "many": given.many}
            for name, given in interface.inputs.items()
        ],
        "output": type_name(interface.output),
        "metrics": _metrics(cls),
        "seeded": cls.seeded,
        "yaml": snippet(uses, cls),
    }


def snippet(uses: str, cls: type[Stage]) -> str:
    """The stage as it may stand in a pipeline file, every field with its default, required ones left to fill in."""
    lines = [f"{cls.stage_name()}:", f"  uses: {uses}"]
    if cls.model_fields:
        lines.append("  with:")
        lines += [f"    {_entry(name, info)}" for name, info in cls.model_fields.items()]
    if inputs := cls.interface().inputs:
        lines.append("  inputs:  # not needed where a stage has the input's name")
        lines += [f"    {n}: {f'[{n}]' if i.many else n}  # {type_name(i.type)}" for n, i in inputs.items()]
    return "\n".join(lines)


def bounds(info: FieldInfo) -> str:
    """What a field's value must satisfy beyond its type: ``> 0, <= 1``."""
    return ", ".join(_bounds(info))


def _bounds(info: FieldInfo) -> Iterator[str]:
    for mark in info.metadata:
        for attribute, sentence in _BOUNDS.items():
            value = getattr(mark, attribute, None)
            if value is not None:
                yield sentence.format(value)


def _field(name: str, info: FieldInfo) -> dict[str, Any]:
    return {
        "name": name,
        "type": type_name(info.annotation),
        "required": info.is_required(),
        "default": _default(info),
        "bounds": bounds(info),
        "description": info.description or "",
    }


def _default(info: FieldInfo) -> Any:
    return (
        None
        if info.is_required()
        else to_jsonable_python(info.get_default(call_default_factory=True, validated_data={}))
    )


def _entry(name: str, info: FieldInfo) -> str:
    about = f" {info.description}" if info.description else ""
    if info.is_required():
        return f"{name}:  # required, {type_name(info.annotation)}.{about}"
    return f"{name}: {to_yaml(_default(info), one_line=True)}" + (f"  #{about}" if about else "")


def _metrics(cls: type[Stage]) -> list[dict[str, Any]] | None:
    """The metrics that the stage declares; None where they depend on a configuration that has no default."""
    source: Any = cls
    if isinstance(getattr(cls, "emits", None), property) or isinstance(getattr(cls, "per_step", None), property):
        try:
            source = cls()
        except ValidationError:
            return None
    emits: Mapping[str, str | None] = source.emits
    return [{"name": n, "direction": d, "per_step": n in source.per_step} for n, d in emits.items()]


def _plugin(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "version": plugin.version or None,
        "origin": plugin.origin,
        "state": plugin.state,
        "reason": plugin.reason or None,
        "stages": list(plugin.stages),
    }
