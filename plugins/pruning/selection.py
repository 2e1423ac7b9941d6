"""Scores and how many weights to keep -> masks."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from pipeline.errors import StageError

Scores = Mapping[str, Tensor]
Masks = dict[str, Tensor]


def select(scores: Scores, keep: int, scope: str, before: Masks | None = None) -> Masks:
    """Masks that keep the ``keep`` weights of the highest scores, among those that ``before`` kept.

    ``scope`` is what is compared: all weights (``global``), or the same share of each ``layer`` or each ``output``.
    At least one weight of every layer stays, its best: a layer without any would cut the network in two. StageError
    names layers whose scores are not finite.
    """
    wrong = [name for name, score in scores.items() if not score.isfinite().all()]
    if wrong:
        raise StageError(
            "pruning",
            f"the scores of {', '.join(wrong)} are not all finite numbers, so that no order can be told. "
            "Train with a smaller learning_rate, or choose another criterion.",
        )
    scores = {
        name: score if before is None else score.masked_fill(~before[name], -torch.inf)
        for name, score in scores.items()
    }
    total = sum(score.numel() for score in scores.values())
    if scope == "global":
        masks = _of_all(scores, keep)
    else:
        masks = {name: _of_layer(score, keep / total, by_output=scope == "output") for name, score in scores.items()}
    for name, mask in masks.items():
        if before is not None:
            mask &= before[name]
        if not mask.any():
            mask.view(-1)[scores[name].argmax()] = True
    return masks


def fit_work(scores: Scores, share: float, scope: str, places: Mapping[str, int], before: Masks | None = None) -> Masks:
    """The masks of ``select`` that keep as many weights as ``share`` of all multiply-accumulates allows.

    ``places`` is in how many multiply-accumulates a weight of each layer takes part. StageError where one weight for
    each layer is too much already.
    """
    most = share * sum(places[name] * score.numel() for name, score in scores.items())
    low, high = 0, sum(score.numel() for score in scores.values()) + 1
    while high - low > 1:
        keep = (low + high) // 2
        masks = select(scores, keep, scope, before)
        low, high = (keep, high) if _work(masks, places) <= most else (low, keep)
    masks = select(scores, low, scope, before)
    if _work(masks, places) > most:
        raise StageError(
            "prune",
            "so few operations cannot be reached: each layer keeps one weight. Choose a smaller flops_reduction.",
        )
    return masks


def two_of_four(scores: Scores) -> Masks:
    """Masks that keep the better two of every four weights in a row of inputs, which some GPUs compute twice as fast.

    A rest of fewer than four keeps half, rounded up (Mishra et al. 2021, "Accelerating Sparse Deep Neural Networks").
    """
    return {name: _better_half(score.flatten(1)).view_as(score) for name, score in scores.items()}


def _work(masks: Masks, places: Mapping[str, int]) -> int:
    return sum(places[name] * int(mask.sum()) for name, mask in masks.items())


def _of_all(scores: Scores, keep: int) -> Masks:
    flat = torch.cat([score.flatten() for score in scores.values()])
    mask = torch.zeros_like(flat, dtype=torch.bool)
    mask[flat.topk(min(keep, len(flat))).indices] = True
    parts = mask.split([score.numel() for score in scores.values()])
    return {name: part.reshape(score.shape) for (name, score), part in zip(scores.items(), parts, strict=True)}


def _of_layer(score: Tensor, share: float, by_output: bool) -> Tensor:
    rows = score.flatten(1) if by_output else score.reshape(1, -1)
    mask = torch.zeros_like(rows, dtype=torch.bool)
    mask.scatter_(1, rows.topk(round(share * rows.shape[1]), dim=1).indices, True)
    return mask.view_as(score)


def _better_half(rows: Tensor) -> Tensor:
    width = rows.shape[1]
    mask = torch.zeros_like(rows, dtype=torch.bool)
    fours = width // 4 * 4
    groups = rows[:, :fours].reshape(len(rows), -1, 4)
    mask[:, :fours] = (
        torch.zeros_like(groups, dtype=torch.bool).scatter_(2, groups.topk(2, dim=2).indices, True).flatten(1)
    )
    if rest := width - fours:
        best = rows[:, fours:].topk(-(-rest // 2), dim=1).indices + fours
        mask.scatter_(1, best, True)
    return mask
