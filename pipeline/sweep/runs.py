"""The runs of a sweep as MLflow shows them: the parent, and one child for each configuration and seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pipeline import describe
from pipeline.records import Run
from pipeline.sweep.configure import configure
from pipeline.sweep.records import Assignment
from pipeline.sweep.request import Request


def sweep_document(request: Request) -> dict[str, Any]:
    """What a report must know of the sweep besides its trials."""
    return {
        "experiment": request.plan.experiment,
        "search": request.search_name,
        "scheduler": request.scheduler_name,
        "objectives": [{"metric": o.metric, "mode": o.mode} for o in request.objectives],
        "space": dict(request.spec.space),
        "constraints": list(request.spec.constraints),
        "trials": request.trials,
        "seeds": list(request.seeds),
    }


def parent_run(request: Request, identity: str, command: Sequence[str]) -> Run:
    """The run above all trials."""
    plan = request.plan
    metrics = ", ".join(f"`{o.metric}` ({o.mode})" for o in request.objectives)
    about = f"{describe.about_experiment(plan)}\n\n" if plan.spec.description else ""
    dimensions = "".join(f"- `{name}`: {json.dumps(spec)}\n" for name, spec in request.spec.space.items())
    description = (
        f"{about}Sweep of {describe.what_runs(plan.runs[0])}\n\n{describe.data(plan.runs[0])}\n"
        f"Search `{request.search_name}`, scheduler "
        f"`{request.scheduler_name}`, for {metrics}.\n\n{dimensions}{describe.started_by(command)}"
    )
    return Run(
        identity,
        plan.experiment,
        f"sweep {request.search_name}" + (f" {request.scheduler_name}" if request.scheduler_name != "none" else ""),
        tags={"pipeline.kind": "sweep", "pipeline.search": request.search_name,
              "pipeline.scheduler": request.scheduler_name,
              "pipeline.metric": ",".join(o.metric for o in request.objectives),
              "pipeline.mode": ",".join(o.mode for o in request.objectives)},
        documents={"sweep.json": json.dumps(sweep_document(request), indent=1)},
        description=description,
        about=describe.about_experiment(plan),
    )  # fmt: skip


def child_run(request: Request, assignment: Assignment, identity: str, parent: str, command: Sequence[str]) -> Run:
    """One trial's run; StageError where a stage refuses the configuration."""
    plan = request.plan
    run_plan = configure(plan.runs, assignment.configuration, assignment.seed)
    seeded = f" seed {assignment.seed}" if len(request.seeds) > 1 else ""
    return Run(
        identity,
        plan.experiment,
        f"trial {assignment.number}{seeded}",
        parent,
        dict(run_plan.variants),
        assignment.seed,
        run_plan.params,
        {"pipeline.kind": "trial", "pipeline.trial": str(assignment.number), "pipeline.seed": str(assignment.seed),
         "pipeline.configuration": json.dumps(dict(assignment.configuration))}
        | {f"pipeline.variant.{stage}": name for stage, name in run_plan.variants.items()},
        {"pipeline.yaml": describe.resolved_yaml(plan, run_plan)},
        describe.run_description(plan, run_plan, command),
        describe.about_experiment(plan),
        {o.metric: o.mode for o in request.objectives},
    )  # fmt: skip
