"""What `vae.evaluate` does: the bound, its parts, the likelihood, the use of the code, and a diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pipeline.context import Context
from pipeline.types import Images, Split
from plugins.vae import figures
from plugins.vae.evaluation import latents
from plugins.vae.evaluation.bound import elbo_parts, importance_weighted
from plugins.vae.evaluation.collapse import Signs, diagnose
from plugins.vae.evaluation.disentanglement import disentanglement
from plugins.vae.evaluation.surgery import surgery
from plugins.vae.models.vae import VariationalAutoencoder
from plugins.vae.pixels import inputs
from plugins.vae.types import VAE, Disentanglement, Evaluation, FactorImages

if TYPE_CHECKING:
    from plugins.vae.stages import Evaluate

SHOWN = 40
FEW = 10
"""An effective sample size below which an importance-weighted estimate is not to be trusted."""


@torch.inference_mode()
def evaluate(stage: Evaluate, model: VAE, images: Split[Images], context: Context) -> Evaluation:
    """Evaluate on the test pictures, and draw what there is to see."""
    network = model.module().to(context.device)
    x, given = inputs(images.test, model, context.device)
    metrics, evaluation = judge(network, x, given, stage, context)
    units = latents.units(network, x, given)
    signs = Signs(
        int(latents.active(units).sum()), units.shape[1], metrics["kl"], metrics.get("aggregate_kl"), model.settings,
        model.architecture,
    )  # fmt: skip
    diagnosis = diagnose(signs)
    context.text("finding", diagnosis.finding)
    context.text("diagnosis.md", diagnosis.text)
    metrics |= {"active_units": signs.active, "collapsed": float(diagnosis.collapsed)}
    # Codes of a conditional model are made with the class in hand: what can be read off them says nothing.
    if (
        not model.conditional
        and images.train.labels is not None
        and len(np.unique(images.train.labels)) > 1
        and images.test.labels is not None
    ):
        metrics["probe_accuracy"] = _probe(network, model, images, context)
    context.log(metrics)
    index = _spread(images.test, SHOWN)
    known = None if given is None else given[index]
    originals = Images(x[index].cpu().numpy(), classes=images.test.classes)
    reconstructed = Images(network(x[index], known).cpu().numpy())
    context.figure("reconstructions", figures.reconstructions(originals, reconstructed, metrics["elbo"]))
    if evaluation.kl.shape[1] > 1:
        context.figure("kl_per_dimension", figures.kl_per_dimension(evaluation.kl.mean(axis=0)))
    if len(units) > 2:
        context.figure("codes", figures.codes(units.flatten(1).cpu().numpy(), images.test.labels, images.test.classes))
    return evaluation


@torch.inference_mode()
def disentangle(model: VAE, images: Split[FactorImages], context: Context) -> Disentanglement:
    """Of the codes of all pictures: with every combination of the factors there, none tells anything of another."""
    network = model.module().to(context.device)
    parts = (images.train, images.validation, images.test)
    codes = [latents.units(network, *inputs(part, model, context.device)).flatten(1).cpu().numpy() for part in parts]
    factors = np.concatenate([part.factors for part in parts])
    found = disentanglement(np.concatenate(codes), factors)
    names = ("mig", "sap", "disentanglement", "completeness", "informativeness")
    context.log({name: getattr(found, name) for name in names})
    context.figure("importance", figures.importance(found.importance, images.train.factor_names))
    return found


def judge(
    network: VariationalAutoencoder, x: Tensor, given: Tensor | None, stage: Evaluate, context: Context
) -> tuple[dict[str, float], Evaluation]:
    """The bound, its parts and the importance-weighted likelihood of x: metrics, and the parts by example."""
    reconstruction, kl = elbo_parts(network, x, stage.samples, seed=0, given=given)
    evaluation = Evaluation(reconstruction.cpu().numpy(), kl.cpu().numpy())
    metrics = {
        "elbo": float(evaluation.elbo.mean()),
        "reconstruction": reconstruction.mean().item(),
        "kl": kl.sum(1).mean().item(),
    }
    if parts := surgery(network, x, 0, given):
        metrics |= {"mutual_information": parts.mutual_information, "marginal_kl": parts.marginal_kl}
        metrics["aggregate_kl"] = parts.aggregate_kl
    chosen = torch.linspace(0, len(x) - 1, min(len(x), stage.nll_examples), device=x.device).round().long()
    found = importance_weighted(
        network, x[chosen], stage.importance_samples, 0, None if given is None else given[chosen]
    )
    n, log_likelihood = len(chosen), found.log_likelihood
    metrics |= {
        "nll": -log_likelihood.mean().item(),
        "nll_ci95": 1.96 * log_likelihood.std().item() / n**0.5 if n > 1 else 0.0,
        "effective_samples": found.effective_sample_size.median().item(),
    }
    few = (found.effective_sample_size < FEW).double().mean().item()
    if few > 0.1:
        context.text(
            "nll.md",
            f"For {few:.0%} of the examples, the {stage.importance_samples:,} importance samples are worth fewer than "
            f"{FEW}: the true negative log-likelihood is lower than the {metrics['nll']:.2f} nats given. Raise "
            "importance_samples, or compare models by values that share this setting.\n",
        )
    return metrics, evaluation


def _probe(network: VariationalAutoencoder, model: VAE, images: Split[Images], context: Context) -> float:
    train = images.train.take(np.arange(min(len(images.train), latents.MOST)))
    # Two seeds: the noise of a training code is not to come again in a test code.
    codes = [
        latents.codes(network, inputs(part, model, context.device)[0], seed).cpu().numpy()
        for seed, part in enumerate((train, images.test))
    ]
    return latents.probe_accuracy(codes[0], train.labels, codes[1], images.test.labels)


def _spread(images: Images, count: int) -> np.ndarray:
    """Indices of pictures that show something of every class."""
    by_class = np.arange(len(images)) if images.labels is None else np.argsort(images.labels, kind="stable")
    return by_class[np.linspace(0, len(images) - 1, min(count, len(images))).round().astype(int)]
