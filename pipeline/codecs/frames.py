"""pandas data frames, series and indexes: Arrow, which unlike parquet keeps every dtype and all categories exactly.

Columns of objects and of complex numbers, which Arrow has no type for, are kept as arrays beside it.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.codecs import arrays
from pipeline.codecs.base import Buffer, NotStorable, class_name

if TYPE_CHECKING:
    from pipeline.codecs.tree import Decoder, Encoder


def encode(value: Any, encoder: Encoder) -> Any:
    """A DataFrame, a Series or an Index with its labels, names, dtypes and order."""
    if type(value) is pd.DataFrame:
        return {"~": "pandas", "kind": "frame", **_frame(value, encoder)}
    if type(value) is pd.Series:
        name = encoder.encode(value.name)
        return {"~": "pandas", "kind": "series", "name": name, **_frame(value.to_frame("values"), encoder)}
    if isinstance(value, pd.Index):
        return {"~": "pandas", "kind": "index", **_index(value, encoder)}
    raise NotStorable(
        f"objects of type {class_name(type(value))} cannot be stored; "
        "store a DataFrame, a Series, an Index or plain values instead"
    )


def decode(node: Any, decoder: Decoder) -> Any:
    """The frame, series or index."""
    if node["kind"] == "index":
        return _read_index(node, decoder)
    frame = _read_frame(node, decoder)
    if node["kind"] == "frame":
        return frame
    series = frame.iloc[:, 0].rename(decoder.decode(node["name"]))
    series.attrs = frame.attrs
    return series


def _frame(frame: pd.DataFrame, encoder: Encoder) -> dict[str, Any]:
    return {
        "columns": _index(frame.columns, encoder),
        "index": _index(frame.index, encoder),
        "values": _values(frame, encoder),
        "attrs": encoder.encode(dict(frame.attrs)),
    }


def _read_frame(node: Any, decoder: Decoder) -> pd.DataFrame:
    index = _read_index(node["index"], decoder)
    frame = _read_values(node["values"], decoder, len(index))
    frame.index = index
    frame.columns = _read_index(node["columns"], decoder)
    frame.attrs = decoder.decode(node["attrs"])
    return frame


def _values(frame: pd.DataFrame, encoder: Encoder) -> dict[str, Any]:
    """The columns by position: those that Arrow keeps exactly in one table, the others as arrays."""
    apart: dict[str, Any] = {}
    for position, dtype in enumerate(frame.dtypes):
        if isinstance(dtype, np.dtype) and dtype.kind in "Oc":
            try:
                apart[str(position)] = arrays.encode(frame.iloc[:, position].to_numpy(), encoder)
            except NotStorable as error:
                raise error.inside(_label(frame, position)) from error.__cause__
    together = [position for position in range(frame.shape[1]) if str(position) not in apart]
    if not together:
        return {"apart": apart}
    plain = frame.iloc[:, together].set_axis([str(position) for position in together], axis="columns")
    plain.attrs = {}
    try:
        table = pa.Table.from_pandas(plain, preserve_index=False).combine_chunks()
    except (pa.ArrowException, TypeError) as error:
        raise NotStorable(f"this data frame cannot be stored (columns by position): {error}") from error
    # An empty slice comes back with the dtypes that the whole will have.
    back = table.slice(0, 0).to_pandas().dtypes
    for position, old, new in zip(together, plain.dtypes, back, strict=True):
        if old != new:
            reason = f"columns of dtype {old!r} would come back as {new!r}; convert the column first"
            raise NotStorable(reason, _label(frame, position))
    return {"apart": apart, "table": encoder.blob(_to_buffers(table))}


def _read_values(node: Any, decoder: Decoder, rows: int) -> pd.DataFrame:
    frame = pd.DataFrame(index=pd.RangeIndex(rows))
    if "table" in node:
        blob = decoder.blob(node["table"])
        source = pa.memory_map(str(blob)) if isinstance(blob, Path) else pa.BufferReader(blob)
        frame = pa.ipc.open_file(source).read_all().to_pandas()
    for position, column in node["apart"].items():
        values = arrays.decode(column, decoder)
        frame.insert(int(position), position, pd.Series(values, index=frame.index, dtype=values.dtype))
    return frame


def _label(frame: pd.DataFrame, position: int) -> str:
    return f"[{frame.columns[position]!r}]"


def _to_buffers(table: pa.Table) -> list[Buffer]:
    """The Arrow file of a table, as views of the table's memory: keep it until they are written."""
    parts: list[Buffer] = []

    class Collector(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, content: Any) -> int:
            parts.append(memoryview(content))
            return len(parts[-1])

        def tell(self) -> int:
            return sum(map(len, parts))

    with pa.ipc.new_file(pa.PythonFile(Collector(), "w"), table.schema) as writer:
        writer.write_table(table)
    return parts


def _index(index: pd.Index, encoder: Encoder) -> dict[str, Any]:
    names = [encoder.encode(name) for name in index.names]
    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step], "names": names}
    if isinstance(index, pd.MultiIndex):
        codes = [arrays.encode(np.asarray(codes), encoder) for codes in index.codes]
        return {"levels": [_index(level, encoder) for level in index.levels], "codes": codes, "names": names}
    labels = index.tolist()
    if all(type(label) is str for label in labels) and pd.Index(labels).dtype == index.dtype:
        return {"labels": labels, "names": names}
    freq = index.freqstr if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex) else None
    values = _values(index.to_frame(index=False, name="index"), encoder)
    return {"values": values, "rows": len(index), "freq": freq, "names": names}


def _read_index(node: Any, decoder: Decoder) -> Any:
    names = [decoder.decode(name) for name in node["names"]]
    if "range" in node:
        start, stop, step = node["range"]
        return pd.RangeIndex(start, stop, step, name=names[0])
    if "levels" in node:
        levels = [_read_index(level, decoder) for level in node["levels"]]
        codes = [arrays.decode(codes, decoder) for codes in node["codes"]]
        return pd.MultiIndex(levels, codes, names=names)
    if "labels" in node:
        return pd.Index(node["labels"], name=names[0])
    series = _read_values(node["values"], decoder, node["rows"]).iloc[:, 0]
    index = pd.Index(series, dtype=series.dtype)
    index.name = names[0]
    if node["freq"]:
        index.freq = node["freq"]
    return index
