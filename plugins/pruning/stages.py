"""The stages of the `pruning` plugin."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, model_validator

from pipeline import Context, Stage, hookimpl, types
from pipeline.stage import DataPath
from pipeline.types import Split, TorchModel
from plugins.pruning.names import Architecture, ChannelName, Name
from plugins.pruning.types import Classifier, Data, Precision, Pruned, Settings

_QUALITY = {"accuracy": "max", "difference": "min"}
"""What tells how good a network is: a classifier's accuracy, or how far any other is from the dense one."""


class Table(Stage):
    """Load rows of numbers with a class each, of a known data set or of a CSV file, and split them.

    Each class has the same share of every part; columns of text become columns of zeros and ones.
    """

    dataset: Literal["breast-cancer", "wine"] | None = Field(None, description="A data set by its name.")
    file: DataPath | None = Field(None, description="A CSV file instead, with the names of its columns.")
    target: str | None = Field(None, description="The file's column of classes.")
    validation: float = Field(0.2, gt=0, lt=1, description="Share of the rows to choose on.")
    test: float = Field(0.2, gt=0, lt=1, description="Share of the rows to judge on.")
    split_seed: int = Field(0, ge=0, description="Seed of the split, the same for every seed of the run.")

    @model_validator(mode="after")
    def _check(self) -> Table:
        if (self.dataset is None) == (self.file is None):
            raise ValueError("must name either a dataset or a file")
        if (self.file is None) != (self.target is None):
            raise ValueError("must name the 'target' column of a file, and of a file only")
        if self.validation + self.test >= 1:
            raise ValueError("must leave something to train on: 'validation' and 'test' together are 1 or more")
        return self

    def run(self) -> Split[types.Table]:
        """Read and split."""
        from plugins.pruning import table

        return table.load(self)


class Train(Stage):
    """Train a dense classifier of pictures or of rows of a table, to be pruned."""

    emits: ClassVar = {"accuracy": "max", "loss": "min", "parameters": None}
    per_step: ClassVar = ("accuracy", "loss")
    seeded: ClassVar = True

    architecture: Architecture = Field(
        "lenet_300_100", description="LeNets (LeCun et al. 1998), a perceptron, or small forms of VGG and ResNet."
    )
    epochs: int = Field(10, gt=0, description="Passes over the training pictures.")
    learning_rate: float = Field(1.2e-3, gt=0, description="First step size of Adam; it falls to zero.")
    weight_decay: float = Field(0.0, ge=0, description="Decoupled weight decay (Loshchilov & Hutter 2019).")
    batch_size: int = Field(128, gt=0, description="Examples in a gradient step.")
    precision: Precision = Field("float32", description="Of the arithmetic; bfloat16 trains convolutions faster.")
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
        return Settings(self.epochs, self.batch_size, self.learning_rate, self.weight_decay, self.precision)

    def run(self, images: Data, context: Context) -> Classifier:
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
    batch_size: int = Field(128, gt=0, description="Examples in a gradient step.")
    precision: Precision = Field("float32", description="Of the arithmetic; bfloat16 trains convolutions faster.")
    score_samples: int = Field(1024, gt=0, description="Training examples that criteria look at.")
    accuracy_loss: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Stop before the round that loses more than this accuracy on the validation examples; every round "
        "then trains for 'epochs', and the target is only reached where that much need not be lost.",
    )
    distillation: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the loss that the dense network's probabilities take (Hinton et al. 2015).",
    )
    temperature: float = Field(4.0, gt=0, description="How much those probabilities are softened.")

    def settings(self, last: bool) -> Settings:
        """How to train after a round."""
        epochs = self.epochs if last or self.accuracy_loss is not None else self.round_epochs
        return Settings(epochs, self.batch_size, self.learning_rate, precision=self.precision)


class Prune(_Pruning):
    """Remove single weights, and train those that are left.

    A classifier is trained on the labels, any other network to give the dense network's outputs.
    """

    emits: ClassVar = {**_Pruning.emits, "sparsity": None, "collapsed_layers": "min"}
    per_step: ClassVar = (*_Pruning.per_step, "sparsity", "collapsed_layers")

    criterion: Name = Field("magnitude", description="Which weights go first.")
    compression: float | None = Field(
        None, ge=1, description="How many times fewer parameters, counting biases and norms, which are not pruned."
    )
    sparsity: float | None = Field(None, ge=0, lt=1, description="Share of the weights to remove, instead.")
    flops_reduction: float | None = Field(
        None, ge=1, description="How many times fewer operations with weights that are not zero, instead."
    )
    pattern: Literal["free", "2:4"] = Field(
        "free", description="Any weights, or two of every four in a row (then without any of these targets)."
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
    rewind: Literal["none", "weights", "learning_rate"] = Field(
        "none",
        description="After each round repeat the dense network's training from its early weights (lottery ticket), or "
        "from the weights as they are (Renda et al. 2020); without, fine-tune as 'epochs' and 'learning_rate' say.",
    )

    @model_validator(mode="after")
    def _check(self) -> Prune:
        targets = sum(value is not None for value in (self.compression, self.sparsity, self.flops_reduction))
        if targets != (self.pattern == "free"):
            raise ValueError(
                "must name one of compression, sparsity and flops_reduction"
                if self.pattern == "free"
                else "must leave out compression, sparsity and flops_reduction: the pattern 2:4 removes half of all"
            )
        if self.rewind != "none" and (idle := self.model_fields_set & {"epochs", "round_epochs", "learning_rate"}):
            raise ValueError(
                f"must leave out {', '.join(sorted(idle))}: rewinding repeats the dense network's own training"
            )
        if (self.schedule == "one_shot") != (self.rounds == 1):
            raise ValueError("must have one round for the schedule one_shot, and more than one for the others")
        return self

    def run(self, dense: TorchModel, images: Data, context: Context) -> Pruned:
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

    def run(self, dense: TorchModel, images: Data, context: Context) -> Pruned:
        """Remove and train, round by round."""
        from plugins.pruning import channels

        return channels.prune(self, dense, images, context)


class Sensitivity(Stage):
    """Prune each layer alone and without training, to see which layers can spare weights and which cannot.

    The losses that are logged are those at the largest sparsity: of accuracy, or of the mean squared difference from
    the dense network where that is no classifier.
    """

    emits: ClassVar = {"largest_loss": None, "mean_loss": None}
    seeded: ClassVar = True

    criterion: Name = Field("magnitude", description="Which weights go first.")
    sparsities: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        (0.5, 0.8, 0.9, 0.95, 0.98, 0.99), min_length=1, description="Shares of a layer's weights to remove."
    )
    score_samples: int = Field(1024, gt=0, description="Training examples that criteria look at.")

    def run(self, dense: TorchModel, images: Data, context: Context) -> types.Table:
        """Scan, judging on the validation examples."""
        from plugins.pruning import sensitivity

        return sensitivity.scan(self, dense, images, context)


