"""What a well-behaved plugin satisfies, as named checks."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from importlib import import_module
from pathlib import PurePath
from types import ModuleType, NoneType
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from pipeline import hooks
from pipeline.installed import offers
from pipeline.plugins import Plugins
from pipeline.stage import Stage, type_name
from pipeline.testing.example import example_checks

HEAVY_LIBRARIES = ("torch", "sklearn", "scipy", "pandas", "ray", "mlflow", "matplotlib")
"""What no plugin may import before a stage runs: `pipeline --help`, `check` and `plan` would be slow for everybody."""

_SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*")
_PLAIN = (bool, int, float, complex, str, bytes, NoneType, Enum, PurePath)
_STORABLE_LIBRARIES = ("numpy", "torch", "pandas", "scipy")


@dataclass(frozen=True)
class Check:
    """A requirement with a name, ``vae.fit has a docstring``; calling it raises AssertionError where it is not met."""

    name: str
    function: Callable[[], None]

    def __call__(self) -> None:
        """Check."""
        self.function()

    def __str__(self) -> str:
        return self.name


def conformance_checks(
    plugin: str | ModuleType, example: str | os.PathLike[str] | None = None, overrides: Iterable[str] = ()
) -> list[Check]:
    """Everything that a well-behaved plugin satisfies, as named functions that raise AssertionError.

    plugin: its module, or the name of its module or of its entry point.
    example: a pipeline file that uses its stages; with it the suite also runs them, twice, so it should be quick.
    overrides: words such as ``"model.epochs=2"`` that make the example quick.
    """
    name, module = _resolved(plugin)
    plugins = Plugins.load()
    if name not in plugins.found:
        plugins.add_module(name, module)
    checks = [
        Check(f"{name} is loaded", partial(_is_loaded, plugins, name)),
        Check(f"{name} imports nothing heavy", partial(_imports_nothing_heavy, module.__name__)),
        Check(f"{name} marks its hooks", partial(_marks_hooks, module)),
    ]
    for uses in plugins.found[name].stages:
        cls = plugins.stages[uses]
        checks += [Check(f"{uses} {title}", partial(check, cls)) for title, check in _STAGE_CHECKS.items()]
    if example is not None:
        checks += [
            Check(f"{name} {title}", check) for title, check in example_checks(plugins, example, tuple(overrides))
        ]
    return checks


def check_plugin(
    plugin: str | ModuleType, example: str | os.PathLike[str] | None = None, overrides: Iterable[str] = ()
) -> None:
    """Run all ``conformance_checks`` and raise one AssertionError that names every failure."""
    failures = []
    for check in conformance_checks(plugin, example, overrides):
        try:
            check()
        except AssertionError as error:
            failures.append(f"{check}: {error}")
    assert not failures, "\n".join(failures)


def _resolved(plugin: str | ModuleType) -> tuple[str, ModuleType]:
    """The plugin's name and module; one that is not installed is named like its package, or like its module."""
    installed = {offer.name: offer.module for offer in offers(hooks.GROUP)}
    if isinstance(plugin, str):
        plugin = import_module(installed.get(plugin, plugin))
    for name, module in installed.items():
        if module == plugin.__name__:
            return name, plugin
    *packages, last = plugin.__name__.split(".")
    return (packages[-1] if packages and last == "stages" else last), plugin


def _is_loaded(plugins: Plugins, name: str) -> None:
    plugin = plugins.found[name]
    assert plugin.state == "loaded", f"it is {plugin.state}: {plugin.reason}"


def _imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set({HEAVY_LIBRARIES!r}) & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"importing {module} in a fresh interpreter fails: {done.stderr.strip()[-1000:]}"
    loaded = done.stdout.split()
    assert not loaded, f"importing {module} imports {', '.join(loaded)}: import it inside run(), or in a module that is"


def _marks_hooks(module: ModuleType) -> None:
    for name, value in vars(module).items():
        if callable(value) and hasattr(hooks, name) and name.startswith("pipeline_"):
            assert hasattr(value, "pipeline_impl"), f"{name}() is never called: put @hookimpl above it"


