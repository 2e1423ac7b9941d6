"""torch.compile for the encoder and the decoder, which are nearly all of a step; the loss stays as it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch._dynamo.exc import TorchDynamoException
from torch._inductor.runtime.cache_dir_utils import cache_dir

from pipeline.errors import StageError
from plugins.vae.models.vae import VariationalAutoencoder


def compile_networks(network: VariationalAutoencoder, stage: str) -> None:
    """Have ``encode`` and ``output`` compiled while training; weights and their names stay as they are.

    Not ``nn.Module.compile`` of the networks themselves, which quietly leaves an ``nn.Sequential`` as it is.
    """
    for name in ("encode", "output"):
        setattr(network, name, _while_training(getattr(network, name), stage))


def _while_training(plain: Callable[..., Any], stage: str) -> Callable[..., Any]:
    compiled = torch.compile(plain)

    def chosen(*arguments: Any) -> Any:
        # Without gradients, everything would have to be compiled a second time, for one batch of an epoch.
        if not torch.is_grad_enabled():
            return plain(*arguments)
        try:
            return compiled(*arguments)
        except TorchDynamoException as error:
            raise StageError(stage, _explanation(error)) from error

    return chosen


def _explanation(error: TorchDynamoException) -> str:
    reason = str(error).strip().splitlines()[0].rstrip(".")
    if "InvalidCxxCompiler" in reason:
        what = "Install a C++ compiler (on Debian and Ubuntu, apt install g++), or name yours in CXX"
    else:
        what = f"A compilation that was cut off may have left half a file: delete {cache_dir()}"
    return f"torch.compile failed: {reason}. {what}; or leave out 'compile'."
