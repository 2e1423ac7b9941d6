"""The schedulers: one file for each rule that stops, pauses or changes trials on the way."""

from __future__ import annotations

from importlib import import_module

from pipeline.sweep.schedulers._base import Scheduler

_CLASSES = {
    "none": "NoScheduler",
    "median": "Median",
    "asha": "ASHA",
    "hyperband": "Hyperband",
    "bohb": "BOHBHyperband",
    "pbt": "PBT",
    "pb2": "PB2",
}

NAMES = tuple(_CLASSES)


def scheduler_class(name: str) -> type[Scheduler]:
    """The class behind ``scheduler: name``."""
    module = import_module(f"pipeline.sweep.schedulers.{name}")
    found: type[Scheduler] = getattr(module, _CLASSES[name])
    return found


__all__ = ["NAMES", "Scheduler", "scheduler_class"]
