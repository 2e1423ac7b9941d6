"""Reads the ``space:`` of a sweep against the pipeline that it searches: every problem with its place in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pipeline.errors import Origin, Problem, RequestError, closest, listing
from pipeline.plan import Plan
from pipeline.source import Path, Source
from pipeline.step import Step
from pipeline.sweep.configure import revalidated
from pipeline.sweep.distributions import DISTRIBUTIONS, Choice, Distribution
from pipeline.sweep.space import Dimension, Space, is_variants, split_name
from pipeline.sweep_spec import SweepSpec

if TYPE_CHECKING:
    from pipeline.sweep.expressions import Expression


def read_space(plan: Plan, sweep: SweepSpec) -> tuple[Space, list[Problem]]:
    """The space of ``sweep``, and all that is wrong with it."""
    reader = _Reader(plan, sweep)
    dimensions = []
    for name, written in sweep.space.items():
        dimension, found = reader.dimension(name, written)
        reader.problems += found
        if dimension is not None:
            dimensions.append(dimension)
    dimensions.sort(key=lambda dimension: not is_variants(dimension))
    if not reader.problems:
        reader.problems += reader.unchosen_variants(dimensions)
        reader.problems += reader.double(dimensions)
    constraints = reader.constraints(dimensions)
    space = Space(tuple(dimensions), constraints)
    if constraints and not reader.problems:
        reader.problems += reader.satisfiable(space)
    return space, reader.problems


@dataclass
class _Reader:
    plan: Plan
    sweep: SweepSpec

    def __post_init__(self) -> None:
        self.problems: list[Problem] = []
        self.steps: dict[str, dict[str | None, Step]] = {}
        for run in self.plan.runs:
            for step in run.steps:
                self.steps.setdefault(step.name, {})[step.variant] = step

    @property
    def source(self) -> Source:
        return self.plan.source

    def dimension(self, name: str, written: Any) -> tuple[Dimension | None, list[Problem]]:
        at: Path = ("sweep", "space", name)
        parts = split_name(name)
        if parts is None:
            hint = "Write stage.field, stage[variant].field, or stage for the choice of its variants."
            return None, [Problem(f"{name!r} cannot be a dimension", self.source.origin(at, key=True), None, hint)]
        stage, variant, path = parts
        key = self.source.origin(at, key=True)
        if stage in self.plan.unread:
            return None, []
        if stage not in self.steps:
            meant = closest(stage, self.steps)
            return None, [
                Problem(f"dimension {name!r} names no stage: {stage!r}", key, meant, f"Stages: {listing(self.steps)}.")
            ]
        variants = [v for v in self.steps[stage] if v is not None]
        if variant is not None and variant not in variants:
            hint = f"Variants: {listing(variants)}." if variants else "It has no variants."
            message = f"dimension {name!r} names no variant of stage {stage!r}: {variant!r}"
            return None, [Problem(message, key, closest(variant, variants), hint)]
        if not path:
            return self.choice_of_variants(stage, variants, written, at)
        distribution, problem = self.distribution(name, written, at)
        having = {v: step for v, step in self.steps[stage].items() if variant is None or v == variant}
        fitting = {v: step for v, step in having.items() if path[0] in type(step.stage).model_fields}
        if not fitting:
            fields = {field for step in having.values() for field in type(step.stage).model_fields}
            uses = listing({step.uses for step in having.values()})
            hint = f"Fields: {listing(fields)}."
            return None, [Problem(f"unknown field {path[0]!r} of {uses}", key, closest(path[0], fields), hint)]
        if problem is not None or distribution is None:
            return None, [problem] if problem else []
        found: list[Problem] = []
        for step in fitting.values():
            for index, value in enumerate(distribution.probes):
                refusal = refused(step, path, value)
                if refusal is not None:
                    kind = next(iter(written))
                    place = self.source.origin((*at, kind, index))
                    message = f"the {'.'.join(path)!r} field of {step.uses} {refusal}"
                    found.append(Problem(message, place, None, f"See `pipeline stages {step.uses}`."))
        only = None if set(fitting) == set(self.steps[stage]) else tuple(str(v) for v in fitting)
        return Dimension(name, stage, path, distribution, only), found

    def choice_of_variants(
        self, stage: str, variants: list[str], written: Any, at: Path
    ) -> tuple[Dimension | None, list[Problem]]:
        key = self.source.origin(at, key=True)
        if not variants:
            hint = f"To search a field write {stage}.FIELD."
            return None, [Problem(f"stage {stage!r} has no variants to choose from", key, None, hint)]
        names = written.get("variants") if isinstance(written, Mapping) and len(written) == 1 else None
        if not isinstance(names, list) or not names:
            hint = f"Write {stage}: {{variants: [{', '.join(variants)}]}}."
            message = f"the dimension {stage!r} must be a choice of variants"
            return None, [Problem(message, self.source.origin(at), None, hint)]
        problems = [
            Problem(
                f"stage {stage!r} has no variant {name!r}",
                self.source.origin((*at, "variants", index)),
                closest(str(name), variants),
                f"Variants: {listing(variants)}.",
            )
            for index, name in enumerate(names)
            if name not in variants
        ]
        return Dimension(stage, stage, (), Choice(tuple(dict.fromkeys(names)))), problems

    def distribution(self, name: str, written: Any, at: Path) -> tuple[Distribution | None, Problem | None]:
        if not isinstance(written, Mapping) or len(written) != 1:
            hint = f"Write for instance {{{DISTRIBUTIONS['uniform'].usage}}} or {{{DISTRIBUTIONS['choice'].usage}}}."
            message = f"dimension {name!r} must have one distribution: a mapping of its name to its arguments"
            return None, Problem(message, self.source.origin(at), None, hint)
        kind, arguments = next(iter(written.items()))
        if kind not in DISTRIBUTIONS:
            origin = self.source.origin((*at, kind), key=True)
            meant = closest(str(kind), DISTRIBUTIONS)
            return None, Problem(f"unknown distribution {kind!r}", origin, meant, f"Known: {listing(DISTRIBUTIONS)}.")
        try:
            return DISTRIBUTIONS[kind].read(arguments), None
        except ValueError as error:
            usage = f"Write {{{DISTRIBUTIONS[kind].usage}}}."
            return None, Problem(f"{kind} of {name!r} {error}", self.source.origin((*at, kind)), None, usage)

    def unchosen_variants(self, dimensions: Sequence[Dimension]) -> list[Problem]:
        chosen = {d.stage for d in dimensions if is_variants(d)}
        return [
            Problem(
                f"stage {stage!r} has several variants, and the space does not choose among them",
                self.source.origin(("stages", stage), key=True),
                None,
                f"Add '{stage}: {{variants: [{', '.join(map(str, steps))}]}}' to the space, or choose one: "
                f"{stage}={next(iter(steps))}.",
            )
            for stage, steps in self.steps.items()
            if len(steps) > 1 and stage not in chosen
        ]

    def double(self, dimensions: Sequence[Dimension]) -> list[Problem]:
        """Two dimensions that would set the same field of the same variant."""
        problems, seen = [], dict[tuple[str, tuple[str, ...], str | None], str]()
        for dimension in dimensions:
            for variant in dimension.variants or tuple(map(str, self.steps[dimension.stage])):
                other = seen.setdefault((dimension.stage, dimension.path, variant), dimension.name)
                if other != dimension.name:
                    origin = self.source.origin(("sweep", "space", dimension.name), key=True)
                    message = f"dimensions {other!r} and {dimension.name!r} set the same field"
                    problems.append(Problem(message, origin, None, "Keep one of them."))
                    break
        return problems

    def constraints(self, dimensions: Sequence[Dimension]) -> tuple[Expression, ...]:
        if not self.sweep.constraints:
            return ()
        from pipeline.sweep.expressions import Expression

        names = [dimension.name for dimension in dimensions]
        parsed = []
        for index, text in enumerate(self.sweep.constraints):
            origin = self.source.origin(("sweep", "constraints", index))
            try:
                expression = Expression.parse(text, origin)
            except RequestError as error:
                self.problems += error.problems
                continue
            unknown = [name for name in sorted(expression.names) if name not in names and name in self.sweep.space]
            stray = [name for name in sorted(expression.names) if name not in self.sweep.space]
            for name in stray:
                hint = f"Dimensions: {listing(names)}."
                message = f"the constraint names no dimension: {name!r}"
                self.problems.append(Problem(message, origin, closest(name, names), hint))
            if not unknown and not stray:
                parsed.append(expression)
        return tuple(parsed)

    def satisfiable(self, space: Space) -> list[Problem]:
        import numpy as np

        try:
            space.sample(np.random.default_rng(0))
        except RequestError as error:
            return list(error.problems)
        except (ValueError, TypeError) as error:
            origin = self.source.origin(("sweep", "constraints"))
            return [Problem(f"the constraints cannot be met: {error}", origin)]
        return []


def refused(step: Step, path: tuple[str, ...], value: Any) -> str | None:
    """Why a stage's field does not take ``value``: the rest of a sentence; None if it does.

    What the stage says of several fields together is left for the trial: the other fields may be searched too.
    """
    try:
        revalidated(step.stage, {path: value})
    except ValidationError as error:
        for detail in error.errors():
            if detail["loc"][:1] == path[:1]:
                text = str(detail["msg"]).removeprefix("Value error, ").replace("Input should", "must")
                return f"{text if text.startswith('must') else 'is wrong: ' + text}. Got {value!r} instead."
    return None


def read_points(plan: Plan, sweep: SweepSpec, space: Space) -> tuple[list[dict[str, Any]], list[Problem]]:
    """The configurations that are tried first, completed by the variants that their names imply."""
    points, problems = [], list[Problem]()
    manual = sweep.search == "manual"
    for index, written in enumerate(sweep.points):
        at: Path = ("sweep", "points", index)
        found = _check_point(plan, space, written, at, manual)
        problems += found
        if not found:
            points.append(dict(written))
    return points, problems


def _check_point(plan: Plan, space: Space, written: Mapping[str, Any], at: Path, manual: bool) -> list[Problem]:
    source, problems = plan.source, list[Problem]()
    reader_steps = {(s.name, s.variant): s for run in plan.runs for s in run.steps}
    for name, value in written.items():
        place: Origin | None = source.origin((*at, name))
        if name not in space.names:
            if manual and (problem := _settable(reader_steps, name, value, place)) is None:
                continue
            if manual:
                problems.append(problem)  # type: ignore[arg-type]  # the walrus above has bound it
                continue
            hint = f"Dimensions: {listing(space.names)}."
            message = f"a point names no dimension of the space: {name!r}"
            problems.append(Problem(message, source.origin((*at, name), key=True), closest(name, space.names), hint))
            continue
        dimension = space[name]
        if not dimension.distribution.contains(value):
            message = f"the point's value of {name!r} is outside its dimension. Got {value!r} instead."
            problems.append(Problem(message, place, None, f"The dimension: {dimension.distribution!r}."))
        elif not space.exists(dimension, written):
            message = f"{name!r} does not exist where {dimension.stage!r} is {written[dimension.stage]!r}"
            problems.append(Problem(message, place))
    if not problems and not space.allows(written):
        problems.append(Problem("the point breaks a constraint", source.origin(at)))
    return problems


def _settable(
    steps: Mapping[tuple[str, str | None], Step], name: str, value: Any, place: Origin | None
) -> Problem | None:
    """What is wrong with a manual point's value of a field that no dimension searches."""
    parts = split_name(name)
    stages = {stage for stage, _ in steps}
    if parts is None or parts[0] not in stages:
        return Problem(f"a point names no stage: {name!r}", place, closest(name, stages), f"Stages: {listing(stages)}.")
    stage, variant, path = parts
    alternatives = {v: s for (n, v), s in steps.items() if n == stage and (variant is None or v == variant)}
    if not path:
        if value in alternatives:
            return None
        return Problem(f"stage {stage!r} has no variant {value!r}", place, closest(str(value), map(str, alternatives)))
    for step in alternatives.values():
        if path[0] in type(step.stage).model_fields:
            refusal = refused(step, path, value)
            return Problem(f"the {'.'.join(path)!r} field of {step.uses} {refusal}", place) if refusal else None
    fields = {field for step in alternatives.values() for field in type(step.stage).model_fields}
    return Problem(f"unknown field {path[0]!r} of stage {stage!r}", place, closest(path[0], fields))


def completed(space: Space, point: Mapping[str, Any], draw: Mapping[str, Any]) -> dict[str, Any]:
    """A point with what it leaves out taken from ``draw``, a full configuration, where that exists."""
    return space.build(lambda d: point.get(d.name, draw.get(d.name, d.distribution.from_unit(0.5)))) | {
        name: value for name, value in point.items() if name not in space.names
    }
