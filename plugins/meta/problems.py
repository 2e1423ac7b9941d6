"""What a set of tasks asks of a learner, and samplers of its parts."""

from __future__ import annotations

from typing import Literal

import torch

from pipeline.errors import DataError
from plugins.meta.episodes import Sampler
from plugins.meta.functions import FunctionSampler
from plugins.meta.pictures import ImageSampler
from plugins.meta.tables import TableSampler
from plugins.meta.types import FixedTasks, FunctionTasks, ImageTasks, Problem, TableTasks, Tasks

Part = Literal["train", "validation", "test"]


def problem_of(tasks: Tasks) -> Problem:
    """Shape of an input and number of outputs."""
    if isinstance(tasks, ImageTasks):
        return Problem(tasks.parts.train.shape, tasks.ways, classifies=True)
    if isinstance(tasks, FixedTasks):
        return Problem(tuple(tasks.support.shape[2:]), tasks.ways, classifies=True)
    if isinstance(tasks, TableTasks):
        return Problem(tasks.inputs.shape[1:], max(tasks.ways, 1), classifies=tasks.ways > 0)
    return Problem((1,), 1, classifies=False)


def sampler_of(tasks: Tasks, part: Part, device: torch.device, ways: int | None = None) -> Sampler:
    """Draws episodes of a part; functions are drawn anew each time, so that their parts differ by the seed alone."""
    if isinstance(tasks, FunctionTasks):
        return FunctionSampler(tasks, device)
    if isinstance(tasks, ImageTasks):
        rotations = tasks.rotations and part == "train"
        return ImageSampler(
            getattr(tasks.parts, part), getattr(tasks.groups, part), ways or tasks.ways, rotations, device
        )
    if isinstance(tasks, TableTasks):
        return TableSampler(tasks, getattr(tasks.parts, part), device)
    raise DataError("published episodes are there to judge on: give the learner other tasks to train on.")
