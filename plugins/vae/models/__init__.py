"""One file for each model, to be read beside its paper."""

from plugins.vae.models.beta_tc import BetaTCVAE
from plugins.vae.models.beta_vae import BetaVAE
from plugins.vae.models.conditional import ConditionalVAE
from plugins.vae.models.factor import FactorVAE
from plugins.vae.models.flow import FlowVAE
from plugins.vae.models.hierarchical import HierarchicalVAE
from plugins.vae.models.info import InfoVAE
from plugins.vae.models.iwae import IWAE
from plugins.vae.models.vae import VariationalAutoencoder
from plugins.vae.models.vamp_prior import VampPrior
from plugins.vae.models.vq import VQVAE

MODELS: dict[str, type[VariationalAutoencoder]] = {
    "beta_tc": BetaTCVAE,
    "beta_vae": BetaVAE,
    "conditional": ConditionalVAE,
    "factor": FactorVAE,
    "flow": FlowVAE,
    "hierarchical": HierarchicalVAE,
    "info": InfoVAE,
    "iwae": IWAE,
    "vamp_prior": VampPrior,
    "vq": VQVAE,
}