def _has_a_docstring(cls: type[Stage]) -> None:
    summary = cls.summary()
    right = re.fullmatch(r"[^a-z\s].*[.!?]", summary)
    assert right, f"the first line of the docstring must be a sentence that says what it does. Got {summary!r} instead."


def _describes_its_fields(cls: type[Stage]) -> None:
    silent = [name for name, info in cls.model_fields.items() if not info.description]
    assert not silent, f"fields without a description: {', '.join(silent)}; write Field(..., description='...')"


def _annotates_run(cls: type[Stage]) -> None:
    cls.interface()


def _returns_what_can_be_stored(cls: type[Stage]) -> None:
    for part in _parts(cls.interface().output):
        assert part is not Any, "run() must say what it returns, not Any"
        shown = type_name(part)
        if dataclasses.is_dataclass(part) and isinstance(part, type):
            frozen = getattr(part, "__dataclass_params__").frozen  # noqa: B009  # typeshed does not know it
            assert frozen, f"{shown} must be frozen: @dataclass(frozen=True)"
            assert "<locals>" not in part.__qualname__, f"{shown} must be defined at the top of its module"
        elif isinstance(part, type) and not issubclass(part, _PLAIN):
            known = part.__module__.split(".")[0] in _STORABLE_LIBRARIES
            assert known, f"{shown} is no frozen dataclass; the store keeps dataclasses of arrays, tensors, data frames"


def _parts(annotation: Any) -> Iterator[Any]:
    """The classes that an annotation is made of, containers opened: ``dict[str, Table | None]``."""
    origin = get_origin(annotation) or annotation
    if origin in (dict, list, tuple, set, frozenset) or not isinstance(origin, type):
        yield from (p for part in get_args(annotation) if part is not Ellipsis for p in _parts(part))
        if annotation is Any:
            yield annotation
    elif not isinstance(annotation, TypeVar):
        yield origin


def _declares_its_metrics(cls: type[Stage]) -> None:
    declared: Any = cls
    if isinstance(cls.emits, property):
        try:
            declared = cls()
        except ValidationError:  # what it emits depends on fields that have no default
            return
    for name, direction in declared.emits.items():
        assert all(map(_SNAKE_CASE.fullmatch, name.split("/"))), f"the metric {name!r} must be in snake_case"
        choices = "'max', 'min' or None (neither is better)"
        assert direction in ("max", "min", None), f"emits[{name!r}] must be {choices}. Got {direction!r} instead."
    unknown = set(declared.per_step) - set(declared.emits)
    assert not unknown, f"per_step names metrics that emits does not: {', '.join(sorted(unknown))}"


def _has_valid_defaults(cls: type[Stage]) -> None:
    for name, info in cls.model_fields.items():
        if not info.is_required():
            default = info.get_default(call_default_factory=True, validated_data={})
            try:
                TypeAdapter(_annotated(info)).validate_python(default)
            except ValueError as error:
                raise AssertionError(f"the default of {name!r} is not valid: {error}") from error


def _annotated(info: FieldInfo) -> Any:
    return Annotated[info.annotation, info] if info.metadata else info.annotation


def _uses_snake_case(cls: type[Stage]) -> None:
    for name in (cls.stage_name(), *cls.model_fields):
        assert _SNAKE_CASE.fullmatch(name), f"{name!r} must be in snake_case"


def _has_a_json_schema(cls: type[Stage]) -> None:
    schema = cls.model_json_schema()
    assert set(cls.model_fields) == set(schema.get("properties", {})), "the JSON Schema does not name every field"
    json.dumps(schema)


_STAGE_CHECKS: dict[str, Callable[[type[Stage]], None]] = {
    "has a docstring": _has_a_docstring,
    "describes its fields": _describes_its_fields,
    "annotates run()": _annotates_run,
    "returns what can be stored": _returns_what_can_be_stored,
    "declares its metrics": _declares_its_metrics,
    "has valid defaults": _has_valid_defaults,
    "uses snake_case": _uses_snake_case,
    "has a JSON Schema": _has_a_json_schema,
}
