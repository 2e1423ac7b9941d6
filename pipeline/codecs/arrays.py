"""numpy arrays and scalars: .npy, memory-mapped copy-on-write when loaded; never pickled.

Arrays of objects are kept item by item, so whatever else the store can keep may be in them.
"""

from __future__ import annotations

import errno
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from pipeline.codecs.base import Blob, Buffer, NotStorable, class_name

if TYPE_CHECKING:
    from pipeline.codecs.tree import Decoder, Encoder

# Mapping a file costs as much as reading about 1 MiB of it, and holds a file descriptor, of which there are 1,024.
_MAP_FROM = 1 << 20
_MAP_AT_MOST = 128


def encode(value: Any, encoder: Encoder) -> Any:
    """An array or a scalar; subclasses of ``ndarray`` hold more than their items and are refused."""
    if isinstance(value, np.generic):
        return {"~": "numpy", "scalar": True, "blob": encoder.blob(to_buffers(np.asarray(value)))}
    if type(value) not in (np.ndarray, np.memmap):
        raise NotStorable(
            f"objects of type {class_name(type(value))} cannot be stored; store plain arrays "
            "(numpy.asarray), or what the object is made of"
        )
    if value.dtype == object:
        return {"~": "numpy", "shape": list(value.shape), "objects": encoder.items(value.ravel().tolist())}
    return {"~": "numpy", "blob": encoder.blob(to_buffers(value))}


def decode(node: Any, decoder: Decoder) -> Any:
    """The array or scalar; arrays are writable, and writing never reaches the store."""
    if "objects" in node:
        items = decoder.decode(node["objects"])
        return np.fromiter(items, dtype=object, count=len(items)).reshape(node["shape"])
    array = from_blob(decoder.blob(node["blob"]), decoder)
    return array[()] if node.get("scalar") else array


def to_buffers(array: np.ndarray) -> list[Buffer]:
    """The .npy file of an array: its header, and its memory as it is (copied only where it is not contiguous)."""
    if array.dtype.hasobject or array.dtype.kind == "T":
        raise NotStorable(f"arrays of dtype {array.dtype} cannot be stored; use one array for each field, or dtype 'U'")
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        array = np.ascontiguousarray(array)
    header = io.BytesIO()
    npy.write_array_header_2_0(header, npy.header_data_from_array_1_0(array))
    memory = array if array.flags.c_contiguous else array.T
    return [header.getvalue(), memory.reshape(-1).view(np.uint8).data]


def from_blob(blob: Blob, decoder: Decoder) -> np.ndarray:
    """The array of a .npy file: memory-mapped where it is large."""
    if isinstance(blob, bytes):
        return np.asarray(np.load(io.BytesIO(blob), allow_pickle=False))
    if blob.stat().st_size >= _MAP_FROM and decoder.mapped < _MAP_AT_MOST:
        try:
            mapped = np.load(blob, mmap_mode="c", allow_pickle=False)
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
        else:
            decoder.mapped += 1
            return np.asarray(mapped)
    return np.asarray(np.load(blob, allow_pickle=False))
