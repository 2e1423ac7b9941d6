"""What a shell proposes after TAB: names of stages and plugins, and the overrides that a pipeline file allows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

TOP = ("seed=", "seeds=", "name=")


def stage_names(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """Plugins and stages, for ``pipeline stages NAME``."""
    from pipeline.plugins import Plugins

    plugins = Plugins.load()
    return [name for name in sorted({*plugins.found, *plugins.stages}) if name.startswith(typed)]


def overrides(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """``model.latent_dim=`` and ``model=VARIANT`` of the file that stands before; nothing where it cannot be read."""
    from pipeline.errors import PipelineError

    try:
        return [word for word in _overrides(Path(context.params["file"])) if word.startswith(typed)]
    except (KeyError, TypeError, OSError, PipelineError):
        return []


def _overrides(file: Path) -> Iterator[str]:
    from pipeline.plugins import Plugins
    from pipeline.source import read

    plugins = Plugins.load()
    yield from TOP
    stages = read(file).data.get("stages")
    for name, stage in stages.items() if isinstance(stages, dict) else ():
        if not isinstance(stage, dict):
            continue
        variants = stage.get("variants")
        variants = variants if isinstance(variants, dict) else {}
        yield from (f"{name}={variant}" for variant in variants)
        code = {stage.get("uses"), *(v.get("uses") for v in variants.values() if isinstance(v, dict))}
        yield from (f"{name}.{field}=" for field in dict.fromkeys(_fields(plugins, code)))


def _fields(plugins: Any, code: set[Any]) -> Iterator[str]:
    for uses in sorted(name for name in code if isinstance(name, str)):
        cls = plugins.known_stage(uses)
        yield from cls.model_fields if cls is not None else ()
