"""The stages of the `pruning` plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from pipeline import Context, Stage, hookimpl
from pipeline.types import Images, Split, TorchModel
from plugins.pruning.names import ChannelName, Name
from plugins.pruning.types import Classifier, Pruned

if TYPE_CHECKING:
    from plugins.pruning.training import Settings


class Train(Stage):
    """Train a dense classifier of pictures, to be pruned."""

    emits: ClassVar = {"accuracy": "max", "loss": "min", "parameters": None}
    per_step: ClassVar = ("accuracy", "loss")
    seeded: ClassVar = True

    architecture: Literal["lenet_300_100", "lenet_5", "vgg", "resnet"] = Field(
        "lenet_300_100", description="The network: LeCun et al. 1998, or small forms of VGG and ResNet."
    )
    epochs: int = Field(10, gt=0, description="Passes over the training pictures.")
    learning_rate: float = Field(1.2e-3, gt=0, description="First step size of Adam; it falls to zero.")
    weight_decay: float = Field(0.0, ge=0, description="Decoupled weight decay (Loshchilov & Hutter 2019).")
    batch_size: int = Field(128, gt=0, description="Pictures in a gradient step.")
    rewind_epochs: int = Field(
        0, ge=0, description="Lottery tickets rewind to the weights after so many epochs; 0 is before training."
    )

    @model_validator(mode="after")
    def _check(self) -> Train:
        if self.rewind_epochs > self.epochs:
            raise ValueError("must not rewind to an epoch after the last: 'rewind_epochs' is above 'epochs'")
        return self

    def settings(self) -> Settings:
        """How to train."""
        from plugins.pruning.training import Settings

        return Settings(self.epochs, self.batch_size, self.learning_rate, self.weight_decay)

    def run(self, images: Split[Images], context: Context) -> Classifier:
        """Train on the training pictures."""
        from plugins.pruning import training

        return training.fit(self, images, context)


class _Pruning(Stage):
    """What both ways of pruning share."""

    emits: ClassVar = {"accuracy": "max", "difference": "min", "compression": "max"}
    per_step: ClassVar[tuple[str, ...]] = ("accuracy", "difference", "compression")
    seeded: ClassVar = True

    rounds: int = Field(1, gt=0, description="Prune so many times, each time less.")
    round_epochs: int = Field(1, ge=0, description="Epochs of training after each round but the last.")
    epochs: int = Field(4, ge=0, description="Epochs of training after the last round.")
    learning_rate: float = Field(1e-3, gt=0, description="First step size of Adam; it falls to zero after each round.")
    batch_size: int = Field(128, gt=0, description="Pictures in a gradient step.")
    score_samples: int = Field(1024, gt=0, description="Training pictures that criteria look at.")
    distillation: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the loss that the dense network's probabilities take (Hinton et al. 2015).",
    )
    temperature: float = Field(4.0, gt=0, description="How much those probabilities are softened.")

    def settings(self, last: bool) -> Settings:
        """How to train after a round."""
        from plugins.pruning.training import Settings

        return Settings(self.epochs if last else self.round_epochs, self.batch_size, self.learning_rate)


class Prune(_Pruning):
    """Remove single weights, and train those that are left.

    A classifier is trained on the labels, any other network to give the dense network's outputs.
    """

    emits: ClassVar = {**_Pruning.emits, "sparsity": None}
    per_step: ClassVar = (*_Pruning.per_step, "sparsity")

    criterion: Name = Field("magnitude", description="Which weights go first.")
    compression: float | None = Field(
        None, ge=1, description="How many times fewer parameters, counting biases and norms, which are not pruned."
    )
    sparsity: float | None = Field(None, ge=0, lt=1, description="Share of the weights to remove, instead.")
    pattern: Literal["free", "2:4"] = Field(
        "free", description="Any weights, or two of every four in a row (then without a compression or sparsity)."
    )
    scope: Literal["global", "layer", "output"] = Field(
        "global", description="Compare all weights, or remove the same share of each layer, or of each output."
    )
    schedule: Literal["one_shot", "iterative", "cubic"] = Field(
        "one_shot", description="At once, by equal shares of what is left, or fast first (Zhu & Gupta 2018)."
    )
    start: Literal["trained", "early"] = Field(
        "trained", description="Score and prune the trained network, or the one before training (pruning.train's)."
    )
    rewind: Literal["none", "weights"] = Field(
        "none",
        description="After each round go on from the weights as they are, or from the early ones (lottery ticket).",
    )

    @model_validator(mode="after")
    def _check(self) -> Prune:
        targets = (self.compression is not None) + (self.sparsity is not None)
        if targets != (self.pattern == "free"):
            raise ValueError(
                "must name either a compression or a sparsity"
                if self.pattern == "free"
                else "must leave out compression and sparsity: the pattern 2:4 removes half of the weights"
            )
        if (self.schedule == "one_shot") != (self.rounds == 1):
            raise ValueError("must have one round for the schedule one_shot, and more than one for the others")
        return self

    def run(self, dense: TorchModel, images: Split[Images], context: Context) -> Pruned:
        """Score, select and train, round by round."""
        from plugins.pruning import pruning

        return pruning.prune(self, dense, images, context)


class PruneChannels(_Pruning):
    """Remove whole channels and units with all that depends on them, and train the smaller network."""

    criterion: ChannelName = Field("l2", description="Which channels go first.")
    compression: float | None = Field(None, ge=1, description="How many times fewer parameters.")
    flops_reduction: float | None = Field(None, ge=1, description="How many times fewer operations, instead.")
    latency_speedup: float | None = Field(
        None, ge=1, description="How many times faster at batch 256 as measured on this machine, instead."
    )

    @model_validator(mode="after")
    def _check(self) -> PruneChannels:
        if len(self._targets) != 1:
            raise ValueError("must name one of compression, flops_reduction and latency_speedup")
        return self

    @property
    def _targets(self) -> dict[str, float]:
        named = {name: getattr(self, name) for name in ("compression", "flops_reduction", "latency_speedup")}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def target_name(self) -> str:
        """The measure that is to be reached."""
        return next(iter(self._targets))

    @property
    def target(self) -> float:
        """How many times less there is to be of it."""
        return next(iter(self._targets.values()))

    def run(self, dense: TorchModel, images: Split[Images], context: Context) -> Pruned:
        """Remove and train, round by round."""
        from plugins.pruning import channels

        return channels.prune(self, dense, images, context)


class Effect(Stage):
    """Prove what pruning did: accuracy, parameters, operations, bytes and milliseconds beside the dense network's.

    Removed channels are left out for real, and the smaller network must give the masked one's outputs on all test
    pictures. Single weights that are zero save nothing in a dense matrix: the speed-up is told for the masked network,
    and apart from it (``latency_speedup_sparse``) with sparse matrices.
    """

    emits: ClassVar = {
        "accuracy": "max",
        "dense_accuracy": None,
        "accuracy_loss": "min",
        "difference": "min",
        "largest_difference": None,
        "compression": "max",
        "flops_reduction": None,
        "theoretical_speedup": None,
        "bytes_reduction": None,
        "sparse_bytes_reduction": None,
        "parameters": None,
        "nonzeros": None,
        "bytes": None,
        "latency_speedup": "max",
        "latency_speedup_low": None,
        "latency_speedup_high": None,
        "latency_speedup_one": None,
        "latency_speedup_sparse": "max",
        "latency_ms": None,
        "dense_latency_ms": None,
    }
    measured: ClassVar = tuple(name for name in emits if "latency" in name)

    batch_size: int = Field(256, gt=0, description="Pictures in a batch whose latency is measured, beside one picture.")
    repetitions: int = Field(40, ge=5, description="How many times.")

    def run(self, pruned: Pruned, dense: TorchModel, images: Split[Images], context: Context) -> None:
        """Measure on the test pictures, on one thread of the CPU."""
        from plugins.pruning import certificate

        certificate.measure(self, pruned, dense, images, context)


@hookimpl
def pipeline_stages() -> list[Any]:
    """The menu."""
    return [Train, Prune, PruneChannels, Effect]
