"""Was it worth learning the tasks together? Each task's metric, against a network of its own."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from pipeline.context import Context
from plugins.multitask import figures
from plugins.multitask.networks import NETWORKS
from plugins.multitask.training import tensors
from plugins.multitask.types import Comparison, MultiTaskModel, Network, TaskSet


def evaluate(model: MultiTaskModel, tasks: TaskSet, context: Context) -> Comparison:
    """AUC of yes-or-no tasks and squared error (of standardised targets) of the others, on the test rows."""
    together = _metrics(model, model.together, tasks, context)
    alone = np.concatenate([_metrics(model, network, tasks, context) for network in model.alone])
    gain = gains(together, alone, np.array(tasks.binary))
    context.log({"delta_m": gain.mean(), "worst_gain": gain.min()})
    measures = ["auc" if binary else "mse" for binary in tasks.binary]
    context.table(
        "tasks",
        {"task": list(tasks.tasks), "measure": measures, "together": together, "alone": alone, "gain_percent": gain},
    )
    context.figure("gains", figures.gains(gain, tasks.tasks))
    return Comparison(tasks.tasks, together, alone, gain)


def gains(together: np.ndarray, alone: np.ndarray, higher_is_better: np.ndarray) -> np.ndarray:
    """How much better each task is together than alone, in percent (Maninis et al. 2019, with better as positive)."""
    sign = np.where(higher_is_better, 1, -1)
    return 100 * sign * (together - alone) / alone


@torch.inference_mode()
def _metrics(model: MultiTaskModel, weights: Network, tasks: TaskSet, context: Context) -> np.ndarray:
    inputs, targets = tensors(tasks.parts.test, weights.columns, context.device)
    network = NETWORKS[model.architecture](inputs.shape[1], len(weights.columns), model.hidden, model.experts)
    network.load_state_dict(weights.state)
    outputs, wanted = network.to(context.device)(inputs).cpu().numpy(), targets.cpu().numpy()
    return np.array(
        [
            roc_auc_score(wanted[:, i], outputs[:, i])
            if tasks.binary[column]
            else np.square(outputs[:, i] - wanted[:, i]).mean()
            for i, column in enumerate(weights.columns)
        ]
    )
