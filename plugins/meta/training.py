"""Meta-training: batches of tasks, one optimiser step for each."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from pipeline.context import Context
from pipeline.errors import DataError, StageError
from plugins.meta import figures
from plugins.meta.episodes import Sampler, losses
from plugins.meta.learners import Learner, build
from plugins.meta.pictures import ImageSampler
from plugins.meta.problems import problem_of, sampler_of
from plugins.meta.types import MetaLearner, Tasks

if TYPE_CHECKING:
    from plugins.meta.learner_stages import Learner as LearnerStage
    from plugins.meta.learner_stages import Scratch, Trained

VALIDATION_TASKS = 100
ONLY_CLASSES = ("prototypes", "matching")
FIXED_WAYS = ("maml", "meta_sgd", "reptile")


@dataclass
class State:
    """All that the next step depends on; saved and restored, training goes on as if it had never stopped."""

    learner: Learner
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)

    def look(self, metrics: dict[str, float]) -> None:
        """Take note of the losses; keep the weights if none did better on the validation tasks."""
        if not self.history or metrics["validation_loss"] < min(past["validation_loss"] for past in self.history):
            self.best = {name: weight.detach().clone() for name, weight in self.learner.state_dict().items()}
        self.history.append(metrics)

    def save(self) -> dict[str, Any]:
        """As plain values and tensors."""
        return {
            "learner": self.learner.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "history": self.history,
            "best": self.best,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what ``save`` gave."""
        self.learner.load_state_dict(saved["learner"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.generator.set_state(saved["generator"])
        self.history, self.best = saved["history"], saved["best"]


def fit(stage: Trained, tasks: Tasks, context: Context) -> MetaLearner:
    """Train; the weights that did best on the validation tasks. DataError or StageError where that cannot be."""
    _check(stage, tasks)
    train = sampler_of(tasks, "train", context.device, stage.ways)
    validation = sampler_of(tasks, "validation", context.device)
    settings = stage.chosen()
    if stage.method == "pretrained":
        settings["train_classes"] = train.classes if isinstance(train, ImageSampler) else 0
    model = MetaLearner(stage.method, settings, problem_of(tasks), {})
    cost = _cost(stage, model, train, tasks, context)
    iterations = stage.iterations if stage.compute is None else max(1, round(stage.compute / cost))
    context.log({"compute": iterations * cost})
    state = _begin(stage, model, context)
    done = sum(1 for _ in state.history) * stage.log_every
    for start in context.progress(range(done, iterations, stage.log_every), "looks"):
        end = min(start + stage.log_every, iterations)
        loss = _train(stage, state, train, tasks, range(start, end), iterations)
        metrics = {"loss": loss, "validation_loss": _validate(stage, state.learner, validation, tasks, context)}
        if not all(map(math.isfinite, metrics.values())):
            raise StageError(
                f"meta.{stage.method}",
                f"training diverged: at iteration {end} the loss is no finite number any more. Try a smaller "
                "inner_learning_rate or learning_rate.",
            )
        state.look(metrics)
        context.log(metrics, step=end)
        context.save_checkpoint(state.save(), end)
    context.figure("training", figures.training(state.history, stage.log_every))
    weights = {name: weight.cpu() for name, weight in state.best.items()}
    return replace(model, state=weights, compute=iterations * cost)


def untrained(stage: Scratch, tasks: Tasks, context: Context) -> MetaLearner:
    """Random weights from the context's seed."""
    model = MetaLearner(stage.method, stage.chosen(), problem_of(tasks), {})
    return replace(model, state=_fresh(stage, model, context).state_dict())


def _fresh(stage: LearnerStage, model: MetaLearner, context: Context) -> Learner:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(context.seed)
        return build(model.method, model.problem, model.settings)


def _check(stage: Trained, tasks: Tasks) -> None:
    problem = problem_of(tasks)
    if stage.method in ONLY_CLASSES and not problem.classifies:
        raise DataError(f"meta.{stage.method} tells classes apart, but these tasks are functions: use meta.maml.")
    if stage.method == "neural_process" and problem.classifies:
        raise DataError("meta.neural_process predicts numbers, but these tasks are classes: use meta.prototypes.")
    if stage.ways and stage.ways != problem.outputs and stage.method in FIXED_WAYS:
        raise DataError(
            f"meta.{stage.method} has an output for each class: it cannot train on tasks of {stage.ways} ways for "
            f"tasks of {problem.outputs}. Leave out 'ways'."
        )


def _begin(stage: Trained, model: MetaLearner, context: Context) -> State:
    learner = _fresh(stage, model, context).to(context.device)
    optimizer = torch.optim.Adam(learner.parameters(), lr=stage.learning_rate, fused=True)
    state = State(learner, optimizer, torch.Generator(context.device).manual_seed(context.seed))
    if checkpoint := context.load_checkpoint():
        state.restore(checkpoint[0])
    return state


def _cost(stage: Trained, model: MetaLearner, train: Sampler, tasks: Tasks, context: Context) -> float:
    """GFLOP of one iteration: the products of matrices and convolutions of a loss and its gradient."""
    learner = _fresh(stage, model, context).to(context.device)
    episodes = train.draw(stage.meta_batch_size, tasks.shots, tasks.queries, torch.Generator(context.device))
    with FlopCounterMode(display=False) as counter:
        learner.loss(episodes).backward()
    return counter.get_total_flops() / 1e9


def _train(stage: Trained, state: State, train: Sampler, tasks: Tasks, part: range, iterations: int) -> float:
    """The iterations in ``part``; their mean loss."""
    state.learner.train()
    total = torch.zeros((), device=next(state.learner.parameters()).device)
    for iteration in part:
        for group in state.optimizer.param_groups:
            group["lr"] = stage.learning_rate * (1 + math.cos(math.pi * iteration / iterations)) / 2
        episodes = train.draw(stage.meta_batch_size, tasks.shots, tasks.queries, state.generator)
        state.optimizer.zero_grad()
        total += state.learner.backward(episodes)
        state.optimizer.step()
    return total.item() / len(part)


@torch.no_grad()
def _validate(stage: Trained, learner: Learner, validation: Sampler, tasks: Tasks, context: Context) -> float:
    """Mean query loss on validation tasks, the same at each look."""
    generator = torch.Generator(context.device).manual_seed(1)
    episodes = validation.draw(VALIDATION_TASKS, tasks.shots, tasks.queries, generator)
    outputs = learner.eval().predict(episodes, stage.chosen().get("inner_steps", 1))
    return losses(outputs, episodes.query_targets).mean().item()
