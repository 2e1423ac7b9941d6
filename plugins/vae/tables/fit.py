"""What `vae.fit_table` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import nn

from pipeline.context import Context
from pipeline.errors import DataError
from pipeline.types import Split, Table
from plugins.vae.networks import mlp
from plugins.vae.tables.encoding import columns_of, encode
from plugins.vae.tables.likelihood import Mixed
from plugins.vae.training import Examples, optimise
from plugins.vae.types import Column, TableVAE

if TYPE_CHECKING:
    from plugins.vae.table_stages import FitTable


@dataclass(frozen=True)
class TableNetworks:
    """What a model of tables is built of; the same that ``Networks`` is for pictures."""

    columns: Sequence[Column]
    hidden: tuple[int, ...]

    def encoder(self, size: int) -> nn.Module:
        """From rows to ``size`` numbers."""
        return mlp(self._width + len(self.columns), *self.hidden, size)

    def decoder(self, size: int) -> nn.Module:
        """From ``size`` numbers to what the likelihood needs to know of each column."""
        return mlp(size, *reversed(self.hidden), self._width)

    def likelihood(self) -> nn.Module:
        """With fresh parameters."""
        return Mixed(self.columns)

    @property
    def _width(self) -> int:
        return sum(column.width for column in self.columns)


def fit(stage: FitTable, table: Split[Table], context: Context) -> TableVAE:
    """Train on the rows; DataError where that cannot be."""
    if len(table.train) < 2:
        raise DataError("a single row is not enough to train on.")
    columns = columns_of(table.train.frame)
    model = TableVAE(columns, stage.chosen(), stage.latent_dim, stage.hidden)
    width = sum(column.width for column in columns)
    if stage.latent_dim > width:
        raise DataError(
            f"latent_dim is {stage.latent_dim}, but an encoded row has only {width} values. Choose a smaller one."
        )
    train, validation = (
        Examples(torch.from_numpy(encode(part.frame, columns)).to(context.device))
        for part in (table.train, table.validation)
    )
    return replace(model, state=optimise(stage, model.build, train, validation, context))
