"""Omniglot's pictures and its twenty published one-shot runs, from the files that its authors offer."""

from __future__ import annotations

import io
from collections import defaultdict
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from PIL import Image

from pipeline.types import Images
from plugins.meta.types import FixedTasks

RUNS = 20
WAYS = 20


def load(path: Path, size: int) -> tuple[Images, tuple[int, ...]]:
    """The pictures of an archive, ink white on black at ``size`` pixels, and the alphabet of each class."""
    characters: dict[str, list[str]] = defaultdict(list)
    with ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".png"):
                _, alphabet, character, _ = name.split("/")
                characters[f"{alphabet}/{character}"].append(name)
        pixels = np.stack([_read(archive.read(name), size) for names in characters.values() for name in names])
    labels = np.repeat(np.arange(len(characters), dtype=np.int64), [len(names) for names in characters.values()])
    alphabets = sorted({name.split("/")[0] for name in characters})
    groups = tuple(alphabets.index(name.split("/")[0]) for name in characters)
    return Images(pixels[:, None], labels, tuple(characters)), groups


def runs(path: Path, size: int) -> FixedTasks:
    """The 20 runs of 20 classes of one alphabet: one example of each class to learn from, one of each to tell."""
    support, query, answers = [], [], []
    with ZipFile(path) as archive:
        for run in range(1, RUNS + 1):
            lines = archive.read(f"run{run:02}/class_labels.txt").decode().split("\n")
            pairs = [line.split() for line in lines if line.strip()]
            learnt = sorted(example for _, example in pairs)
            support.append([_read(archive.read(name), size) for name in learnt])
            query.append([_read(archive.read(name), size) for name, _ in pairs])
            answers.append([learnt.index(example) for _, example in pairs])
    labels = np.tile(np.arange(WAYS, dtype=np.int64), (RUNS, 1))
    pictures = (np.array(part, np.uint8)[:, :, None] for part in (support, query))
    shown, asked = pictures
    return FixedTasks(1, 1, WAYS, shown, labels, asked, np.array(answers, np.int64))


def _read(content: bytes, size: int) -> np.ndarray:
    picture = Image.open(io.BytesIO(content)).convert("L").resize((size, size), Image.Resampling.BOX)
    return 255 - np.asarray(picture)
