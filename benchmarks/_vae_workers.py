"""One measurement of benchmarks/vae.py in a process of its own, run by our Python or by Pythae's.

    python benchmarks/_vae_workers.py WHO TASK ARCHITECTURE PRECISION DATA SEED

prints one line of JSON. WHO is ours, compiled (ours with torch.compile), lean (a loop written by hand, as short and as
fast as can be) or pythae; all train the same layers. CPU seconds of one thread, without imports and data loading.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn
from torch.nn import functional

LATENT, HIDDEN, CHANNELS, BATCH, RATE = 20, 400, (32, 64), 128, 1e-3


def layers(architecture: str) -> tuple[nn.Module, nn.Module]:
    """The encoder and the decoder that everybody trains."""
    if architecture == "mlp":
        return (
            nn.Sequential(nn.Flatten(), nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT)),
            nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 784), nn.Unflatten(1, (1, 28, 28))),
        )
    a, b = CHANNELS
    return (
        nn.Sequential(
            nn.Conv2d(1, a, 4, 2, 1), nn.ReLU(), nn.Conv2d(a, b, 4, 2, 1), nn.ReLU(), nn.Flatten(),
            nn.Linear(b * 49, 2 * LATENT),
        ),
        nn.Sequential(
            nn.Linear(LATENT, b * 49), nn.Unflatten(1, (b, 7, 7)), nn.ReLU(), nn.ConvTranspose2d(b, a, 4, 2, 1),
            nn.ReLU(), nn.ConvTranspose2d(a, 1, 4, 2, 1),
        ),
    )  # fmt: skip


class Autoencoder(nn.Module):
    """Encoder and decoder under one roof."""

    def __init__(self, architecture: str) -> None:
        super().__init__()
        self.encoder, self.decoder = layers(architecture)


class Lean:
    """The loop that one would write by hand."""

    def __init__(self, architecture: str, precision: str, pixels: torch.Tensor, seed: int) -> None:
        torch.manual_seed(seed)
        self.pixels, self.bfloat16 = pixels, precision == "bfloat16"
        self.model = Autoencoder(architecture)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE, fused=True)

    def epoch(self) -> None:
        for index in torch.randperm(len(self.pixels)).split(BATCH):
            x = self.pixels[index].float().div_(255)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
                mean, log_variance = self.model.encoder(x).float().chunk(2, 1)
                z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
                logits = self.model.decoder(z).float()
            reconstruction = functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
            kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
            loss = (reconstruction + kl) / len(index)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def state(self) -> dict[str, torch.Tensor]:
        return self.model.state_dict()


class Ours:
    """The loop of the plugin."""

    NAMES: ClassVar = {"mlp": ("mlp", (HIDDEN,)), "conv": ("convolutional", CHANNELS)}
    compile = False

    def __init__(self, architecture: str, precision: str, pixels: torch.Tensor, seed: int) -> None:
        from pipeline.context import Context
        from plugins.vae.fit_stages import Fit
        from plugins.vae.training import Examples, begin, train_epoch

        kind, hidden = self.NAMES[architecture]
        sizes = {"latent_dim": LATENT, "hidden": hidden, "architecture": kind}
        self.stage = Fit(**sizes, batch_size=BATCH, learning_rate=RATE, precision=precision, compile=self.compile)
        self.train, self.train_epoch = Examples(pixels), train_epoch
        self.state_ = begin(self.stage, self.model(architecture).build, self.train, Context(seed=seed))

    @classmethod
    def model(cls, architecture: str) -> Any:
        """The plugin's model without weights."""
        from plugins.vae.types import VAE

        kind, hidden = cls.NAMES[architecture]
        settings = {"beta": 1.0, "warmup_epochs": 0, "free_bits": 0.0}
        return VAE("beta_vae", settings, (1, 28, 28), LATENT, kind, hidden, "bernoulli", 16)

    def epoch(self) -> None:
        self.train_epoch(self.stage, self.state_, self.train)

    def state(self) -> dict[str, torch.Tensor]:
        return self.state_.network.state_dict()


