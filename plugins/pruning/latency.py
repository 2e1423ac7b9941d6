"""Milliseconds of a forward pass on one CPU thread, networks in turn so that a slow spell of the machine hits all.

It is the thread's own processor time, which on a machine with nothing else to do is the time that goes by: what other
processes take away would drown differences of a few per cent, and of many where the machine is full.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

Forward = Callable[[Tensor], object]
WARM_UP = 2


@contextmanager
def one_thread() -> Iterator[None]:
    """torch on one thread: what a second thread gives depends on what else the machine does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@torch.inference_mode()
def latencies(forwards: Mapping[str, Forward], batch: Tensor, repetitions: int = 40) -> dict[str, list[float]]:
    """Milliseconds of each repetition of each forward pass for ``batch``."""
    found: dict[str, list[float]] = {name: [] for name in forwards}
    with one_thread():
        for repetition in range(-WARM_UP, repetitions):
            for name, forward in forwards.items():
                forward(batch)  # so that it finds its own weights in the processor's cache, not another network's
                began = time.thread_time()
                forward(batch)
                elapsed = 1000 * (time.thread_time() - began)
                if repetition >= 0:
                    found[name].append(elapsed)
    return found


def speedup(before: torch.nn.Module, after: torch.nn.Module, batch: Tensor) -> float:
    """How many times faster ``after`` is, by medians."""
    found = latencies({"before": before.eval(), "after": after.eval()}, batch, repetitions=5)
    return float(np.median(found["before"]) / np.median(found["after"]))


def ratio_interval(before: list[float], after: list[float], draws: int = 1000) -> tuple[float, float, float]:
    """The ratio of the medians, and its 95 % interval by the bootstrap over repetitions (Efron & Tibshirani 1993)."""
    rng = np.random.default_rng(0)
    one, other = np.array(before), np.array(after)
    # Pairs are drawn, because both passes of a repetition saw the same state of the machine.
    index = rng.integers(0, len(one), (draws, len(one)))
    ratios = np.median(one[index], axis=1) / np.median(other[index], axis=1)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return float(np.median(one) / np.median(other)), float(low), float(high)
