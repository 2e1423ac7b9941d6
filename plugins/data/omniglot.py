"""Omniglot as pictures to be modelled: both archives together, at 28x28 pixels unless another size is asked for."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from PIL import Image

from pipeline.types import Images

SIDE = 28


def read(files: Mapping[str, Path], size: tuple[int, int] | None) -> Images:
    """Ink white on black, uint8; a class is a character of an alphabet, and has 20 pictures.

    Shrunk by the mean over each pixel's area: thin strokes become grey, as in the set of Burda et al. (2016).
    """
    height, width = size or (SIDE, SIDE)
    names: list[str] = []
    pictures = []
    for path in files.values():
        with ZipFile(path) as archive:
            for member in sorted(archive.namelist()):
                if member.endswith(".png"):
                    _, alphabet, character, _ = member.split("/")
                    names.append(f"{alphabet}/{character}")
                    picture = Image.open(io.BytesIO(archive.read(member))).convert("L")
                    pictures.append(255 - np.asarray(picture.resize((width, height), Image.Resampling.BOX)))
    classes, labels = np.unique(names, return_inverse=True)
    return Images(np.stack(pictures)[:, None], labels.astype(np.int64), tuple(map(str, classes)))
