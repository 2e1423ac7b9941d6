"""Pictures of pictures."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from pipeline.types import Images, Split

ROWS = 10
COLUMNS = 12


def contact_sheet(parts: Split[Images]) -> Figure:
    """Some pictures of the training part, where there are labels a row for each class."""
    images = parts.train
    rows, names = _rows(images)
    channels, height, width = images.shape
    # A class with few pictures leaves the rest of its row white.
    shown = np.ones((len(rows) * COLUMNS, *images.shape), np.float32)
    for number, row in enumerate(rows):
        shown[number * COLUMNS : number * COLUMNS + len(row)] = images.take(row).scaled()
    sheet = Images(shown).tiled(COLUMNS)
    figure = Figure(figsize=(8, 7.2 * sheet.shape[0] / sheet.shape[1] + 0.5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=1)
    axes.set_yticks(np.arange(len(rows)) * (height + 1) + (height - 1) / 2, names)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    sizes = " / ".join(f"{len(part):,}" for part in (parts.train, parts.validation, parts.test))
    colours = "colour" if channels == 3 else "grey"
    more = f", {len(rows)} of {len(images.classes)} classes" if len(images.classes) > len(rows) else ""
    axes.set_title(
        f"{sizes} {colours} pictures of {height} x {width} pixels{more}\n(train / validation / test)", fontsize=11
    )
    return figure


def _rows(images: Images) -> tuple[list[np.ndarray], list[str]]:
    """Which pictures stand in each row, and the row's name."""
    if images.labels is None:
        first = np.arange(min(len(images), ROWS * COLUMNS))
        rows = [first[start : start + COLUMNS] for start in range(0, len(first), COLUMNS)]
        return rows, [""] * len(rows)
    classes = np.unique(images.labels)[:ROWS]
    rows = [np.flatnonzero(images.labels == label)[:COLUMNS] for label in classes]
    names = (images.classes[label] for label in classes)
    return rows, [name if len(name) <= 24 else name[:23] + "…" for name in names]
