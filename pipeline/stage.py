"""Stage: the one concept that a plugin author learns.

A stage is a pydantic model: its fields are its configuration, ``run()`` is its work. The parameters of ``run()`` name
and type what it needs, its return annotation what it makes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from inspect import Parameter, getdoc, signature
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict

from pipeline.context import Context
from pipeline.errors import RequestError


class _ContentMatters:
    """Marks a path field whose file or folder is part of what the stage depends on."""


DataPath = Annotated[Path, _ContentMatters()]
"""A path to data: the cache key holds the content that it points to, not its name."""


class Input(NamedTuple):
    """One parameter of ``run()``: what it takes, and whether the stage can do without it.

    ``many`` says that it takes several stages' outputs as a dictionary by stage name (``dict[str, X]``).
    """

    type: Any
    required: bool
    many: bool = False


class Interface(NamedTuple):
    """What a stage class needs and makes, read off the signature of its ``run()``."""

    inputs: Mapping[str, Input]
    output: Any
    context: str | None


class Stage(BaseModel):
    """Base of all stages.

    emits: the metrics that the stage logs, and which way is better: ``"max"``, ``"min"`` or None where it is neither. A
        property may stand in its place where the names depend on the configuration.
    per_step: those of them that are logged with a step, so that a sweep's scheduler can stop the stage early.
    measured: those that measure time or memory: they are never the same twice, and nobody expects it of them.
    seeded: whether the result depends on ``context.seed``; only then is the seed part of the cache key.
    """

    # The catalogue holds many stages and a pipeline uses few: a stage's validator is built when it is first needed.
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False, defer_build=True)

    emits: ClassVar[Mapping[str, str | None]] = {}
    per_step: ClassVar[tuple[str, ...]] = ()
    measured: ClassVar[tuple[str, ...]] = ()
    seeded: ClassVar[bool] = False

    @classmethod
    def stage_name(cls) -> str:
        """The name in ``uses: plugin.name``: the class name in snake case."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring."""
        return (getdoc(cls) or "").strip().split("\n")[0] if cls.__doc__ else ""

    @classmethod
    def interface(cls) -> Interface:
        """Inputs, output and context parameter of ``run()``; RequestError where they cannot be read."""
        return _interface(cls)

    @classmethod
    def data_paths(cls) -> tuple[str, ...]:
        """Names of the fields whose content is part of the cache key."""
        return tuple(
            name
            for name, info in cls.model_fields.items()
            if any(isinstance(mark, _ContentMatters) for mark in info.metadata) or _mentions_data_path(info.annotation)
        )


def _mentions_data_path(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return any(isinstance(mark, _ContentMatters) for mark in annotation.__metadata__)
    return any(_mentions_data_path(part) for part in get_args(annotation))


@cache
def _interface(cls: type[Stage]) -> Interface:
    run = getattr(cls, "run", None)
    if run is None:
        raise RequestError(f"stage {cls.__qualname__} of {cls.__module__} has no run() method")
    try:
        hints = get_type_hints(run)
    except NameError as error:
        raise RequestError(
            f"the annotations of {cls.__qualname__}.run() in {cls.__module__} cannot be read: {error}; "
            "import the types it names at the top of the module"
        ) from error
    if "return" not in hints:
        raise RequestError(f"{cls.__qualname__}.run() in {cls.__module__} does not say what it returns: add '-> Type'")
    context: str | None = None
    inputs: dict[str, Input] = {}
    for name, parameter in list(signature(run).parameters.items())[1:]:
        if name not in hints or parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
            raise RequestError(f"parameter {name!r} of {cls.__qualname__}.run() in {cls.__module__} has no plain type")
        if hints[name] is Context:
            context = name
        else:
            many = get_origin(hints[name]) in (dict, Mapping)
            item = get_args(hints[name])[1] if many else hints[name]
            inputs[name] = Input(item, required=parameter.default is Parameter.empty, many=many)
    return Interface(inputs, hints["return"], context)


def accepts(wanted: Any, made: Any) -> bool:
    """Whether a value annotated ``made`` may be passed where ``wanted`` is asked for."""
    if wanted is Any or made is Any or isinstance(wanted, TypeVar) or wanted == made:
        return True
    if wanted is float and made is int:  # as everywhere in Python's typing
        return True
    for union in (Union, UnionType):
        if get_origin(made) is union:
            return all(accepts(wanted, part) for part in get_args(made))
        if get_origin(wanted) is union:
            return any(accepts(part, made) for part in get_args(wanted))
    wanted_class, made_class = get_origin(wanted) or wanted, get_origin(made) or made
    if not (isinstance(wanted_class, type) and isinstance(made_class, type)):
        return False
    if not issubclass(made_class, wanted_class):
        return False
    wanted_parts, made_parts = get_args(wanted), get_args(made)
    if not wanted_parts or not made_parts:
        return True
    return len(wanted_parts) == len(made_parts) and all(map(accepts, wanted_parts, made_parts))


def type_name(annotation: Any) -> str:
    """An annotation as a person writes it: ``Split[Images]``."""
    if annotation is None or annotation is type(None):
        return "None"
    if annotation is Ellipsis:
        return "..."
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return " | ".join(map(type_name, parts))
    if origin is Annotated:
        return type_name(parts[0])
    name = getattr(origin or annotation, "__name__", str(annotation))
    if not parts:
        return str(name)
    return f"{name}[{', '.join(type_name(part) if not isinstance(part, str) else repr(part) for part in parts)}]"
