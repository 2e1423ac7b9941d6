"""A sweep as it was asked for, checked as a whole: everything that can be known before a trial runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from pipeline.errors import Problem
from pipeline.plan import Plan
from pipeline.spec import validate
from pipeline.sweep.configure import touched_stages
from pipeline.sweep.objective import Objective, read_objectives
from pipeline.sweep.reading import read_points, read_space
from pipeline.sweep.schedulers import Scheduler, scheduler_class
from pipeline.sweep.schedulers._base import Combination
from pipeline.sweep.search import Search, search_class
from pipeline.sweep.space import Configuration, Space
from pipeline.sweep_spec import SweepSpec


@dataclass(frozen=True)
class Request:
    """A checked sweep.

    seeds: under which each configuration is run. trials: how many configurations are tried, None for a search that
    ends by itself. points: tried first.
    """

    plan: Plan
    spec: SweepSpec
    space: Space
    objectives: tuple[Objective, ...]
    search_name: str
    search_options: BaseModel
    scheduler_name: str
    scheduler_options: BaseModel
    points: tuple[Configuration, ...]
    seeds: tuple[int, ...]
    trials: int | None

    @property
    def objective(self) -> Objective:
        """The first objective; the only one where a scheduler is involved."""
        return self.objectives[0]

    @property
    def seed(self) -> int:
        """What the search and the scheduler are seeded with."""
        return self.plan.spec.seed or 0

    @property
    def watched(self) -> bool:
        """Whether a scheduler decides after each step."""
        return scheduler_class(self.scheduler_name).watches_steps

    @property
    def touched(self) -> frozenset[str]:
        """The stages whose result some dimension can change; the others are run once, in the driver."""
        names = {*self.space.names, *(name for point in self.points for name in point)}
        return touched_stages(names, self.plan.runs)

    def start_search(self) -> Search:
        """A search that knows nothing yet."""
        return search_class(self.search_name)(self.space, self.objectives, self.seed, self.search_options)

    def start_scheduler(self) -> Scheduler:
        """The scheduler."""
        combination = Combination(self.search_name, self.space, self.trials or 0)
        return scheduler_class(self.scheduler_name)(self.objective, combination, self.seed, self.scheduler_options)


def read_request(plan: Plan, trials: int | None = None) -> tuple[Request | None, list[Problem]]:
    """The plan's sweep, or everything that is wrong with it; ``trials`` stands in for the file's."""
    spec = plan.spec.sweep
    if spec is None:
        hint = "Add one: sweep: {metric: STAGE/METRIC, space: {STAGE.FIELD: {uniform: [0, 1]}}}."
        return None, [Problem("the file has no 'sweep:' section", plan.source.origin(("stages",), True), None, hint)]
    objectives, problems = read_objectives(plan, spec)
    space, found = read_space(plan, spec)
    problems += found
    search_name, search_options, found = _method(plan, spec, "search")
    problems += found
    scheduler_name, scheduler_options, found = _method(plan, spec, "scheduler")
    problems += found
    points: list[Configuration] = []
    if not problems and not plan.unread:
        points, found = read_points(plan, spec, space)
        problems += found
    if problems or plan.unread or search_options is None or scheduler_options is None:
        return None, problems
    kind = search_class(search_name)
    given = trials if trials is not None else spec.trials if "trials" in spec.model_fields_set else None
    seeds = range((plan.spec.seed or 0), (plan.spec.seed or 0) + spec.seeds) if spec.seeds > 1 else plan.spec.seed_list
    request = Request(
        plan, spec, space, objectives, search_name, search_options, scheduler_name, scheduler_options,
        tuple(points), tuple(seeds), given if given is not None or kind.exhaustive else spec.trials,
    )  # fmt: skip
    problems = _combination(request)
    return (None if problems else request), problems


def check(plan: Plan) -> list[Problem]:
    """All that is wrong with the plan's ``sweep:`` section; nothing where it has none."""
    return read_request(plan)[1] if plan.spec.sweep is not None else []


def _method(plan: Plan, spec: SweepSpec, kind: str) -> tuple[str, BaseModel | None, list[Problem]]:
    """Name and checked options of ``search:`` or ``scheduler:``."""
    written: Any = getattr(spec, kind)
    name, options = (written, {}) if isinstance(written, str) else next(iter(written.items()), ("", {}))
    at = ("sweep", kind) if isinstance(written, str) else ("sweep", kind, name)
    if not isinstance(written, str) and len(written) != 1:
        message = f"{kind!r} must name one: a name, or a mapping of one name to its options"
        return "", None, [Problem(message, plan.source.origin(("sweep", kind)))]
    model: type[BaseModel] = (search_class if kind == "search" else scheduler_class)(str(name)).Options
    checked, problems = validate(model, options, plan.source, at, f"{kind} {name}", _fields(model))
    return str(name), checked, problems


def _fields(model: type[BaseModel]) -> str:
    return f"Options: {', '.join(model.model_fields)}." if model.model_fields else "It has no options."


def _combination(request: Request) -> list[Problem]:
    """What cannot work together, each with its reason."""
    spec, origin = request.spec, request.plan.source.origin
    search, scheduler = search_class(request.search_name), scheduler_class(request.scheduler_name)
    problems = []
    if reason := search.refusal(request.space):
        problems.append(Problem(f"search {request.search_name} {reason}", origin(("sweep", "search"))))
    if len(request.objectives) > 1 and not search.several_metrics:
        hint = "Use tpe, gp or nsga2, or name one metric."
        message = f"search {request.search_name} optimises one metric, and {len(request.objectives)} are named"
        problems.append(Problem(message, origin(("sweep", "metric")), None, hint))
    if scheduler.watches_steps and len(request.objectives) > 1:
        message = f"scheduler {request.scheduler_name} watches one metric, and {len(request.objectives)} are named"
        problems.append(Problem(message, origin(("sweep", "scheduler")), None, "Use scheduler: none, or one metric."))
    elif scheduler.watches_steps and not request.objective.per_step:
        curves = sorted(f"{step.name}/{name}" for step in request.plan.runs[0].steps for name in step.stage.per_step)
        hint = f"Metrics logged with a step: {', '.join(curves)}." if curves else "No stage here logs one with a step."
        message = (
            f"scheduler {request.scheduler_name} cannot watch {request.objective.metric!r}: "
            "the stage does not log it with a step, so there is nothing to see before the end"
        )
        problems.append(Problem(message, origin(("sweep", "scheduler")), None, hint))
    combination = Combination(request.search_name, request.space, request.trials or len(request.points))
    if reason := scheduler.refusal(combination, request.scheduler_options):
        problems.append(Problem(f"scheduler {request.scheduler_name} {reason}", origin(("sweep", "scheduler"))))
    if request.search_name == "manual" and not request.points:
        problems.append(Problem("search manual tries the 'points' of the file, and there are none",
                                origin(("sweep", "search"))))  # fmt: skip
    elif request.search_name != "manual" and not request.space.dimensions:
        hint = "Add for instance: space: {STAGE.FIELD: {uniform: [0, 1]}}."
        problems.append(Problem("the sweep has no space to search", origin(("sweep",), True), None, hint))
    if spec.racing and len(request.seeds) < 2:
        message = "racing drops configurations before all their seeds, and there is one seed"
        problems.append(Problem(message, origin(("sweep", "racing")), None, "Add seeds: 10."))
    if spec.racing and len(request.objectives) > 1:
        problems.append(Problem("racing compares one metric", origin(("sweep", "racing"))))
    return problems
