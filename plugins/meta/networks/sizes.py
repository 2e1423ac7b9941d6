"""How wide the layers are, and how large what the last of them makes."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.errors import DataError
from plugins.meta.types import Problem

MOST_BLOCKS = 4


def widths(problem: Problem, hidden: Sequence[int] | None) -> tuple[int, ...]:
    """``hidden``, or what is usual: 40-40 for numbers, four blocks of 64 channels (fewer for small pictures)."""
    if len(problem.input_shape) != 3:
        return tuple(hidden or (40, 40))
    most = min(problem.input_shape[1:]).bit_length() - 1
    if hidden is None:
        return (64,) * min(MOST_BLOCKS, most)
    if len(hidden) > most:
        height, width = problem.input_shape[1:]
        raise DataError(
            f"hidden lists {len(hidden)} blocks, each of which halves the picture, but {height}x{width} pixels can be "
            f"halved {most} times. List fewer blocks, or use larger pictures."
        )
    return tuple(hidden)


def flattened(shape: Sequence[int], hidden: Sequence[int]) -> int:
    """How many numbers the last block makes of a picture of ``shape`` (channels, height, width)."""
    _, height, width = shape
    return hidden[-1] * (height >> len(hidden)) * (width >> len(hidden))
