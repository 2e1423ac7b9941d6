"""Classification episodes drawn from labelled pictures."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import DataError
from pipeline.types import Images
from plugins.meta.episodes import Episodes
from plugins.meta.types import FixedTasks


class ImageSampler:
    """Draws ``ways`` classes for each task, then examples of each; pictures are float (tasks, n, channels, h, w)."""

    def __init__(
        self, images: Images, groups: tuple[int, ...], ways: int, rotations: bool, device: torch.device
    ) -> None:
        if images.labels is None:
            raise DataError("pictures without labels make no classification tasks. Use a data set that has classes.")
        self.ways, self.device = ways, device
        found = np.unique(images.labels)
        self.quarters = 4 if rotations else 1
        self.members = [torch.from_numpy(np.flatnonzero(images.labels == label)).to(device) for label in found]
        self.pixels = torch.from_numpy(np.ascontiguousarray(images.scaled())).to(device)
        group = torch.tensor(groups if groups else [0] * len(found), device=device)
        sizes = torch.bincount(group)
        self.group, self.eligible = group.repeat(self.quarters), (sizes * self.quarters >= ways).nonzero().flatten()
        if len(self.eligible) == 0:
            where = " in one group" if groups else ""
            raise DataError(
                f"episodes of {ways} ways need {ways} classes, but there are {int(sizes.max())}{where}. "
                "Lower 'ways', or give the part more classes."
            )

    @property
    def classes(self) -> int:
        """How many classes there are, turned ones counted."""
        return len(self.group)

    def draw(self, tasks: int, shots: int, queries: int, generator: torch.Generator) -> Episodes:
        """New episodes; DataError where a class has fewer pictures than ``shots`` and ``queries`` together."""
        smallest = min(map(len, self.members))
        if shots + queries > smallest:
            raise DataError(
                f"{shots} shots and {queries} queries of each class need {shots + queries} pictures, but a class has "
                f"only {smallest}. Lower 'shots' or 'queries'."
            )

        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, generator=generator, device=self.device)

        chosen = self.eligible[(uniform(tasks) * len(self.eligible)).long()]
        order = uniform(tasks, self.classes).masked_fill(self.group != chosen[:, None], 2.0)
        classes = order.argsort(1)[:, : self.ways]
        base = len(self.members)
        examples = torch.stack(
            [
                self.members[number % base][uniform(len(self.members[number % base])).topk(shots + queries).indices]
                for number in classes.flatten().tolist()
            ]
        ).view(tasks, self.ways, shots + queries)
        pixels = self.pixels[examples]
        for quarter in range(1, self.quarters):
            turned = classes // base == quarter
            pixels[turned] = pixels[turned].rot90(quarter, (-2, -1))
        labels = torch.arange(self.ways, device=self.device).expand(tasks, self.ways)
        return Episodes(
            pixels[:, :, :shots].flatten(1, 2),
            labels.repeat_interleave(shots, 1),
            pixels[:, :, shots:].flatten(1, 2),
            labels.repeat_interleave(queries, 1),
            classes,
        )


def fixed_episodes(tasks: FixedTasks, device: torch.device) -> Episodes:
    """Published episodes as tensors."""
    return Episodes(
        torch.from_numpy(tasks.support).to(device).float() / 255,
        torch.from_numpy(tasks.support_labels).to(device),
        torch.from_numpy(tasks.query).to(device).float() / 255,
        torch.from_numpy(tasks.query_labels).to(device),
    )
