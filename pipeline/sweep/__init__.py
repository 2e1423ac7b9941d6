"""Sweeps: a search over a pipeline's configuration, on Ray Tune.

check(plan)     every problem of a plan's ``sweep:`` section
describe(plan)  what the sweep shares and costs
earlier(plan)   what ``sweep(plan, resume=True)`` would go on with
sweep(plan)     run it
"""

from __future__ import annotations

from pipeline.sweep.entry import Before, SweepOutcome, describe, earlier, sweep
from pipeline.sweep.records import TrialRecord
from pipeline.sweep.request import check
from pipeline.sweep.session import TrialOutcome

__all__ = ["Before", "SweepOutcome", "TrialOutcome", "TrialRecord", "check", "describe", "earlier", "sweep"]
