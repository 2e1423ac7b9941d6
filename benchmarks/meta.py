"""Meta-learning and multi-task learning beside their peers: the same steps on the same tasks, in turn, in one process.

    python benchmarks/meta.py              everything (peers are installed on first use)
    python benchmarks/meta.py sinusoid     one part: sinusoid, omniglot, multitask

MAML is timed against `higher`, and against the algorithm as a plain loop over tasks, which is what learn2learn does
(learn2learn 0.2.0 itself does not build on Python 3.11). Multi-task steps are timed against LibMTL. CPU time of one
thread, medians of interleaved rounds; what each computed is asserted to be equal before anything is timed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import types
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))
import torch
from _measure import ENVIRONMENTS, table  # benchmarks is a folder of scripts, not a package
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from plugins.meta.episodes import Episodes, losses
from plugins.meta.learners import Learner, build
from plugins.meta.types import Problem
from plugins.multitask.losses import task_losses
from plugins.multitask.networks import HardSharing
from plugins.multitask.training import balanced_backward

torch.set_num_threads(1)
ROUNDS = 5
EQUAL = 1e-8


def installed(package: str, requirement: str) -> bool:
    """Make a pure Python peer importable beside our own torch; False where it cannot be had."""
    folder = ENVIRONMENTS / f"{package}-alone"
    if not folder.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, requirement]
        if subprocess.run(command, check=False).returncode:
            print(f"{requirement} does not install: left out", file=sys.stderr)
            return False
    sys.path.append(str(folder))
    return True


def interleaved(work: Mapping[str, Callable[[], Any]], repeats: Mapping[str, int]) -> dict[str, float]:
    """Median CPU milliseconds of one call of each, measured in turn."""
    spent: dict[str, list[float]] = {name: [] for name in work}
    for round_ in range(ROUNDS + 1):
        for name, step in work.items():
            began = time.process_time()
            for _ in range(repeats[name]):
                step()
            if round_:
                spent[name].append(1000 * (time.process_time() - began) / repeats[name])
    return {name: statistics.median(values) for name, values in spent.items()}


def maml(title: str, problem: Problem, episodes: Episodes, step: float, repeats: Mapping[str, int]) -> None:
    """Ours, the plain loop and higher: one meta-step of second-order MAML with one inner step, and Adam."""
    torch.manual_seed(0)
    settings = {"hidden": None, "inner_learning_rate": step, "inner_steps": 1, "first_order": False, "only_head": False}
    ours = build("maml", problem, settings)
    theirs = as_module(problem, ours.state_dict())
    tasks = each_task(episodes)
    backward: dict[str, Callable[..., Any]] = {
        "ours": lambda model, given: model.backward(given),
        "plain loop": lambda model, given: looped(model, given, step).backward(),
    }
    if installed("higher", "higher==0.2.1"):
        backward["higher"] = lambda model, given: by_higher(model, given, step)
    apart = differences(ours, theirs, episodes, backward)
    optimizers = {
        name: torch.optim.Adam((ours if name == "ours" else theirs).parameters(), fused=True) for name in backward
    }

    def whole(name: str) -> None:
        optimizers[name].zero_grad()
        backward[name](*(ours, episodes) if name == "ours" else (theirs, tasks))
        optimizers[name].step()

    cost = interleaved({name: lambda n=name: whole(n) for name in backward}, repeats)
    table(
        title,
        [[n, cost[n], 1000 * len(tasks) / cost[n], cost[n] / cost["ours"], apart[n]] for n in cost],
        ["", "CPU ms a meta-step", "tasks per CPU second", "times ours", "gradient differs by"],
    )


def parts(episodes: Episodes) -> tuple[Tensor, ...]:
    """Inputs and targets of support and query set."""
    return episodes.support_inputs, episodes.support_targets, episodes.query_inputs, episodes.query_targets


def each_task(episodes: Episodes) -> list[tuple[Tensor, ...]]:
    """The parts of one task after the other."""
    return [tuple(part[i] for part in parts(episodes)) for i in range(len(episodes))]


def differences(
    ours: Learner, theirs: nn.Module, episodes: Episodes, backward: Mapping[str, Callable[..., Any]]
) -> dict[str, float]:
    """By how much of its largest entry the meta-gradient of the first layer differs from ours, in double precision.

    Single precision rounds some inputs of ReLU and pooling to the other side, where the gradient is a different one.
    Stops where a difference is more than rounding.
    """
    double = Episodes(*(part.double() if part.is_floating_point() else part for part in parts(episodes)))
    ours, theirs = deepcopy(ours).double(), deepcopy(theirs).double()
    gradients = {}
    for name, run in backward.items():
        model, given = (ours, double) if name == "ours" else (theirs, each_task(double))
        model.zero_grad()
        run(model, given)
        gradients[name] = comparable(model, ours.problem)
    scale = gradients["ours"].abs().max()
    apart = {name: float((value - gradients["ours"]).abs().max() / scale) for name, value in gradients.items()}
    if max(apart.values()) > EQUAL:
        raise SystemExit(f"the meta-gradients are not equal: {apart}")
    return apart


def loss_of(outputs: Tensor, targets: Tensor) -> Tensor:
    """Of one task."""
    return losses(outputs[None], targets[None])[0]


def looped(model: nn.Module, tasks: list[tuple[Tensor, ...]], step: float) -> Tensor:
    """Task after task: gradient of the support loss, new weights, query loss."""
    weights = dict(model.named_parameters())
    total = torch.zeros(())
    for support, answers, query, wanted in tasks:
        loss = loss_of(functional_call(model, weights, (support,)), answers)
        gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
        adapted = {name: w - step * g for (name, w), g in zip(weights.items(), gradients, strict=True)}
        total = total + loss_of(functional_call(model, adapted, (query,)), wanted)
    return total / len(tasks)


def by_higher(model: nn.Module, tasks: list[tuple[Tensor, ...]], step: float) -> None:
    """The loop of higher's own MAML example: each task's loss goes backward at once."""
    import higher

    inner = torch.optim.SGD(model.parameters(), lr=step)
    for support, answers, query, wanted in tasks:
        with higher.innerloop_ctx(model, inner, copy_initial_weights=False) as (copy, steps):
            steps.step(loss_of(copy(support), answers))
            (loss_of(copy(query), wanted) / len(tasks)).backward()


class Block(nn.Module):
    """Convolution, normalisation by the batch at hand, ReLU, pooling."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.scale, self.shift = nn.Parameter(torch.ones(after)), nn.Parameter(torch.zeros(after))

    def forward(self, x: Tensor) -> Tensor:
        """Half the height and width."""
        x = functional.batch_norm(self.convolution(x), None, None, self.scale, self.shift, training=True)
        return functional.max_pool2d(x.relu(), 2)


