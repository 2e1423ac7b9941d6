"""torch tensors: all of an artifact's tensors in one safetensors file, memory-mapped when loaded.

One file for each tensor would cost more: writing 300 small ones takes 20 ms as files and 8 ms as one. The file is laid
out here (https://huggingface.co/docs/safetensors#format) because the library's own writer copies every tensor first,
four times the cost for 100 MB; it is read by the library.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch

from pipeline.codecs.base import Blob, Buffer, NotStorable, class_name

if TYPE_CHECKING:
    from pipeline.codecs.tree import Decoder, Encoder

# The format's names; a dtype that it has none for is kept as bytes, and the tree says what they were.
_NAMES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.uint16: "U16",
    torch.uint32: "U32",
    torch.uint64: "U64",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.complex64: "C64",
}


class Pool:
    """The tensors of one artifact on their way into the store."""

    def __init__(self) -> None:
        self._stored: list[torch.Tensor] = []
        self._index: dict[tuple[Any, ...], int] = {}
        self._originals: list[torch.Tensor] = []  # kept alive, so that no two are ever at one address

    def add(self, value: torch.Tensor) -> int:
        """The index of a tensor in the file; tied weights are one tensor there, and again when loaded."""
        place = (
            value.device,
            value.data_ptr(),
            value.dtype,
            value.shape,
            value.stride(),
            value.is_conj(),
            value.is_neg(),
        )
        if value.numel() and place in self._index:
            return self._index[place]
        self._index[place] = index = len(self._stored)
        self._originals.append(value)
        self._stored.append(value.detach().cpu().resolve_conj().resolve_neg().contiguous())
        return index

    def to_buffers(self) -> list[Buffer]:
        """The safetensors file."""
        # Widest items first keeps every tensor aligned to its item size without gaps, which the format forbids.
        order = sorted(range(len(self._stored)), key=lambda index: -self._stored[index].itemsize)
        header: dict[str, Any] = {}
        memory: list[Buffer] = []
        end = 0
        for index in order:
            tensor = self._stored[index]
            content = tensor.reshape(-1).view(torch.uint8)
            start, end = end, end + len(content)
            name = _NAMES.get(tensor.dtype)
            shape = list(tensor.shape) if name else [len(content)]
            header[str(index)] = {"dtype": name or "U8", "shape": shape, "data_offsets": [start, end]}
            memory.append(content.numpy().data)
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return [len(text).to_bytes(8, "little") + text, *memory]


def encode(value: Any, encoder: Encoder) -> Any:
    """A tensor of any device and stride, as contiguous memory on the CPU, without its gradient."""
    if type(value) not in (torch.Tensor, torch.nn.Parameter):
        hint = "its state_dict()" if isinstance(value, torch.nn.Module) else "tensors and plain values"
        raise NotStorable(f"objects of type {class_name(type(value))} cannot be stored; store {hint} instead")
    if value.layout != torch.strided or value.is_nested or value.is_quantized or value.is_meta:
        raise NotStorable("a tensor that is sparse, nested, quantized or on 'meta' cannot be stored; store its parts")
    if encoder.tensors is None:
        encoder.tensors = Pool()
    node = {"~": "torch", "index": encoder.tensors.add(value)}
    if value.dtype not in _NAMES:
        node |= {"dtype": str(value.dtype).removeprefix("torch."), "shape": list(value.shape)}
    return node


def decode(node: Any, decoder: Decoder) -> torch.Tensor:
    """The tensor, on the CPU; it is writable, and writing never reaches the store."""
    tensor: torch.Tensor = decoder.tensors[str(node["index"])]
    if "dtype" in node:
        return tensor.view(getattr(torch, node["dtype"])).reshape(node["shape"])
    return tensor


def from_blob(blob: Blob) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file by their index."""
    from safetensors.torch import load, load_file

    return load(blob) if isinstance(blob, bytes) else load_file(blob)
