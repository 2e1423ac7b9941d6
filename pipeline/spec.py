"""What a pipeline file may say, and how a wrong value is told: one sentence, with its place in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from pipeline.errors import Problem, closest, listing
from pipeline.source import Path, Source

M = TypeVar("M", bound=BaseModel)

_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_DURATION = r"^\s*(\d+(?:\.\d+)?)\s*([smhd])\s*$"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(value: Any) -> Any:
    """Seconds of ``90``, ``90s``, ``10m``, ``1.5h`` or ``2d``; anything else is left for the validation to refuse."""
    if isinstance(value, str) and (match := re.match(_DURATION, value)):
        return float(match[1]) * _UNITS[match[2]]
    if isinstance(value, str):
        raise ValueError("must be a time such as 90s, 10m or 1.5h")
    return value


_DURATION_SCHEMA = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": _DURATION}]}
Duration = Annotated[float, BeforeValidator(seconds), Field(gt=0), WithJsonSchema(_DURATION_SCHEMA)]
Name = Annotated[str, Field(pattern=_NAME)]
VariantName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$")]


SeedCount = Annotated[int, Field(gt=0, le=10_000)]
SeedList = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]


class Section(BaseModel):
    """Base of all parts of a file."""

    # Built once, as part of the whole file, and not each by itself first.
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False, defer_build=True)


class VariantSpec(Section):
    """One way to fill a stage's place; what it leaves out it takes from the stage."""

    uses: str | None = Field(None, description="The stage's code: plugin.stage.")
    with_: dict[str, Any] = Field({}, alias="with", description="The stage's configuration: field: value.")
    inputs: dict[str, str | list[str]] = Field({}, description="Wiring by hand: parameter of run(): stage.")
    retries: int = Field(0, ge=0, description="How often a failing stage is tried again.")
    timeout: Duration | None = Field(None, description="The longest that one try may take: 90s, 10m, 1h.")


class StageSpec(VariantSpec):
    """A named stage of the pipeline."""

    variants: dict[VariantName, VariantSpec] | None = Field(
        None, min_length=1, description="Named alternatives; the pipeline runs once for each and compares them."
    )


class PipelineSpec(Section):
    """A whole pipeline file; `pipeline.sweep_spec` says what may stand under ``sweep:``."""

    name: str = Field("", max_length=200, description="The MLflow experiment; the file's name by default.")
    description: str = Field("", description="What the experiment is about, shown in MLflow.")
    seed: int | None = Field(None, ge=0, description="The run's seed; 0 by default.")
    seeds: SeedCount | SeedList | None = Field(
        None, description="Several seeds, listed or counted from 0: one run each."
    )
    requires: dict[str, str] = Field({}, description="Version ranges of plugins.")
    plugins: list[str] = Field([], description="Local plugin files, relative to this file.")
    extends: str | list[str] | None = Field(None, description="A pipeline file that this one refines.")
    stages: dict[Name, StageSpec] = Field(min_length=1, description="The stages by name.")
    sweep: Any = Field(None, description="What `pipeline sweep` searches.")

    @property
    def seed_list(self) -> list[int]:
        """The seeds to run, in order."""
        if self.seeds is None:
            return [self.seed or 0]
        return list(range(self.seeds)) if isinstance(self.seeds, int) else list(self.seeds)


TOP_LEVEL = frozenset(PipelineSpec.model_fields)


def validate(
    model: type[M], data: Any, source: Source, at: Path = (), subject: str = "", see: str | None = None
) -> tuple[M | None, list[Problem]]:
    """``data`` as a ``model``, or every Problem with its place below ``at``.

    ``subject`` is what the fields belong to ("vae.fit"), ``see`` the hint of last resort.
    """
    try:
        # Strict JSON mode is YAML's own idea of types: "3" is no number, a list fills a tuple, a string a path.
        return model.model_validate_json(json.dumps(data), strict=True), []
    except ValidationError as error:
        problems: dict[Path, Problem] = {}
        for detail in error.errors(include_url=False):
            path = at + _strip_tags(detail["loc"], data)
            problem = _problem(model, dict(detail), path, at, source, subject, see)
            # A union reports every branch that failed; the one that reached deepest is the one that was meant.
            problems.setdefault(path, problem)
        # "stage" for "stages" is one mistake, not an unknown key and a missing one.
        meant = {(*path[:-1], problem.suggestion) for path, problem in problems.items() if problem.suggestion}
        return None, [
            problem
            for path, problem in problems.items()
            if path not in meant and not any(other != path and other[: len(path)] == path for other in problems)
        ]