def as_module(problem: Problem, state: Mapping[str, Tensor]) -> nn.Sequential:
    """Our learner's network as plain torch layers with the same weights."""
    if len(problem.input_shape) == 1:
        model = nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
        names = dict(zip(("0", "2", "4"), ("layer0", "layer1", "head"), strict=True))
    else:
        model = nn.Sequential(Block(1, 64), *(Block(64, 64) for _ in range(3)), nn.Flatten(), nn.Linear(64, 5))
        names = {"5": "head"}
        for number in range(4):
            model[number].convolution.weight.data = state[f"network.initial.block{number}_weight"].clone()
    for place, name in names.items():
        layer = model.get_submodule(place)
        layer.weight.data = state[f"network.initial.{name}_weight"].T.clone()
        layer.bias.data = state[f"network.initial.{name}_bias"][0].clone()
    return model


def comparable(model: nn.Module, problem: Problem) -> Tensor:
    """The gradient of the first layer's weights, in one order whatever the model."""
    first = next(
        w for name, w in model.named_parameters() if name.endswith(("0.weight", "_weight")) or "convolution" in name
    )
    gradient = first.grad if len(problem.input_shape) == 3 else first.grad.flatten()
    return gradient.clone()


def sinusoid() -> None:
    """The 40-40 network on ten points, 25 tasks a step."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(25, 20, 1, generator=generator) * 10 - 5
    y = torch.rand(25, 1, 1, generator=generator) * 5 * (x - 3 * torch.rand(25, 1, 1, generator=generator)).sin()
    episodes = Episodes(x[:, :10], y[:, :10], x[:, 10:], y[:, 10:])
    repeats = {"ours": 40, "plain loop": 4, "higher": 3}
    maml("MAML, sinusoid, 25 tasks", Problem((1,), 1, classifies=False), episodes, 0.01, repeats)


def omniglot() -> None:
    """The four-block network, 5-way 1-shot, 15 queries, 32 tasks a step."""
    generator = torch.Generator().manual_seed(0)
    pictures = (torch.rand(32, 30, 1, 28, 28, generator=generator) > 0.8).float()
    labels = torch.arange(5).expand(32, 5)
    episodes = Episodes(pictures[:, :5], labels, pictures[:, 5:], labels.repeat_interleave(5, 1))
    repeats = {"ours": 1, "plain loop": 1, "higher": 1}  # a step takes a second
    maml(
        "MAML, 28x28 pictures, 5-way 1-shot, 32 tasks", Problem((1, 28, 28), 5, classifies=True), episodes, 0.4, repeats
    )


def multitask() -> None:
    """PCGrad and MGDA steps of one hard-sharing network, against LibMTL's."""
    if not installed("LibMTL", "libmtl==1.1.5"):
        return
    # Its picture networks want torchvision, which no step here uses.
    sys.modules["LibMTL.model"] = types.ModuleType("LibMTL.model")
    from LibMTL.weighting import MGDA, PCGrad

    for count in (2, 10):
        table(
            f"{count} tasks, 64-32 network, a step without the optimiser",
            [beside_libmtl("pcgrad", PCGrad, count), beside_libmtl("mgda", MGDA, count)],
            ["", "ours, CPU ms", "LibMTL, CPU ms", "times ours", "cosine of directions"],
        )


