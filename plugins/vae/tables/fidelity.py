"""How close drawn rows are to real ones: column by column, and all together as a classifier sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from plugins.vae.tables.encoding import encode
from plugins.vae.types import Column


def column_distances(real: pd.DataFrame, drawn: pd.DataFrame, columns: Sequence[Column]) -> dict[str, float]:
    """Kolmogorov-Smirnov distance of each number, total variation distance of each category; from 0 to 1."""
    from scipy.stats import ks_2samp

    found = {}
    for column in columns:
        values = real[column.name].dropna(), drawn[column.name].dropna()
        if column.categories:
            shares = [part.astype(str).value_counts(normalize=True) for part in values]
            found[column.name] = float(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)
        else:
            found[column.name] = float(ks_2samp(*values).statistic)
    return found


def discriminator_auc(real: pd.DataFrame, drawn: pd.DataFrame, columns: Sequence[Column], seed: int) -> float:
    """Area under the ROC curve of boosted trees that tell drawn rows from real ones, three-fold; 0.5: they cannot."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    n = min(len(real), len(drawn))
    if n < 6:
        return 0.5
    rows = np.concatenate([encode(part.iloc[:n], columns) for part in (real, drawn)])
    trees = HistGradientBoostingClassifier(max_iter=50, random_state=seed)
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    return float(cross_val_score(trees, rows, np.repeat([0, 1], n), cv=folds, scoring="roc_auc").mean())
