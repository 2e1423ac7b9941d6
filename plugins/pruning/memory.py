"""Bytes that a forward pass needs at once: weights, input, and every tensor that is alive on the way."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary


@torch.inference_mode()
def peak_memory(network: nn.Module, batch: Tensor) -> int:
    """The most bytes of tensors that are alive at once; scratch space inside an operation is not seen."""
    with _Alive([batch, *network.state_dict().values()]) as alive:
        network.eval()(batch)
    return alive.peak


class _Alive(TorchDispatchMode):
    """Counts the storages of all tensors that operations make, until they are freed."""

    def __init__(self, before: list[Tensor]) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: Any = WeakIdKeyDictionary()
        for value in before:
            self._enter(value)

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, Tensor):
                self._enter(value)
        return result

    def _enter(self, value: Tensor) -> None:
        storage = value.untyped_storage()
        if storage not in self._known:
            size = storage.nbytes()
            self._known[storage] = size
            weakref.finalize(storage, self._leave, size)
            self.now += size
        self.peak = max(self.peak, self.now)

    def _leave(self, size: int) -> None:
        self.now -= size