def beside_libmtl(method: str, weighting: Any, count: int) -> list[object]:
    """One row: cost of a step of each, and the cosine between the shared gradients that come out."""
    torch.manual_seed(0)
    inputs, targets, names = torch.randn(128, 16), torch.randn(128, count), [str(task) for task in range(count)]
    ours = HardSharing((16,), (1,) * count, (64, 32), (), 1)
    theirs = _libmtl(weighting, names, ours)
    shared, own = list(ours.shared_weights().values()), list(ours.heads.parameters())

    def our_step() -> None:
        ours.zero_grad()
        balanced_backward(task_losses(ours(inputs), targets, (1,) * count), shared, own, method)

    def their_step() -> None:
        theirs.zero_grad(set_to_none=False)
        outputs = theirs(inputs)
        values = [(outputs[name][:, 0] - targets[:, task]).square().mean() for task, name in enumerate(names)]
        theirs.backward(torch.stack(values), mgda_gn="none")

    our_step()
    their_step()
    a, b = (torch.cat([w.grad.flatten() for w in group]) for group in (shared, list(theirs.get_share_params())))
    alike = float(functional.cosine_similarity(a, b, dim=0))
    cost = interleaved({"ours": our_step, "theirs": their_step}, {"ours": 10, "theirs": 10})
    return [method, cost["ours"], cost["theirs"], cost["theirs"] / cost["ours"], f"{alike:.6f}"]


def _libmtl(weighting: Any, names: list[str], ours: HardSharing) -> Any:
    """LibMTL's model as its trainer makes it, with our weights; the trainer itself wants a graphics card."""
    from LibMTL.architecture import HPS

    class Model(HPS, weighting):  # type: ignore[misc]
        def __init__(self) -> None:
            heads = nn.ModuleDict({name: nn.Linear(32, 1) for name in names})
            super().__init__(names, lambda: nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU()),
                             heads, False, False, torch.device("cpu"))  # fmt: skip
            self.init_param()

        def zero_grad_share_params(self) -> None:
            # As it was before torch 2: LibMTL writes into the gradients that it zeroed.
            self.encoder.zero_grad(set_to_none=False)

    model = Model()
    model.encoder.load_state_dict(ours.shared.state_dict())
    for name, weight, bias in zip(names, ours.heads.weight, ours.heads.bias, strict=True):
        model.decoders[name].load_state_dict({"weight": weight[None], "bias": bias[None]})
    return model


PARTS = {"sinusoid": sinusoid, "omniglot": omniglot, "multitask": multitask}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
