"""The stages that fit a model for ranking by gradient descent; each keeps the epoch that is best on validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, model_validator

from pipeline.context import Context
from pipeline.stage import Stage
from plugins.recommender.types import Holdout, Recommender


class Trained(Stage):
    """What all of them share: epochs, their end, and what is logged after each."""

    emits: ClassVar[Mapping[str, str | None]] = {"loss": None, "validation_ndcg": "max"}
    per_step: ClassVar[tuple[str, ...]] = ("loss", "validation_ndcg")
    seeded: ClassVar[bool] = True

    learning_rate: float = Field(1e-2, gt=0, description="Step size of Adam.")
    epochs: int = Field(60, gt=0, description="The most passes over the interactions.")
    patience: int = Field(8, gt=0, description="Epochs without a better NDCG@10 on validation after which to stop.")
    batch_size: int = Field(4096, gt=0, description="Interactions in a step (users, for models of whole histories).")


class Bpr(Trained):
    """Factorise by Bayesian personalised ranking: taken above not taken (Rendle et al. 2009)."""

    factors: int = Field(64, gt=0, description="Dimensions of the vectors.")
    regularization: float = Field(3e-3, ge=0, description="Penalty on the squared lengths of the vectors in a step.")

    def run(self, split: Holdout, context: Context) -> Recommender:
        """Train."""
        from plugins.recommender.models import bpr

        return bpr.fit(self, split, context)


class LightGcn(Trained):
    """Factorise by BPR with vectors averaged over the user-item graph: LightGCN (He et al. 2020)."""

    factors: int = Field(64, gt=0, description="Dimensions of the vectors.")
    layers: int = Field(2, ge=0, description="How far vectors are passed along the graph.")
    regularization: float = Field(1e-4, ge=0, description="Penalty on the squared lengths of the vectors in a step.")

    def run(self, split: Holdout, context: Context) -> Recommender:
        """Train."""
        from plugins.recommender.models import light_gcn

        return light_gcn.fit(self, split, context)


class FactorizationMachine(Trained):
    """Factorise users, items and their features together (Rendle 2010); scores new items by their features."""

    factors: int = Field(32, gt=0, description="Dimensions of the vectors.")
    regularization: float = Field(3e-3, ge=0, description="Penalty on the squared lengths of the vectors in a step.")

    def run(self, split: Holdout, context: Context) -> Recommender:
        """Train."""
        from plugins.recommender.models import factorization_machine

        return factorization_machine.fit(self, split, context)


class MultVae(Trained):
    """Fit a variational autoencoder of histories with a multinomial likelihood (Liang et al. 2018)."""

    learning_rate: float = Field(3e-3, gt=0, description="Step size of Adam.")
    epochs: int = Field(100, gt=0, description="The most passes over the users.")
    patience: int = Field(15, gt=0, description="Epochs without a better NDCG@10 on validation after which to stop.")
    batch_size: int = Field(128, gt=0, description="Users in a step.")
    hidden: int = Field(400, gt=0, description="Width of the hidden layer on either side.")
    latent_dim: int = Field(128, gt=0, description="Dimensions of the latent variable.")
    dropout: float = Field(0.5, ge=0, lt=1, description="Share of a history that is hidden from the encoder.")
    beta: float = Field(0.2, ge=0, description="Weight of the divergence, once it has risen.")
    annealing_steps: int = Field(400, gt=0, description="Steps in which that weight rises from 0.")
    weight_decay: float = Field(0.0, ge=0, description="Adam's penalty on all weights.")

    def run(self, split: Holdout, context: Context) -> Recommender:
        """Train."""
        from plugins.recommender.models import mult_vae

        return mult_vae.fit(self, split, context)


class NeuralCf(Trained):
    """Fit a product and a perceptron of user and item side by side: NeuMF (He et al. 2017)."""

    learning_rate: float = Field(3e-3, gt=0, description="Step size of Adam.")
    epochs: int = Field(20, gt=0, description="The most passes over the interactions.")
    patience: int = Field(3, gt=0, description="Epochs without a better NDCG@10 on validation after which to stop.")
    factors: int = Field(16, gt=0, description="Dimensions of the product.")
    width: int = Field(32, gt=1, description="Width of the perceptron's first layer; the second has half of it.")
    negatives: int = Field(4, gt=0, description="Items not taken for each one taken.")
    weight_decay: float = Field(1e-5, ge=0, description="Adam's penalty on all weights.")

    def run(self, split: Holdout, context: Context) -> Recommender:
        """Train."""
        from plugins.recommender.models import neural_cf

        return neural_cf.fit(self, split, context)


class Sasrec(Trained):
    """Predict the next item from the ones before it by self-attention (Kang & McAuley 2018); needs times."""

    learning_rate: float = Field(2e-3, gt=0, description="Step size of Adam.")
    batch_size: int = Field(128, gt=0, description="Users in a step.")
    length: int = Field(50, gt=1, description="How many of a user's last items are looked at.")
    width: int = Field(64, gt=0, description="Dimensions of the items' vectors.")
    heads: int = Field(2, gt=0, description="Heads of attention.")
    layers: int = Field(2, gt=0, description="Blocks of attention.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Share of the activations dropped in training.")

    @model_validator(mode="after")
    def _check(self) -> Sasrec:
        if self.width % self.heads:
            raise ValueError(f"must have a 'width' that its {self.heads} heads divide")
        return self

    def run(self, split: Holdout, context: Context) -> Recommender:
        """Train."""
        from plugins.recommender.models import sasrec

        return sasrec.fit(self, split, context)


STAGES: list[type[Stage]] = [Bpr, LightGcn, FactorizationMachine, MultVae, NeuralCf, Sasrec]
