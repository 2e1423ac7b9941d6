"""Pipeline file + plugins -> runs of ordered steps, checked as a whole before anything is executed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.errors import Problem, RequestError, closest, listing
from pipeline.overrides import apply
from pipeline.plugins import Plugins
from pipeline.source import Override, Path, Source
from pipeline.source.writer import Written
from pipeline.spec import TOP_LEVEL, PipelineSpec, StageSpec, VariantSpec, validate
from pipeline.step import RunPlan, Step
from pipeline.wiring import Menu, wire

if TYPE_CHECKING:
    from pipeline.sweep_spec import SweepSpec

V = TypeVar("V")


@dataclass(frozen=True)
class Plan:
    """A checked pipeline: the specification, where each value came from, and the runs that it expands into."""

    spec: PipelineSpec
    source: Source
    plugins: Plugins
    runs: tuple[RunPlan, ...]

    @property
    def experiment(self) -> str:
        """The name of the MLflow experiment."""
        return self.spec.name

    @property
    def unread(self) -> frozenset[str]:
        """Stages of the file that cannot be looked at, for their code is not known; only where there are problems."""
        written = self.source.data.get("stages")
        return frozenset(written if isinstance(written, dict) else ()) - {s.name for r in self.runs for s in r.steps}

    def until(self, name: str) -> Plan:
        """The plan cut after the stage ``name``, runs that become equal merged."""
        known = {step.name for step in self.runs[0].steps}
        if name not in known:
            hint = f"Stages: {listing(known)}."
            raise RequestError(Problem(f"--until names no stage: {name!r}", None, closest(name, known), hint))
        return replace(self, runs=tuple(run.until(name) for run in self.runs))


Examine = Callable[[Plan], Iterable[Problem]]


def build(
    source: Source,
    plugins: Plugins,
    overrides: Sequence[Override] = (),
    *,
    name: str = "",
    examine: Examine = lambda plan: (),
) -> Plan:
    """Check everything and expand variants and seeds; RequestError with every problem found.

    name: the experiment's name where the file gives none.
    examine: finds problems of a section that is not read here. It is also given a plan that has other problems, with
    the stages that can be looked at, so that everything is told in one pass.
    """
    problems = list(source.problems)
    for override in overrides:
        problems += apply(override, source, plugins)
    spec, found = validate(_model(source), source.data, source)
    problems += found
    names, stages = _stages(spec, source)
    menu, found = _menu(stages, source, plugins)
    problems += found + wire(names, menu, source)
    if spec is not None:
        problems += [Problem(wrong, source.origin(("requires", pin))) for pin, wrong in plugins.require(spec.requires)]
        problems += _contradictions(spec, source)
    if problems or spec is None:
        problems += examine(_partial(spec, stages, menu, source, plugins))
        raise RequestError(_in_order(problems))
    spec = spec if spec.name else spec.model_copy(update={"name": name or "experiment"})
    plan = Plan(spec, source, plugins, tuple(_expand(spec, menu, _ordered)))
    if wrong := list(examine(plan)):
        raise RequestError(_in_order(wrong))
    return plan


def _model(source: Source) -> type[PipelineSpec]:
    if "sweep" not in source.data:
        return PipelineSpec
    from pipeline.sweep_spec import SweepingSpec

    return SweepingSpec


def _partial(
    spec: PipelineSpec | None, stages: Mapping[str, StageSpec], menu: Menu, source: Source, plugins: Plugins
) -> Plan:
    """What can be looked at of a file with problems: the stages whose code is known, in no order."""
    if spec is None:
        spec = PipelineSpec.model_construct(stages=dict(stages), sweep=_sweep(source))
    known = {name: steps for name, steps in menu.items() if len(steps) == len(stages[name].variants or [None])}
    return Plan(spec, source, plugins, tuple(_expand(spec, known, lambda steps: tuple(steps.values()))))


def _stages(spec: PipelineSpec | None, source: Source) -> tuple[Collection[str], Mapping[str, StageSpec]]:
    """The names of all stages, and the stages that can be looked at even where something else in the file is wrong."""
    if spec is not None:
        return spec.stages, spec.stages
    written = source.data.get("stages")
    if not isinstance(written, dict):
        return (), {}
    readable = {name: validate(StageSpec, stage, source, ("stages", name))[0] for name, stage in written.items()}
    return written, {name: stage for name, stage in readable.items() if stage is not None}


def _sweep(source: Source) -> SweepSpec | None:
    """What can be read of a ``sweep:`` section that may be wrong, if it names a metric."""
    written = source.data.get("sweep")
    if not isinstance(written, dict):
        return None
    from pipeline.sweep_spec import SweepSpec

    right = {
        key: value
        for key, value in written.items()
        if key in SweepSpec.model_fields and validate(SweepSpec, {"metric": "", key: value}, source)[0]
    }
    return validate(SweepSpec, right, source)[0]


def _contradictions(spec: PipelineSpec, source: Source) -> Iterator[Problem]:
    if "seed" in source.data and "seeds" in source.data:
        place = source.origin(("seeds",), key=True)
        yield Problem("both 'seed' and 'seeds' are given", place, None, "Keep one of them.")
    for name in spec.stages:
        if name in TOP_LEVEL:
            place = source.origin(("stages", name), key=True)
            hint = f"Rename the stage, for instance to {name}_stage."
            yield Problem(f"a stage cannot be called {name!r}: it is a key of the file", place, None, hint)


def _menu(stages: Mapping[str, StageSpec], source: Source, plugins: Plugins) -> tuple[Menu, list[Problem]]:
    """Every stage in every variant, its code found and its configuration validated."""
    menu: Menu = {}
    problems: list[Problem] = []
    for name, spec in stages.items():
        base: Path = ("stages", name)
        menu[name] = {}
        for variant, chosen, at in _alternatives(spec, base):
            step, found = _step(name, variant, chosen, source, at, base, plugins)
            problems += found
            if step is not None:
                menu[name][variant] = step
    return menu, problems


def _alternatives(spec: StageSpec, base: Path) -> Iterator[tuple[str | None, VariantSpec, Path]]:
    if not spec.variants:
        yield None, spec, base
        return
    for name, variant in spec.variants.items():
        merged = VariantSpec.model_construct(
            uses=variant.uses or spec.uses,
            with_={**spec.with_, **variant.with_},
            inputs={**spec.inputs, **variant.inputs},
            retries=variant.retries or spec.retries,
            timeout=variant.timeout or spec.timeout,
        )
        yield name, merged, (*base, "variants", name)


def _step(
    name: str,
    variant: str | None,
    chosen: VariantSpec,
    source: Source,
    at: Path,
    base: Path,
    plugins: Plugins,
) -> tuple[Step | None, list[Problem]]:
    if chosen.uses is None:
        hint = "Say which code it runs: uses: plugin.stage (see `pipeline stages`)."
        return None, [Problem(f"stage {name!r} does not say what it uses", source.origin(at, key=True), None, hint)]
    try:
        stage_class = plugins.stage(chosen.uses)
    except RequestError as error:
        where = at if (*at, "uses") in source.values else base
        return None, [p._replace(origin=source.origin((*where, "uses"))) for p in error.problems]
    # A variant's own value stands in the variant, a shared one in the stage: errors must point at the right line.
    view = _overlaid(source, (*base, "with"), (*at, "with")) if variant is not None else source
    see = f"See `pipeline stages {chosen.uses}`."
    stage, problems = validate(stage_class, chosen.with_, view, (*at, "with"), chosen.uses, see)
    if stage is None:
        # A wrong field is no reason to be silent about wrong wiring.
        stage = stage_class.model_construct()
    secrets = _secrets(chosen.with_, source, (*at, "with"), (*base, "with"))
    inputs = {key: value if isinstance(value, str) else tuple(value) for key, value in chosen.inputs.items()}
    return Step(name, chosen.uses, stage, inputs, variant, chosen.retries, chosen.timeout, secrets), problems


def _secrets(given: Mapping[str, Any], source: Source, own: Path, shared: Path) -> dict[str, Any]:
    """The fields that hold something from the environment, as they were written."""
    written: dict[str, Any] = {}
    for name, value in given.items():
        place = (*own, name) if (*own, name) in source.values else (*shared, name)
        for path, text in source.secrets.items():
            if path[: len(place)] == place:
                written[name] = _with_text(written.get(name, value), path[len(place) :], Written(text))
    return written


def _with_text(value: Any, path: Path, text: str) -> Any:
    """A copy of ``value`` with ``text`` at ``path``."""
    if not path:
        return text
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = _with_text(copy[path[0]], path[1:], text)
    return copy


def _overlaid(source: Source, shared: Path, own: Path) -> Source:
    """The source with the values below ``shared`` standing below ``own`` too, wherever ``own`` says nothing itself."""

    def below(table: Mapping[Path, V]) -> dict[Path, V]:
        moved = {(*own, *path[len(shared) :]): value for path, value in table.items() if path[: len(shared)] == shared}
        return {**moved, **table}

    return replace(source, values=below(source.values), keys=below(source.keys), secrets=below(source.secrets))


def _expand(
    spec: PipelineSpec, menu: Menu, order: Callable[[Mapping[str, Step]], tuple[Step, ...]]
) -> Iterator[RunPlan]:
    varied = [name for name in menu if None not in menu[name]]
    for chosen in product(*(menu[name] for name in varied)):
        variants = {name: str(variant) for name, variant in zip(varied, chosen, strict=True)}
        steps = {name: menu[name][variants.get(name)] for name in menu}
        ordered = order(steps)
        for seed in spec.seed_list:
            yield RunPlan(variants, seed, ordered)


def _ordered(steps: Mapping[str, Step]) -> tuple[Step, ...]:
    """Topological order; among the stages that could come next, the file's order."""
    ordered: dict[str, Step] = {}
    while len(ordered) < len(steps):
        ready = (s for n, s in steps.items() if n not in ordered and all(up in ordered for up in s.upstream))
        step = next(ready)
        ordered[step.name] = step
    return tuple(ordered.values())


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once, by place in the file."""
    unique = list(dict.fromkeys(problems))
    return sorted(unique, key=lambda p: (p.origin.where, p.origin.line, p.origin.column) if p.origin else ("", 0, 0))
