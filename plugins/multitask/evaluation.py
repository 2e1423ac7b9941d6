"""Was it worth learning the tasks together? Each task's metric, against a network of its own."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from pipeline.context import Context
from plugins.multitask import figures
from plugins.multitask.losses import output_counts
from plugins.multitask.networks import NETWORKS
from plugins.multitask.training import check_same, predictions, tensors
from plugins.multitask.types import Comparison, Examples, MultiTaskModel, Network, TaskSet

MEASURES = {1: "mse", 2: "auc"}


def evaluate(model: MultiTaskModel, alone: MultiTaskModel, tasks: TaskSet, part: str, context: Context) -> Comparison:
    """Squared error (of standardised targets), AUC of yes-or-no tasks, accuracy of those of more classes."""
    rows = getattr(tasks.parts, part)
    ours, theirs = (metrics(one, tasks, rows, context.device) for one in (model, alone))
    gain = gains(ours, theirs, np.array(tasks.classes) > 1)
    context.log({"delta_m": gain.mean(), "worst_gain": gain.min()})
    measures = [MEASURES.get(count, "accuracy") for count in tasks.classes]
    context.table(
        "tasks",
        {"task": list(tasks.tasks), "measure": measures, "together": ours, "alone": theirs, "gain_percent": gain},
    )
    context.figure("gains", figures.gains(gain, [f"{n} ({m})" for n, m in zip(tasks.tasks, measures, strict=True)]))
    return Comparison(tasks.tasks, ours, theirs, gain)


def gains(together: np.ndarray, alone: np.ndarray, higher_is_better: np.ndarray) -> np.ndarray:
    """How much better each task is together than alone, in percent (Maninis et al. 2019, with better as positive)."""
    sign = np.where(higher_is_better, 1, -1)
    return 100 * sign * (together - alone) / alone


def metrics(model: MultiTaskModel, tasks: TaskSet, rows: Examples, device: torch.device) -> np.ndarray:
    """Each task's metric (tasks,) on these rows; DataError where the model learnt other tasks."""
    check_same(model, tasks)
    values = np.zeros(len(tasks.tasks))
    for network in model.networks:
        values[list(network.columns)] = _of_network(model, network, tasks, rows, device)
    return values


def _of_network(
    model: MultiTaskModel, weights: Network, tasks: TaskSet, rows: Examples, device: torch.device
) -> list[float]:
    inputs, targets = tensors(rows, weights.columns, device)
    classes = [tasks.classes[column] for column in weights.columns]
    network = NETWORKS[model.architecture](
        inputs.shape[1:], output_counts(classes), model.hidden, model.channels, model.experts
    )
    network.load_state_dict(weights.state)
    outputs = [task.cpu().numpy() for task in predictions(network.to(device), inputs)]
    wanted = targets.cpu().numpy()
    return [_metric(outputs[i], wanted[:, i], count) for i, count in enumerate(classes)]


def _metric(outputs: np.ndarray, targets: np.ndarray, classes: int) -> float:
    if classes == 1:
        return float(np.square(outputs[:, 0] - targets).mean())
    if classes == 2:
        return float(roc_auc_score(targets, outputs[:, 0]))
    return float((outputs.argmax(1) == targets).mean())
