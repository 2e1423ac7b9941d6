"""The stages for tables."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, PositiveInt

from pipeline.context import Context
from pipeline.stage import Stage
from pipeline.types import Split, Table
from plugins.vae.fit_stages import Training, Weighting
from plugins.vae.types import Evaluation, TableVAE


class FitTable(Weighting, Training):
    """Fit a variational autoencoder to a table of numbers and categories, some of which may be missing.

    Numbers are normal around the decoder's value with one learned deviation for each column, categories categorical
    (Nazabal et al. 2020). Bounds are in nats for each row, with numbers standardised.
    """

    example: ClassVar = "row"

    hidden: tuple[PositiveInt, ...] = Field((128,), min_length=1, description="Widths; the decoder mirrors them.")

    def chosen(self) -> dict[str, Any]:
        """The settings of the model itself."""
        return {name: getattr(self, name) for name in ("beta", "warmup_epochs", "free_bits")}

    def run(self, table: Split[Table], context: Context) -> TableVAE:
        """Train on the training rows; go on from a checkpoint where there is one."""
        from plugins.vae.tables import fit

        return fit.fit(self, table, context)


class EvaluateTable(Stage):
    """Judge a model on the test rows, as vae.evaluate does pictures, and rows drawn from it beside them.

    `column_distance` is the mean distance of drawn from real columns (Kolmogorov-Smirnov, total variation; 0 is best),
    `discriminator_auc` how well boosted trees tell drawn from real rows (0.5: they cannot).
    """

    emits: ClassVar = {
        "elbo": "max",
        "reconstruction": "max",
        "kl": None,
        "mutual_information": None,
        "marginal_kl": None,
        "aggregate_kl": None,
        "nll": "min",
        "nll_ci95": None,
        "effective_samples": None,
        "active_units": None,
        "collapsed": None,
        "column_distance": "min",
        "discriminator_auc": None,
    }

    samples: int = Field(10, gt=0, description="Draws of z for each row; more make the bound steadier.")
    importance_samples: int = Field(200, gt=0, description="Draws of z for each row's likelihood.")
    nll_examples: int = Field(1000, gt=0, description="Test rows whose likelihood is estimated, evenly chosen.")

    def run(self, model: TableVAE, table: Split[Table], context: Context) -> Evaluation:
        """Judge, and draw real beside drawn columns."""
        from plugins.vae.tables import evaluate

        return evaluate.evaluate(self, model, table, context)


class GenerateTable(Stage):
    """Draw new rows from a model of a table."""

    seeded: ClassVar = True

    count: int = Field(1000, gt=0, description="How many rows to draw.")

    def run(self, model: TableVAE, context: Context) -> Table:
        """Rows with the columns of the training rows; the first hundred are kept as a table to look at."""
        from plugins.vae.tables import evaluate

        frame = evaluate.draw(model, self.count, context.seed)
        context.table("rows", frame.head(100))
        return Table(frame)


STAGES = (FitTable, EvaluateTable, GenerateTable)
