"""Adaptation to tasks that were never seen, judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch

from pipeline.context import Context
from pipeline.errors import DataError, StageError
from plugins.meta import figures
from plugins.meta.episodes import Episodes, half_interval, scores
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
CURVE_TASKS = 100
FIXED_OUTPUTS = ("maml", "meta_sgd", "reptile", "pretrained", "scratch")


@torch.no_grad()
def evaluate(stage: Evaluate, learner: MetaLearner, tasks: Tasks, context: Context) -> Adaptation:
    """Adapt to each test task and judge on its query set; the tasks are the same for every learner."""
    _check(learner, tasks)
    if stage.curve_shots and not isinstance(tasks, FixedTasks):
        # Too few examples are told of before the work, not after.
        queries = stage.queries or tasks.queries
        sampler_of(tasks, "test", context.device).draw(
            1, max(stage.curve_shots), queries, torch.Generator(context.device)
        )
    module = learner.module().to(context.device)
    measured = _judge(module, [stage.steps], _test_episodes(stage, tasks, context, stage.episodes))[0]
    if not np.isfinite(measured).all():
        raise StageError(
            "meta.evaluate",
            f"the adaptation diverged on {int((~np.isfinite(measured)).sum())} of {len(measured)} tasks. "
            "Try fewer steps, or a smaller inner_learning_rate.",
        )
    measure = "accuracy" if learner.problem.classifies else "mse"
    mean, half = float(measured.mean()), float(half_interval(measured[None])[0])
    context.log({measure: mean, f"{measure}_ci95": half})
    if measure == "accuracy":
        context.log({"error": 1 - mean})
    _draw_curves(stage, module, tasks, measure, context)
    if isinstance(tasks, FunctionTasks):
        _draw_functions(stage, module, tasks, context)
    elif learner.problem.classifies:
        _draw_episode(stage, module, tasks, context)
    return Adaptation(learner.method, measure, measured, learner.compute, stage.steps)


def _judge(module: Learner, steps: list[int], batches: Iterator[Episodes]) -> np.ndarray:
    """Scores (steps, tasks) after each number of steps."""
    judged = [
        torch.stack([scores(module.predict(episodes, count), episodes.query_targets) for count in steps])
        for episodes in batches
    ]
    return torch.cat(judged, 1).cpu().double().numpy()


def _test_episodes(
    stage: Evaluate, tasks: Tasks, context: Context, count: int, shots: int | None = None
) -> Iterator[Episodes]:
    """The first ``count`` test tasks; published ones are all there are."""
    if isinstance(tasks, FixedTasks):
        yield fixed_episodes(tasks, context.device)
        return
    sampler = sampler_of(tasks, "test", context.device)
    generator = torch.Generator(context.device).manual_seed(2)
    for start in context.progress(range(0, count, BATCH), "batches"):
        drawn = min(BATCH, count - start)
        yield sampler.draw(drawn, shots or stage.shots or tasks.shots, stage.queries or tasks.queries, generator)


def _draw_curves(stage: Evaluate, module: Learner, tasks: Tasks, measure: str, context: Context) -> None:
    """The score by the number of gradient steps, and by the number of examples, on fewer tasks."""
    count = min(CURVE_TASKS, stage.episodes)
    curves: dict[str, tuple[list[int], np.ndarray]] = {}
    if isinstance(module, GradientLearner) and stage.curve_steps:
        steps = list(range(max(stage.steps, stage.curve_steps) + 1))
        curves["gradient steps"] = steps, _judge(module, steps, _test_episodes(stage, tasks, context, count))
    if not isinstance(tasks, FixedTasks) and stage.curve_shots:
        by_shots = [
            _judge(module, [stage.steps], _test_episodes(stage, tasks, context, count, shots))[0]
            for shots in stage.curve_shots
        ]
        curves["shots"] = list(stage.curve_shots), np.stack(by_shots)
    if curves:
        context.figure("adaptation", figures.adaptation(curves, measure, stage.steps, stage.shots or tasks.shots))
    for name, (places, values) in curves.items():
        table = {name.replace(" ", "_"): places, measure: values.mean(1), "ci95": half_interval(values)}
        context.table(f"adaptation_by_{name.split()[-1]}", table)


def _check(learner: MetaLearner, tasks: Tasks) -> None:
    made, asked = learner.problem, problem_of(tasks)
    if tuple(made.input_shape) != tuple(asked.input_shape) or made.classifies != asked.classifies:
        raise DataError(
            f"the learner was made for inputs of shape {tuple(made.input_shape)} and "
            f"{'classes' if made.classifies else 'numbers'}, these tasks have {tuple(asked.input_shape)} and "
            f"{'classes' if asked.classifies else 'numbers'}: train it on tasks of the same kind."
        )
    if made.outputs != asked.outputs and learner.method in FIXED_OUTPUTS:
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


def _draw_episode(stage: Evaluate, module: Learner, tasks: Tasks, context: Context) -> None:
    """One test task: what was shown, what was asked, what was answered, and where the learner puts it all."""
    episode = next(_test_episodes(stage, tasks, context, 1)).split(1)[0]
    answers = module.predict(episode, stage.steps).argmax(-1)[0]
    if episode.support_inputs.ndim == 5:
        context.figure("episode", figures.episode(episode, answers))
    if vectors := module.embed(episode, stage.steps):
        context.figure("embedding", figures.embedding(*(part[0].cpu().numpy() for part in vectors), episode))