def _strip_tags(location: tuple[int | str, ...], data: Any) -> Path:
    """A pydantic location without the union tags that stand for no key in the data."""
    path: list[int | str] = []
    for index, part in enumerate(location):
        known = isinstance(data, Mapping) and part in data
        if known or (isinstance(data, list) and isinstance(part, int) and part < len(data)):
            path.append(part)
            data = data[part]
        elif part == "[key]":
            continue
        elif index == len(location) - 1 and isinstance(data, Mapping):
            path.append(part)
    return tuple(path)


def _problem(
    model: type[BaseModel], detail: dict[str, Any], path: Path, at: Path, source: Source, subject: str, see: str | None
) -> Problem:
    kind, name = detail["type"], str(path[-1]) if len(path) > len(at) else ""
    owner = subject or (f"{_place(path[:-1])}" if len(path) > 1 else "a pipeline file")
    if kind == "extra_forbidden":
        known = _fields_at(model, path[len(at) : -1])
        meant = closest(name, known)
        hint = None if meant else (f"Known: {listing(known)}." if known else see)
        return Problem(
            f"unknown {_noun(subject)} {name!r} of {owner}", source.origin(path, key=True), meant, hint or see
        )
    if kind == "missing":
        hint = see or f"Add '{name}:' there."
        return Problem(
            f"the {name!r} {_noun(subject)} of {owner} is missing", source.origin(path[:-1], key=True), None, hint
        )
    if "[key]" in detail["loc"]:
        hint = "Use letters, digits and underscores, beginning with a letter."
        return Problem(f"{name!r} cannot be a name here", source.origin(path, key=True), None, hint)
    got = shown(source, path, detail["input"])
    sentence = _sentence(detail)
    what = f"the {name!r} {_noun(subject)} of {owner}" if name else owner
    meant = closest(str(detail["input"]), _choices(detail)) if kind in ("literal_error", "enum") else None
    return Problem(f"{what} {sentence}. Got {got} instead.", source.origin(path), meant, see if not meant else None)


def shown(source: Source, path: Path, value: Any, limit: int = 60) -> str:
    """A value as it may be printed: as YAML writes it, a secret as its ``${NAME}``, a long one cut."""
    if any(secret[: len(path)] == path or path[: len(secret)] == secret for secret in source.secrets):
        return source.secrets.get(path, "a value with a secret")
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit] + "…"


def _noun(subject: str) -> str:
    return "field" if subject else "key"


def _place(path: Path) -> str:
    return ".".join(str(part) for part in path)


def _sentence(detail: dict[str, Any]) -> str:
    message = str(detail["msg"]).removeprefix("Value error, ")
    message = message.replace("Input should", "must").replace(", unable to parse string as a number", "")
    if detail["type"] == "too_short":
        least = detail["ctx"]["min_length"]
        return f"must have at least {least} {'item' if least == 1 else 'items'}"
    if detail["type"] == "string_pattern_mismatch":
        message = "must be made of letters, digits and underscores"
    words = {"dictionary": "mapping", "an object": "a mapping", "a valid array": "a list", "a valid list": "a list"}
    for theirs, ours in words.items():
        message = message.replace(theirs, ours)
    return message if message.startswith("must") else f"is wrong: {message}"


def _choices(detail: dict[str, Any]) -> list[str]:
    return re.findall(r"'([^']+)'", str(detail.get("ctx", {}).get("expected", "")))


def _fields_at(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that are allowed at ``path`` below ``model``, as far as annotations tell."""
    annotation: Any = model
    for part in path:
        candidates = [c for c in _models(annotation) if isinstance(part, str) and part in _names(c)]
        if candidates:
            annotation = next(i.annotation for n, i in candidates[0].model_fields.items() if part in (n, i.alias))
        else:  # the key of a mapping or the index of a list: the value's type is what matters
            annotation = get_args(annotation)[-1] if get_args(annotation) else None
    return [name for candidate in _models(annotation) for name in _names(candidate)]


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models(part)]


def _names(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]
