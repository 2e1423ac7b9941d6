"""How many threads a run may use, so that several at a time do not fight for the processor."""

from __future__ import annotations

import os
import sys

from pipeline.errors import RequestError

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS")
# Read before limit_threads() writes it for the libraries.
_SET_BY_OTHERS = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS")}


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_per_run(runs: int) -> int:
    """Threads for each of ``runs`` runs.

    It depends on the number of runs and not on how many go at a time: sums are split among threads, so another number
    of threads would give other last digits, and ``--parallel`` must not change a result. ``PIPELINE_THREADS``
    overrides, and so does ``OMP_NUM_THREADS``, which whoever shares a machine has often set already.
    """
    for variable, given in {"PIPELINE_THREADS": os.environ.get("PIPELINE_THREADS"), **_SET_BY_OTHERS}.items():
        if given:
            if not given.isdecimal() or int(given) == 0:
                raise RequestError(f"{variable} must be a number of threads. Got {given!r} instead.")
            return int(given)
    return max(1, processors() // max(runs, 1))


def limit_threads(count: int) -> None:
    """Hold numerical libraries to ``count`` threads: those not yet imported by environment, the others by call."""
    for variable in _VARIABLES:
        os.environ[variable] = str(count)
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(count)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(count)
