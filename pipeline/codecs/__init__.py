"""Turns an artifact into text and bytes that are safe to read back, and back.

An artifact becomes one JSON text; arrays, tensors and data frames become binary blobs that the text refers to by
digest. There is no pickle anywhere, and reading calls nothing that a stored name chooses, except dataclasses and
enumerations of the packages on an allow-list.

    tree.py      plain values and containers, and which room a value belongs to
    classes.py   dataclasses and enumerations, and who may be instantiated
    arrays.py    numpy: .npy, memory-mapped when loaded
    tensors.py   torch: one safetensors file for each artifact
    frames.py    pandas: Arrow
    sparse.py    scipy.sparse: its arrays
"""

from pipeline.codecs.base import Codec, Damaged, NotStorable
from pipeline.codecs.classes import PACKAGES
from pipeline.codecs.tree import decode, digest_of, encode

__all__ = ["PACKAGES", "Codec", "Damaged", "NotStorable", "decode", "digest_of", "encode"]
