"""A user's own pictures: a folder of them, or of sub-folders that are the classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from pipeline.context import Context
from pipeline.errors import DataError
from pipeline.types import Images

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class Listing:
    """The pictures of a folder before they are read; ``labels`` are all 0 where there are no ``classes``."""

    folder: Path
    paths: tuple[Path, ...]
    labels: np.ndarray
    classes: tuple[str, ...]

    def take(self, index: np.ndarray) -> Listing:
        """The pictures at ``index``."""
        return Listing(self.folder, tuple(self.paths[i] for i in index), self.labels[index], self.classes)


def find(folder: Path) -> Listing:
    """The pictures in ``folder`` by name; DataError where there are none, or where classes are unclear."""
    if not folder.exists():
        raise DataError(f"the folder {folder} does not exist.")
    if not folder.is_dir():
        raise DataError(f"{folder} is a file, not a folder of pictures.")
    beside = [path for path in _visible(folder) if _is_picture(path)]
    classes = {path.name: found for path in _visible(folder) if path.is_dir() and (found := _pictures_below(path))}
    if beside and classes:
        raise DataError(
            f"the folder {folder} holds pictures such as {beside[0].name} beside class folders such as "
            f"{next(iter(classes))}: put every picture into a class folder, or none."
        )
    if not beside and not classes:
        raise DataError(f"the folder {folder} holds no pictures: no file in it ends in {', '.join(SUFFIXES)}.")
    if beside:
        return Listing(folder, tuple(beside), np.zeros(len(beside), np.int64), ())
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(found) for found in classes.values()])
    return Listing(folder, tuple(path for found in classes.values() for path in found), labels, tuple(classes))


def read(listing: Listing, size: tuple[int, int] | None, grayscale: bool, context: Context) -> Images:
    """The pictures as uint8: one channel if all are grey (or ``grayscale``), else three; resized to (height, width).

    DataError names a picture that cannot be read, or two of different sizes where no ``size`` is given.
    """
    pictures = [_open(path) for path in context.progress(listing.paths, "pictures")]
    mode = "L" if grayscale or all(picture.mode == "L" for picture in pictures) else "RGB"
    if size is None:
        _check_sizes(listing, pictures)
    else:
        pictures = [picture.resize((size[1], size[0]), Image.Resampling.BILINEAR) for picture in pictures]
    pixels = np.stack([np.asarray(picture.convert(mode)) for picture in pictures])
    channels_first = pixels[:, None] if mode == "L" else pixels.transpose(0, 3, 1, 2)
    labels = listing.labels if listing.classes else None
    return Images(np.ascontiguousarray(channels_first), labels, listing.classes)


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _pictures_below(folder: Path) -> list[Path]:
    found = []
    for path in _visible(folder):
        found += _pictures_below(path) if path.is_dir() else [path] * _is_picture(path)
    return found


def _open(path: Path) -> Image.Image:
    """The picture upright, as grey ("L") or colour ("RGB") of 8 bits; what is transparent becomes white."""
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)
            if picture.mode.startswith("I;16"):
                # Pillow would cut 16 bits off at 255 instead of scaling them.
                return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
            if picture.has_transparency_data:
                white = Image.new("RGBA", picture.size, "white")
                white.alpha_composite(picture.convert("RGBA"))
                return white.convert("L" if picture.mode == "LA" else "RGB")
            return picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"the picture {path} cannot be read ({error}). Replace or remove it.") from error


def _check_sizes(listing: Listing, pictures: list[Image.Image]) -> None:
    first = pictures[0].size
    for path, picture in zip(listing.paths, pictures, strict=True):
        if picture.size != first:
            sizes = [f"{name.name} has {w}x{h}" for name, (w, h) in ((listing.paths[0], first), (path, picture.size))]
            raise DataError(
                f"the pictures in {listing.folder} differ in size: {' pixels, '.join(sizes)}. "
                "Set 'size' to resize them all."
            )
