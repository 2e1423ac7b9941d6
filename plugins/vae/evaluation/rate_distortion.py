"""Rate and distortion of models of the same pictures: Alemi et al., "Fixing a Broken ELBO", ICML 2018.

The rate is the divergence of the posterior from the prior, the distortion what is lost of the picture; their sum is the
bound, turned round. One model lies at one point, a sweep over beta draws the curve.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from pipeline.context import Context
from pipeline.types import Table
from plugins.vae import figures
from plugins.vae.types import Evaluation


def rate_distortion(evaluations: Mapping[str, Evaluation], context: Context) -> Table:
    """A row for each evaluation, by rising rate; drawn, and kept as a table."""
    rows = [
        {
            "model": name,
            "rate": float(evaluation.kl.sum(axis=1).mean()),
            "distortion": -float(evaluation.reconstruction.mean()),
        }
        for name, evaluation in evaluations.items()
    ]
    frame = pd.DataFrame(rows).sort_values("rate", ignore_index=True)
    frame["elbo"] = -(frame["rate"] + frame["distortion"])
    context.table("rate_distortion", frame)
    context.figure("rate_distortion", figures.rate_distortion(frame))
    best = frame.loc[frame["elbo"].idxmax()]
    context.log({"best_elbo": best["elbo"], "best_rate": best["rate"]})
    return Table(frame)
