"""A factorisation machine of user, item and their features (Rendle 2010), trained to rank; features inside the model.

With one user and one item to a row, all its pairwise terms that tell items apart are products of the sum of the user's
vectors with the sum of the item's: the form in which LightFM (Kula 2015) is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import sparse

from pipeline.context import Context
from pipeline.errors import DataError
from plugins.recommender.models.factors import Factors, FeatureFactors
from plugins.recommender.models.light_gcn import as_torch
from plugins.recommender.models.pairwise import Vectors, train
from plugins.recommender.types import Features, Holdout

if TYPE_CHECKING:
    from plugins.recommender import neural_stages as stages


def fit(stage: stages.FactorizationMachine, split: Holdout, context: Context) -> Factors:
    """A user's or item's vector is the sum of its own and those of its features; a cold item has only the latter."""
    catalogue = split.catalogue
    if catalogue.item_features is None and catalogue.user_features is None:
        raise DataError(
            f"'recommender.factorization_machine' needs features of items or users, but {catalogue.source} has none. "
            "Give a file of items or users, or use recommender.bpr."
        )
    users = with_identity(catalogue.user_features, np.diff(split.matrix.indptr) > 0)
    items = with_identity(catalogue.item_features, np.bincount(split.train.items, minlength=catalogue.shape[1]) > 0)
    design = sparse.block_diag([users, items], format="csr")
    # The gradient needs the transpose, which torch would build in every step.
    forward, backward = as_torch(design), as_torch(design.T.tocsr())

    class Sum(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, table: torch.Tensor) -> torch.Tensor:
            return forward @ table

        @staticmethod
        def backward(ctx: object, gradient: torch.Tensor) -> torch.Tensor:
            return backward @ gradient

    if catalogue.item_features is None:
        return train(stage, design.shape[1], Sum.apply, split, context)
    n_features = len(catalogue.item_features.names)

    def build(vectors: Vectors, table: np.ndarray) -> FeatureFactors:
        return FeatureFactors(*vectors, np.pad(table[-n_features:], ((0, 1), (0, 0))))

    return train(stage, design.shape[1], Sum.apply, split, context, build)


def with_identity(features: Features | None, known: np.ndarray) -> sparse.csr_matrix:
    """(n, n + d): one column for each row's own vector, empty where the row was never seen, and the features."""
    own = sparse.diags(known.astype(np.float32), format="csr")
    return own if features is None else sparse.hstack([own, features.matrix], format="csr")