class TradeOff(Stage):
    """Prune dense models in many ways to several sizes: accuracy against parameters, operations and milliseconds.

    Each model is pruned in each way, so that several of them, each with a seed of its own, show the spread. ``weights``
    and ``channels`` name the ways; each may set the fields of `pruning.prune` and `pruning.prune_channels`, and its
    criterion is its name unless it sets another.
    """

    seeded: ClassVar = True

    compressions: tuple[Annotated[float, Field(ge=1)], ...] = Field(
        (2, 4, 8, 16, 32), min_length=1, description="How many times fewer parameters; each of them is tried."
    )
    weights: dict[str, dict[str, Any]] = Field(
        {"magnitude": {}, "random": {}}, description="Ways to remove single weights: name to settings."
    )
    channels: dict[str, dict[str, Any]] = Field({}, description="Ways to remove whole channels: name to settings.")

    @property
    def emits(self) -> dict[str, str | None]:  # type: ignore[override]  # the names depend on the ways
        """The mean over models and compressions, for each way."""
        return {f"{name}/{end}": way for name in (*self.weights, *self.channels) for end, way in _QUALITY.items()}

    @model_validator(mode="after")
    def _check(self) -> TradeOff:
        if not (self.weights or self.channels):
            raise ValueError("must name a way to prune in 'weights' or in 'channels'")
        if both := self.weights.keys() & self.channels.keys():
            raise ValueError(f"must not use one name twice: {', '.join(sorted(both))} is in 'weights' and 'channels'")
        self.ways()
        return self

    def ways(self) -> list[tuple[str, float, Prune | PruneChannels]]:
        """Name, compression and stage of each pruning."""
        kinds: tuple[tuple[type[Prune | PruneChannels], Any], ...] = (
            (Prune, self.weights),
            (PruneChannels, self.channels),
        )
        return [
            (name, compression, _way(kind, name, {**settings, "compression": compression}))
            for kind, named in kinds
            for name, settings in named.items()
            for compression in self.compressions
        ]

    def run(self, models: dict[str, TorchModel], images: Data, context: Context) -> types.Table:
        """Prune, and judge on the test examples; latency is the thread's processor time at batch 256."""
        from plugins.pruning import trade_off

        return trade_off.explore(self, models, images, context)


def _way(kind: type[Prune | PruneChannels], name: str, settings: dict[str, Any]) -> Prune | PruneChannels:
    try:
        return kind(**{"criterion": name, **settings})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(
            f"{name}{'.' if place else ''}{place}: {first['msg'].removeprefix('Value error, ')}"
        ) from error


class Export(Stage):
    """Write the pruned network as an ONNX file, check what onnxruntime makes of it on the test examples, and time it.

    Removed channels are left out. The speed-up is over the dense network, exported and run in the same way.
    """

    emits: ClassVar = {
        "largest_difference": None,
        "bytes": "min",
        "latency_ms": "min",
        "latency_speedup": "max",
        "latency_speedup_low": None,
        "latency_speedup_high": None,
    }
    measured: ClassVar = tuple(name for name in emits if "latency" in name)

    batch_size: int = Field(256, gt=0, description="Examples in the batch whose latency is measured.")
    repetitions: int = Field(40, ge=5, description="How many times.")

    def run(self, pruned: Pruned, dense: TorchModel, images: Data, context: Context) -> None:
        """Export, compare and time, on one thread of the CPU."""
        from plugins.pruning import export

        export.export(self, pruned, dense, images, context)


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
        "int8_accuracy": "max",
        "difference": "min",
        "reconstruction_error": "min",
        "dense_reconstruction_error": None,
        "largest_difference": None,
        "compression": "max",
        "flops_reduction": None,
        "theoretical_speedup": None,
        "bytes_reduction": None,
        "sparse_bytes_reduction": None,
        "int8_bytes_reduction": None,
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
        "peak_memory": "min",
        "dense_peak_memory": None,
    }
    measured: ClassVar = tuple(name for name in emits if "latency" in name)

    batch_size: int = Field(256, gt=0, description="Pictures in a batch whose latency is measured, beside one picture.")
    repetitions: int = Field(40, ge=5, description="How many times.")

    def run(self, pruned: Pruned, dense: TorchModel, images: Data, context: Context) -> None:
        """Measure on the test pictures, on one thread of the CPU."""
        from plugins.pruning import certificate

        certificate.measure(self, pruned, dense, images, context)


@hookimpl
def pipeline_stages() -> list[Any]:
    """The menu."""
    return [Table, Train, Prune, PruneChannels, Sensitivity, TradeOff, Effect, Export]
