"""LightGCN: vectors averaged over the user-item graph, and nothing else (He et al. 2020)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import sparse

from pipeline.context import Context
from plugins.recommender.models.factors import Factors
from plugins.recommender.models.pairwise import train
from plugins.recommender.types import Holdout

if TYPE_CHECKING:
    from plugins.recommender import neural_stages as stages


def fit(stage: stages.LightGcn, split: Holdout, context: Context) -> Factors:
    """The mean of the vectors after 0, 1, ... layers of passing them along the normalised graph; no biases."""
    graph = as_torch(normalised(split.matrix))

    def spread(table: torch.Tensor) -> torch.Tensor:
        vectors = table * keep
        total = vectors
        for _ in range(stage.layers):
            vectors = graph @ vectors
            total = total + vectors
        return total / (stage.layers + 1)

    keep = torch.ones(stage.factors + 1)
    keep[-1] = 0
    return train(stage, graph.shape[0], spread, split, context)


def normalised(taken: sparse.csr_matrix) -> sparse.csr_matrix:
    """(users + items, users + items): D^-1/2 A D^-1/2 of the graph whose edges are the interactions."""
    graph = sparse.bmat([[None, taken], [taken.T, None]], format="csr")
    degree = np.maximum(np.diff(graph.indptr), 1)
    scale = sparse.diags((degree**-0.5).astype(np.float32))
    return sparse.csr_matrix(scale @ graph @ scale)


def as_torch(matrix: sparse.csr_matrix) -> torch.Tensor:
    """The same matrix in torch's sparse format."""
    with warnings.catch_warnings():
        # torch calls its CSR tensors a beta feature on every use.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data.astype(np.float32)),
            size=matrix.shape,
            check_invariants=True,
        )
