"""scipy.sparse matrices and arrays of every format, by the arrays they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy import sparse

from pipeline.codecs.base import Damaged, NotStorable, class_name

if TYPE_CHECKING:
    from pipeline.codecs.tree import Decoder, Encoder

_COMPRESSED = ("data", "indices", "indptr")
_PARTS = {
    "csr": _COMPRESSED,
    "csc": _COMPRESSED,
    "bsr": _COMPRESSED,
    "coo": ("data", "coords"),
    "dia": ("data", "offsets"),
}


def encode(value: Any, encoder: Encoder) -> Any:
    """The arrays of a sparse matrix; formats for building (lil, dok) by their coordinates."""
    kind = type(value).__name__
    if not sparse.issparse(value) or getattr(sparse, kind, None) is not type(value):
        raise NotStorable(
            f"objects of type {class_name(type(value))} cannot be stored; return the arrays that it is made of"
        )
    held = value if value.format in _PARTS else value.tocoo()
    parts = {part: encoder.encode(getattr(held, part)) for part in _PARTS[held.format]}
    return {"~": "scipy", "kind": kind, "shape": list(value.shape), "parts": parts}


def decode(node: Any, decoder: Decoder) -> Any:
    """The sparse matrix, in the class it had."""
    kind = node["kind"]
    form, _, family = kind.partition("_")
    if family not in ("array", "matrix"):
        raise Damaged(f"a stored result holds a sparse {kind!r}, which this version does not know")
    held = form if form in _PARTS else "coo"
    parts = tuple(decoder.decode(part) for part in node["parts"].values())
    made = getattr(sparse, f"{held}_{family}")(parts, shape=tuple(node["shape"]))
    return made.asformat(form)
