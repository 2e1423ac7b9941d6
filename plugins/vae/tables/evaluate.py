"""What `vae.evaluate_table` and `vae.generate_table` do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import torch

from pipeline.context import Context
from pipeline.types import Split, Table
from plugins.vae.evaluation import latents
from plugins.vae.evaluation.collapse import Signs, diagnose
from plugins.vae.evaluation.evaluate import judge
from plugins.vae.figures import kl_per_dimension
from plugins.vae.tables import fidelity, figures
from plugins.vae.tables.encoding import decode, encode
from plugins.vae.types import Evaluation, TableVAE

if TYPE_CHECKING:
    from plugins.vae.table_stages import EvaluateTable


@torch.inference_mode()
def evaluate(stage: EvaluateTable, model: TableVAE, table: Split[Table], context: Context) -> Evaluation:
    """Judge the model on the test rows, and rows drawn from it beside them."""
    network = model.module().to(context.device)
    x = torch.from_numpy(encode(table.test.frame, model.columns)).to(context.device)
    metrics, evaluation = judge(network, x, None, stage, context)
    units = latents.units(network, x)
    active = int(latents.active(units).sum())
    found = Signs(active, units.shape[1], metrics["kl"], metrics["aggregate_kl"], model.settings, "mlp", "row")
    diagnosis = diagnose(found)
    context.text("finding", diagnosis.finding)
    context.text("diagnosis.md", diagnosis.text)
    drawn = draw(model, max(len(table.test), 500), seed=0)
    distances = fidelity.column_distances(table.test.frame, drawn, model.columns)
    context.log(
        metrics
        | {
            "active_units": active,
            "collapsed": float(diagnosis.collapsed),
            "column_distance": sum(distances.values()) / len(distances),
            "discriminator_auc": fidelity.discriminator_auc(table.test.frame, drawn, model.columns, seed=0),
        }
    )
    context.figure("kl_per_dimension", kl_per_dimension(evaluation.kl.mean(axis=0)))
    context.figure("marginals", figures.marginals(table.test.frame, drawn, model.columns, distances))
    return evaluation


@torch.inference_mode()
def draw(model: TableVAE, count: int, seed: int) -> pd.DataFrame:
    """``count`` new rows: codes from the prior, and a row from each one's distribution."""
    network = model.module()
    generator = torch.Generator().manual_seed(seed)
    output = network.output(network.draw(count, generator))
    return decode(network.likelihood.draw(output, generator).numpy(), model.columns)
