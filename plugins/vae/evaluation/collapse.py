"""Posterior collapse, told in plain words: the posterior stays at the prior, and the decoder ignores the code."""

from __future__ import annotations

import math
from dataclasses import dataclass

LITTLE = math.log(2)
"""Nats that a code must carry at least: one bit, or it cannot even tell one half of the pictures from the other."""


@dataclass(frozen=True)
class Signs:
    """What the diagnosis goes by: active units among all, the divergence (nats), and what is known of the training."""

    active: int
    units: int
    kl: float
    aggregate_kl: float | None
    settings: dict[str, object]
    architecture: str
    example: str = "picture"


@dataclass(frozen=True)
class Diagnosis:
    """Whether the model is collapsed, that in one sentence, and a text: what is seen, what it means, what to try."""

    collapsed: bool
    finding: str
    text: str


def diagnose(signs: Signs) -> Diagnosis:
    """Collapsed: no unit is active, or the whole code carries less than one bit."""
    collapsed = signs.active == 0 or signs.kl < LITTLE
    rate = f"{signs.kl:.3g} nats a {signs.example}"
    seen = f"{signs.active} of {signs.units} latent units are active; the code carries {rate}."
    finding = _headline(signs, collapsed)
    lines = [f"# {finding}", "", seen, ""]
    if advice := _advice(signs, collapsed):
        lines += ["What to try:", "", *(f"- {line}" for line in advice), ""]
    return Diagnosis(collapsed, finding, "\n".join(lines))


def _headline(signs: Signs, collapsed: bool) -> str:
    if collapsed:
        return f"Posterior collapse: the decoder ignores the code, and every reconstruction is the mean {signs.example}"
    if signs.active < signs.units:
        return f"Healthy, with {signs.units - signs.active} latent units to spare"
    return "Healthy: every latent unit is used"


def _advice(signs: Signs, collapsed: bool) -> list[str]:
    advice = []
    beta = signs.settings.get("beta")
    if collapsed:
        if isinstance(beta, float) and beta > 1:
            advice.append(f"a smaller beta: at {beta:g}, a nat of code has to save {beta:g} nats of reconstruction")
        if not signs.settings.get("warmup_epochs"):
            advice.append("warmup_epochs: let the weight of the divergence grow over the first tenth of the epochs")
        if not signs.settings.get("free_bits"):
            advice.append("free_bits: 0.1 to 0.5 nats for each latent dimension, which cost nothing")
        advice.append("more epochs, or a larger learning_rate: units may only not have woken up yet")
        if signs.architecture == "convolutional":
            advice.append("a decoder with fewer channels: a strong one models pictures without the code")
    elif signs.active == signs.units:
        advice.append("a larger latent_dim, if the reconstructions are to be sharper: no unit is left idle")
    elif signs.active < signs.units / 2:
        advice.append(
            f"a smaller latent_dim: {signs.active} would do; if more units are to be used, warmup_epochs or free_bits"
        )
    if signs.aggregate_kl is not None and not collapsed and signs.aggregate_kl > 0.3 * signs.kl:
        advice.append(
            f"a more flexible prior (vae.vamp_prior): of the {signs.kl:.3g} nats, {signs.aggregate_kl:.3g} are not "
            "information but the codes' distance from the prior, and draws from the prior look accordingly"
        )
    return advice
