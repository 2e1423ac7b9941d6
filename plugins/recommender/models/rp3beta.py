"""Random walks of three steps, user to item to user to item, popular ends made less likely (Paudel et al. 2016)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from plugins.recommender.models.linear import SparseWeights
from plugins.recommender.models.similarity import thinned
from plugins.recommender.types import Holdout

if TYPE_CHECKING:
    from plugins.recommender import ranking_stages as stages

_VALUES_PER_BLOCK = 1 << 24


def fit(stage: stages.Rp3beta, split: Holdout) -> SparseWeights:
    """Weights (items, items): probability of the walk i -> user -> j, each step to the power alpha, over count(j)^beta.

    As Dacrema et al. (2019) evaluate it: of each row the k largest, rows scaled to sum 1, then of each column the k
    largest.
    """
    taken = split.matrix.astype(np.float64)
    to_item = _walk(taken, stage.alpha)
    to_user = _walk(taken.T.tocsr(), stage.alpha)
    counts = np.asarray(taken.sum(axis=0)).ravel()
    penalty = np.where(counts > 0, np.maximum(counts, 1) ** -stage.beta, 0)
    n = taken.shape[1]
    size = max(1, _VALUES_PER_BLOCK // n)
    blocks = []
    for start in range(0, n, size):
        values = (to_user[start : start + size] @ to_item).toarray() * penalty
        values[np.arange(len(values)), np.arange(start, start + len(values))] = 0
        blocks.append(thinned(values, stage.k))
    weights = sparse.vstack(blocks, format="csr")
    if stage.normalize:
        totals = np.asarray(weights.sum(axis=1)).ravel()
        weights = sparse.csr_matrix(sparse.diags(1 / np.maximum(totals, 1e-12)) @ weights)
    return SparseWeights(_largest_of_columns(weights, stage.k))


def _walk(matrix: sparse.csr_matrix, alpha: float) -> sparse.csr_matrix:
    """Rows scaled to sum 1, each entry then to the power alpha."""
    totals = np.asarray(matrix.sum(axis=1)).ravel()
    stepped = sparse.csr_matrix(sparse.diags(1 / np.maximum(totals, 1e-12)) @ matrix)
    stepped.data **= alpha
    return stepped


def _largest_of_columns(weights: sparse.csr_matrix, k: int) -> sparse.csr_matrix:
    by_column = weights.T.tocsr()
    size = max(1, _VALUES_PER_BLOCK // by_column.shape[1])
    blocks = [thinned(by_column[start : start + size].toarray(), k) for start in range(0, by_column.shape[0], size)]
    return sparse.vstack(blocks, format="csr").T.tocsr().astype(np.float32)
