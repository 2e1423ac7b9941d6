"""Writes a command-line override into the source of a pipeline: any value of the file can be set from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.errors import Problem, RequestError, closest, listing
from pipeline.plugins import Plugins
from pipeline.source import Override, Path, Source
from pipeline.spec import TOP_LEVEL

_SPACE = "sweep.space."


def apply(override: Override, source: Source, plugins: Plugins) -> list[Problem]:
    """Write one command-line override into the source, or say why it cannot be."""
    try:
        return _apply(override, source, plugins)
    except RequestError as error:
        return list(error.problems)


def _apply(override: Override, source: Source, plugins: Plugins) -> list[Problem]:
    stages = source.data.get("stages")
    stages = stages if isinstance(stages, dict) else {}
    if override.key.startswith(_SPACE):
        # The keys below are names of dimensions, which have dots and brackets of their own.
        source.set((*_SPACE.split(".")[:2], override.key.removeprefix(_SPACE)), override.value, override.origin)
        return []
    first, rest = override.path[0], override.path[1:]
    key = override.origin._replace(column=1)
    if first in TOP_LEVEL and first not in stages:
        if first in ("seed", "seeds"):
            source.data.pop("seeds" if first == "seed" else "seed", None)
        source.set(override.path, override.value, override.origin)
        return []
    if first not in stages:
        names = [*stages, *TOP_LEVEL]
        hint = f"Stages: {listing(stages)}." if stages else None
        return [Problem(f"{first!r} is no stage of this pipeline", key, closest(first, names), hint)]
    stage = stages[first] if isinstance(stages[first], dict) else {}
    variants = stage.get("variants")
    variants = variants if isinstance(variants, dict) else {}
    if not rest:
        return _choose(first, variants, override, source)
    if override.variant is not None and override.variant not in variants:
        meant = closest(override.variant, variants)
        hint = f"Variants: {listing(variants)}." if variants else "It has no variants."
        return [Problem(f"stage {first!r} has no variant {override.variant!r}", key, meant, hint)]
    base: Path = ("stages", first)
    if not variants:
        source.set((*base, "with", *rest), override.value, override.origin)
        return []
    chosen = [override.variant] if override.variant else _variants_with(rest[0], stage, variants, plugins)
    for variant in chosen or list(variants):
        if variants[variant] is None:
            source.set((*base, "variants", variant), {}, override.origin)
        source.set((*base, "variants", variant, "with", *rest), override.value, override.origin)
    return []


def _choose(stage: str, variants: Mapping[str, Any], override: Override, source: Source) -> list[Problem]:
    wanted = override.value if isinstance(override.value, list) else [override.value]
    if not variants:
        hint = f"To set a field write {stage}.FIELD=VALUE."
        return [Problem(f"stage {stage!r} has no variants to choose from", override.origin, None, hint)]
    for name in wanted:
        if str(name) not in variants:
            hint = f"Variants: {listing(variants)}."
            meant = closest(str(name), variants)
            return [Problem(f"stage {stage!r} has no variant {str(name)!r}", override.origin, meant, hint)]
    for name in [name for name in variants if name not in {str(w) for w in wanted}]:
        del source.data["stages"][stage]["variants"][name]
    return []


def _variants_with(
    field_name: str, stage: Mapping[str, Any], variants: Mapping[str, Any], plugins: Plugins
) -> list[str]:
    """The variants whose stage class has the field."""
    found = []
    for name, variant in variants.items():
        uses = (variant or {}).get("uses", stage.get("uses")) if isinstance(variant or {}, dict) else None
        stage_class = plugins.known_stage(uses) if isinstance(uses, str) else None
        if stage_class is not None and field_name in stage_class.model_fields:
            found.append(name)
    return found
