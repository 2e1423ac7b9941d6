"""VQ-VAE: van den Oord, Vinyals & Kavukcuoglu, "Neural Discrete Representation Learning", NeurIPS 2017
(arXiv:1711.00937). Its prior over codes, a small recurrent network, learns along with the rest instead of afterwards.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from plugins.vae import bounds
from plugins.vae.models.vae import Loss, VariationalAutoencoder
from plugins.vae.networks import Networks

COMMITMENT = 0.25
WIDTH = 64


class VQVAE(VariationalAutoencoder):
    """A picture is ``latent_dim`` entries, one after another, of a codebook of ``codes`` vectors of ``code_dim``.

    q(z|x) is certain of one code, so its divergence from the prior is -log p(z), and one sample is as good as many.
    """

    gaussian_posterior = False

    def __init__(self, networks: Networks, latent_dim: int, *, codes: int, code_dim: int) -> None:
        super().__init__(networks, latent_dim)
        self.code_dim = code_dim
        self.encoder = networks.encoder(latent_dim * code_dim)
        self.decoder = networks.decoder(latent_dim * code_dim)
        self.codebook = nn.Parameter(torch.randn(codes, code_dim))
        self.recurrent = nn.GRU(code_dim, WIDTH, batch_first=True)
        self.logits = nn.Linear(WIDTH, codes)

    def prepare(self, x: Tensor, size: int, generator: torch.Generator) -> None:
        """Begin with codes of pictures: an entry far from all of them would never be chosen."""
        vectors = self._encoded(x).detach().flatten(0, 1)
        chosen = torch.randint(len(vectors), (len(self.codebook),), generator=generator, device=x.device)
        noise = torch.empty_like(self.codebook).normal_(generator=generator)
        self.codebook.data.copy_(vectors[chosen] + 0.01 * vectors.std() * noise)

    def nearest(self, encoded: Tensor) -> Tensor:
        """Index of the entry nearest to each vector (n, latent_dim, code_dim): equation 1, as (n, latent_dim)."""
        products = encoded @ self.codebook.T
        return (self.codebook.square().sum(1) - 2 * products).argmin(2)

    def log_prior_of(self, index: Tensor) -> Tensor:
        """log p of each entry given those before it, (n, latent_dim)."""
        vectors = self.codebook.detach()[index]
        before = functional.pad(vectors[:, :-1], (0, 0, 1, 0))
        logits = self.logits(self.recurrent(before)[0]).float()
        return logits.log_softmax(2).gather(2, index[..., None]).squeeze(2)

    def elbo_parts(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """log p(x|z) of the one code, and -log p(z) for each of its entries."""
        index = self.nearest(self._encoded(x))
        return self.likelihood.log_prob(x, self.output(self.codebook[index].flatten(1))), -self.log_prior_of(index)

    def loss(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> Loss:
        """Equation 3, its gradient passed straight through the choice, and the prior's own loss."""
        encoded = self._encoded(x)
        index = self.nearest(encoded)
        chosen = self.codebook[index]
        straight = encoded + (chosen - encoded).detach()
        reconstruction = self.likelihood.log_prob(x, self.output(straight.flatten(1)))
        codebook = (encoded.detach() - chosen).square().sum((1, 2))
        commitment = (encoded - chosen.detach()).square().sum((1, 2))
        kl = -self.log_prior_of(index)
        value = (codebook + COMMITMENT * commitment + kl.sum(1) - reconstruction).mean()
        return Loss(value, bounds.elbo(reconstruction, kl).mean())

    def log_weights(self, x: Tensor, samples: int, generator: torch.Generator, given: Tensor | None = None) -> Tensor:
        """The same for every sample."""
        return bounds.elbo(*self.elbo_parts(x, generator)).expand(samples, -1)

    def represent(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """The chosen vectors, one after another."""
        return self.units(x).flatten(1)

    def code(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> Tensor:
        """The same: q(z|x) is certain of it."""
        return self.represent(x)

    def units(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """The chosen vectors, (n, latent_dim, code_dim)."""
        return self.codebook[self.nearest(self._encoded(x))]

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Codes from the prior, entry by entry."""
        vector, state, drawn = self.codebook.new_zeros(n, self.code_dim), None, []
        for _ in range(self.latent_dim):
            features, state = self.recurrent(vector[:, None], state)
            probabilities = self.logits(features[:, 0]).softmax(1)
            vector = self.codebook[torch.multinomial(probabilities, 1, generator=generator)[:, 0]]
            drawn.append(vector)
        return torch.cat(drawn, 1)

    def _encoded(self, x: Tensor) -> Tensor:
        return self.encoder(x).float().unflatten(1, (self.latent_dim, self.code_dim))
