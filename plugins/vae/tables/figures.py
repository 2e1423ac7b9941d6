"""What models of tables look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from plugins.vae.types import Column

ACROSS = 4
MOST = 16


def marginals(
    real: pd.DataFrame, drawn: pd.DataFrame, columns: Sequence[Column], distances: Mapping[str, float]
) -> Figure:
    """Each column of real rows beside that of drawn ones; where there are many, those that differ most."""
    shown = sorted(columns, key=lambda column: -distances[column.name])[:MOST]
    across = min(ACROSS, len(shown))
    down = -(-len(shown) // across)
    figure = Figure(figsize=(2.6 * across, 2.1 * down + 0.6), layout="constrained")
    for axes in np.ravel(figure.subplots(down, across, squeeze=False))[len(shown) :]:
        axes.set_axis_off()
    for axes, column in zip(figure.axes, shown, strict=False):
        parts = {"real": real[column.name].dropna(), "drawn": drawn[column.name].dropna()}
        if column.categories:
            top = list(parts["real"].astype(str).value_counts().index[:6])
            for i, (name, values) in enumerate(parts.items()):
                shares = values.astype(str).value_counts(normalize=True).reindex(top, fill_value=0)
                axes.bar(np.arange(len(top)) + 0.4 * i - 0.2, shares, width=0.4, label=name, color=("0.6", "C0")[i])
            axes.set_xticks(np.arange(len(top)), [word[:10] for word in top], fontsize=7, rotation=20)
        else:
            both = np.concatenate([values.to_numpy(float) for values in parts.values()])
            bins = np.linspace(*np.quantile(both, [0.005, 0.995]), 20)
            if bins[0] == bins[-1]:
                bins = np.array([bins[0] - 0.5, bins[0] + 0.5])
            for i, (name, values) in enumerate(parts.items()):
                kind = {"histtype": "stepfilled", "alpha": 0.5} if i == 0 else {"histtype": "step", "linewidth": 1.5}
                axes.hist(values, bins=bins, density=True, label=name, color=("0.6", "C0")[i], **kind)
        axes.set_title(f"{column.name[:24]} ({distances[column.name]:.2f})", fontsize=8)
        axes.set_yticks([])
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right", "left"]].set_visible(False)
    figure.axes[0].legend(frameon=False, fontsize=7)
    figure.suptitle("Real and drawn rows, column by column (distance)", fontsize=11)
    return figure
