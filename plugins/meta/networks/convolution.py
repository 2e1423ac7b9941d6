"""Grouped 3x3 convolution that is fast to differentiate twice.

PyTorch's own second derivative goes through the groups one by one; written out, it is convolutions of all groups again.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def convolve(x: Tensor, kernels: Tensor, groups: int) -> Tensor:
    """(n, groups * after, height, width) from (n, groups * before, ...) and kernels (groups * after, before, 3, 3)."""
    return _Convolution.apply(x, kernels, groups)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, kernels: Tensor, groups: int) -> Tensor:
        context.save_for_backward(x, kernels)
        context.groups = groups
        return functional.conv2d(x, kernels, padding=1, groups=groups)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, kernels = context.saved_tensors
        return *_Backward.apply(gradient, x, kernels, context.groups, context.needs_input_grad[0]), None


class _Backward(torch.autograd.Function):
    """The gradients of input and kernels, each linear in ``gradient``, and in the kernels or the input."""

    @staticmethod
    def forward(
        context: Any, gradient: Tensor, x: Tensor, kernels: Tensor, groups: int, of_input: bool
    ) -> tuple[Tensor | None, ...]:
        context.save_for_backward(gradient, x, kernels)
        context.groups, context.of_input = groups, of_input
        return _gradients(gradient, x, kernels, groups, of_input, True)

    @staticmethod
    def backward(context: Any, by_input: Tensor | None, by_kernels: Tensor) -> tuple[Tensor | None, ...]:
        gradient, x, kernels = context.saved_tensors
        groups = context.groups
        by_gradient = functional.conv2d(x, by_kernels, padding=1, groups=groups)
        if not context.of_input:  # the pictures themselves: a constant
            return by_gradient, None, None, None, None
        by_gradient = by_gradient + functional.conv2d(by_input, kernels, padding=1, groups=groups)
        of_x, _ = _gradients(gradient, x, by_kernels, groups, True, False)
        _, of_kernels = _gradients(gradient, by_input, kernels, groups, False, True)
        return by_gradient, of_x, of_kernels, None, None


def _gradients(
    gradient: Tensor, x: Tensor, kernels: Tensor, groups: int, of_input: bool, of_kernels: bool
) -> tuple[Tensor | None, ...]:
    one, wanted = [1, 1], [of_input, of_kernels, False]
    return torch.ops.aten.convolution_backward(
        gradient, x, kernels, None, one, one, one, False, [0, 0], groups, wanted
    )[:2]
