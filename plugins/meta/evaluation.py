"""Adaptation to tasks that were never seen, judged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch

from pipeline.context import Context
from pipeline.errors import DataError, StageError
from plugins.meta import figures
from plugins.meta.episodes import Episodes, scores
from plugins.meta.functions import FunctionSampler
from plugins.meta.learners import Learner
from plugins.meta.learners.gradient import GradientLearner
from plugins.meta.pictures import fixed_episodes
from plugins.meta.problems import problem_of, sampler_of
from plugins.meta.types import Adaptation, FixedTasks, FunctionTasks, MetaLearner, Tasks

if TYPE_CHECKING:
    from plugins.meta.stages import Evaluate

BATCH = 50
SHOWN = 4


@torch.no_grad()
def evaluate(stage: Evaluate, learner: MetaLearner, tasks: Tasks, context: Context) -> Adaptation:
    """Adapt to each test task and judge on its query set; the tasks are the same for every learner."""
    _check(learner, tasks)
    module = learner.module().to(context.device)
    began = time.perf_counter()
    most = max(stage.steps, stage.curve_steps) if isinstance(module, GradientLearner) else stage.steps
    curve = range(most + 1) if isinstance(module, GradientLearner) else [stage.steps]
    by_steps = torch.cat(
        [
            torch.stack([scores(module.predict(episodes, steps), episodes.query_targets) for steps in curve])
            for episodes in _test_episodes(stage, tasks, context)
        ],
        dim=1,
    ).cpu().double().numpy()  # fmt: skip
    seconds = time.perf_counter() - began
    measured = by_steps[list(curve).index(stage.steps)]
    if not np.isfinite(measured).all():
        raise StageError(
            "meta.evaluate",
            f"the adaptation diverged on {int((~np.isfinite(measured)).sum())} of {len(measured)} tasks. "
            "Try fewer steps, or a smaller inner_learning_rate.",
        )
    measure = "accuracy" if learner.problem.classifies else "mse"
    _log(measure, measured, context)
    if len(by_steps) > 1:
        means, halves = by_steps.mean(1), _half_interval(by_steps)
        context.figure("adaptation", figures.adaptation(means, halves, measure))
        context.table("adaptation", {"steps": list(curve), measure: means, "ci95": halves})
    if isinstance(tasks, FunctionTasks):
        _draw_functions(stage, module, tasks, context)
    return Adaptation(measure, measured, seconds)


def _test_episodes(stage: Evaluate, tasks: Tasks, context: Context) -> Iterator[Episodes]:
    if isinstance(tasks, FixedTasks):
        yield fixed_episodes(tasks, context.device)
        return
    sampler = sampler_of(tasks, "test", context.device)
    generator = torch.Generator(context.device).manual_seed(2)
    for start in context.progress(range(0, stage.episodes, BATCH), "batches"):
        count = min(BATCH, stage.episodes - start)
        yield sampler.draw(count, stage.shots or tasks.shots, stage.queries or tasks.queries, generator)


def _log(measure: str, measured: np.ndarray, context: Context) -> None:
    mean, half = float(measured.mean()), float(_half_interval(measured[None])[0])
    context.log({measure: mean, f"{measure}_ci95": half})
    if measure == "accuracy":
        context.log({"error": 1 - mean})


def _half_interval(values: np.ndarray) -> np.ndarray:
    """Half the width of the 95 % interval of the mean over tasks, for values (..., tasks)."""
    return 1.96 * values.std(1, ddof=1) / np.sqrt(values.shape[1])


def _check(learner: MetaLearner, tasks: Tasks) -> None:
    made, asked = learner.problem, problem_of(tasks)
    if made.input_shape != asked.input_shape or made.classifies != asked.classifies:
        raise DataError(
            f"the learner was made for inputs of shape {made.input_shape}, the tasks have {asked.input_shape}: "
            "train it on tasks of the same kind."
        )
    if made.outputs != asked.outputs and learner.method in ("maml", "meta_sgd", "reptile", "pretrained", "scratch"):
        raise DataError(
            f"meta.{learner.method} has {made.outputs} outputs, but these tasks have {asked.outputs} ways. Train it on "
            "tasks of as many ways, or use meta.prototypes."
        )


def _draw_functions(stage: Evaluate, module: Learner, tasks: FunctionTasks, context: Context) -> None:
    generator = torch.Generator(context.device).manual_seed(3)
    episodes = FunctionSampler(tasks, context.device).draw_on_grid(SHOWN, stage.shots or tasks.shots, 200, generator)
    before = module.predict(episodes, 0) if isinstance(module, GradientLearner) else None
    after = module.predict(episodes, stage.steps)
    context.figure("functions", figures.functions(episodes, before, after, stage.steps))
