"""The searches: one file for each way of choosing configurations, all behind ``Search`` of ``_base.py``."""

from __future__ import annotations

from importlib import import_module

from pipeline.sweep.search._base import Search

_CLASSES = {
    "manual": "Manual",
    "grid": "GridSearch",
    "random": "Random",
    "sobol": "Sobol",
    "gp": "GaussianProcess",
    "tpe": "TPE",
    "cma": "CMA",
    "bohb": "BOHB",
    "nsga2": "NSGA2",
}

NAMES = tuple(_CLASSES)


def search_class(name: str) -> type[Search]:
    """The class behind ``search: name``."""
    module = import_module(f"pipeline.sweep.search.{name}")
    found: type[Search] = getattr(module, _CLASSES[name])
    return found


__all__ = ["NAMES", "Search", "search_class"]