class Compiled(Ours):
    """The same, its encoder and decoder compiled."""

    compile = True


def pythae_model(architecture: str) -> Any:
    """Pythae's autoencoder of the same layers."""
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.layers = layers(architecture)[0]

        def forward(self, x: torch.Tensor) -> Any:
            mean, log_variance = self.layers(x).chunk(2, 1)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(layers(architecture)[1], nn.Sigmoid())

        def forward(self, z: torch.Tensor) -> Any:
            return ModelOutput(reconstruction=self.layers(z))

    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=LATENT, reconstruction_loss="bce")
    return VAE(config, encoder=Encoder(), decoder=Decoder())


class Pythae:
    """Pythae's own trainer around the same layers."""

    def __init__(self, architecture: str, precision: str, pixels: torch.Tensor, seed: int) -> None:
        logging.disable(logging.CRITICAL)
        from pythae.data.datasets import BaseDataset
        from pythae.trainers import BaseTrainer, BaseTrainerConfig

        torch.manual_seed(seed)
        self.model = pythae_model(architecture)
        rates = {"learning_rate": RATE, "per_device_train_batch_size": BATCH}
        training = BaseTrainerConfig(output_dir=tempfile.mkdtemp(), num_epochs=1, seed=seed, **rates)
        data = BaseDataset(pixels.float() / 255, torch.zeros(len(pixels)))
        self.trainer = BaseTrainer(self.model, data, training_config=training, callbacks=[])
        self.trainer.prepare_training()
        self.model.train()

    def epoch(self) -> None:
        self.trainer.train_step(1)

    def state(self) -> dict[str, torch.Tensor]:
        encoder, decoder = self.model.encoder.layers.state_dict(), self.model.decoder.layers[0].state_dict()
        return {f"encoder.{k}": v for k, v in encoder.items()} | {f"decoder.{k}": v for k, v in decoder.items()}


WORKERS: dict[str, Callable[..., Any]] = {"ours": Ours, "compiled": Compiled, "lean": Lean, "pythae": Pythae}


def main(who: str, task: str, architecture: str, precision: str, folder: str, seed: str) -> dict[str, Any]:
    """One measurement."""
    data = {name: torch.from_numpy(np.load(Path(folder) / f"{name}.npy")) for name in ("train", "test")}
    if task == "nll":
        return {"who": who, **likelihood(who, data["test"], Path(folder))}
    if task == "epoch":  # a few steps first, so that nothing is done for the first time on the clock
        WORKERS[who](architecture, precision, data["train"][: 3 * BATCH], int(seed)).epoch()
    worker = WORKERS[who](architecture, precision, data["train"], int(seed))
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(1 if task == "epoch" else int(task)):
        worker.epoch()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if task != "epoch":
        torch.save(worker.state(), Path(folder) / f"{who}-{precision}-{seed}.pt")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": cpu, "wall": wall, "images": len(data["train"]), "memory": memory}


def likelihood(who: str, test: torch.Tensor, folder: Path) -> dict[str, Any]:
    """IW-NLL with K = 5,000 of the first pictures, of the same weights, as each computes it."""
    state, count, samples = torch.load(folder / "ours-float32-0.pt"), 12, 5000
    x = test[:count].float() / 255
    with torch.inference_mode():
        if who == "pythae":
            model = pythae_model("mlp").eval()
            for part, target in (("encoder", model.encoder.layers), ("decoder", model.decoder.layers[0])):
                own = {k.removeprefix(f"{part}."): v for k, v in state.items() if k.startswith(part)}
                target.load_state_dict(own)
            began = time.process_time()
            nll = -float(model.get_nll(x, n_samples=samples, batch_size=100))
        else:
            from plugins.vae.evaluation.bound import importance_weighted

            network = Ours.model("mlp").build()
            network.load_state_dict(state)
            began = time.process_time()
            nll = -importance_weighted(network, x, samples, 0).log_likelihood.mean().item()
    cpu = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": cpu, "images": count, "nll": nll, "memory": memory}


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(json.dumps(main(*sys.argv[1:])))
