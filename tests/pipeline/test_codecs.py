import json
import math
import os
import struct
import subprocess
import sys
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal

from pipeline.codecs import PACKAGES, Codec, Damaged, NotStorable, decode, digest_of, encode
from pipeline.digests import digest_buffers
from pipeline.errors import StoreError
from pipeline.types import Images, Split, Table

torch = pytest.importorskip("torch")
sparse = pytest.importorskip("scipy.sparse")

HERE = frozenset({__name__.partition(".")[0], *PACKAGES})


class Kind(Enum):
    LINEAR = "linear"
    FOREST = "forest"


@dataclass(frozen=True)
class Base:
    name: str


@dataclass(frozen=True)
class Model(Base):
    """An artifact with a field of every sort that its constructor does not simply take."""

    layers: tuple[Any, ...] = ()
    kind: Kind = Kind.LINEAR
    total: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", len(self.layers))


@dataclass
class Needy:
    value: int

    def __init__(self, secret: int) -> None:
        self.value = secret


class Shelf:
    """Keeps blobs in memory-mappable files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, parts: Any) -> str:
        digest = digest_buffers(parts)
        (self.folder / digest).write_bytes(b"".join(parts))
        return digest

    def find(self, digest: str) -> Path:
        return self.folder / digest

    def round_trip(self, value: Any, codecs: tuple[Codec, ...] = ()) -> Any:
        text = encode(value, self.write, codecs=codecs, packages=HERE)
        return decode(text, self.find, codecs=codecs, packages=HERE)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def same(left: Any, right: Any) -> bool:
    """Equal in type, value, order, and for floats in every bit that is not a NaN's payload."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return struct.pack("d", left) == struct.pack("d", right) or (math.isnan(left) and math.isnan(right))
    if isinstance(left, dict):
        return len(left) == len(right) and all(
            same(a, b) and same(left[a], right[b]) for a, b in zip(left, right, strict=True)
        )
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, complex):
        return same(left.real, right.real) and same(left.imag, right.imag)
    return bool(left == right)


hashable = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
plain = st.recursive(
    hashable | st.floats() | st.complex_numbers() | st.integers(min_value=2**62, max_value=2**300),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.dictionaries(st.text(max_size=2) | st.just("~"), inner, max_size=4).map(OrderedDict)
        | st.sets(hashable, max_size=3)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(plain)
def test_plain_values_come_back_exactly(value: Any) -> None:
    blobs: dict[str, bytes] = {}

    def write(parts: Any) -> str:
        digest = digest_buffers(parts)
        blobs[digest] = b"".join(parts)
        return digest

    text = encode(value, write)

    actual = decode(text, lambda digest: pytest.fail("plain values this small need no blob"))

    assert same(value, actual)
    assert text == encode(actual, write)


ODD = ["\ud800", "\U0001f600", "\x00", 16**5000, -0.0, math.inf, Path("a/b"), b"x" * 10_000]


@pytest.mark.parametrize("index", range(len(ODD)))
def test_odd_plain_values_come_back_exactly(shelf: Shelf, index: int) -> None:
    assert same(ODD[index], shelf.round_trip(ODD[index]))


def test_equal_sets_have_equal_digests_whatever_the_order_of_their_making() -> None:
    names = [f"name {index}" for index in range(50)]

    assert digest_of(set(names)) == digest_of({names[-1], *names})


def test_values_of_different_types_have_different_digests() -> None:
    values = [1, 1.0, True, "1", (1,), [1], {1}, {"1": 1}, {1: 1}, b"1", None, np.float64(1), np.float32(1)]

    assert len(values) == len({digest_of(value) for value in values})


ARRAYS = [
    np.zeros((0, 3)),
    np.array(3.5),
    np.arange(6).reshape(2, 3).T,
    np.arange(10)[::2],
    np.arange(4, dtype=">i4"),
    np.array([np.nan, -0.0, np.inf], dtype=np.float16),
    np.array(["a", "bcd", "é"]),
    np.array([b"x", b"yz"]),
    np.array(["2020-01-01", "NaT"], dtype="datetime64[s]"),
    np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
    np.random.default_rng(0).standard_normal(300_000),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_arrays_come_back_bit_for_bit_and_writable(shelf: Shelf, array: np.ndarray) -> None:
    actual = shelf.round_trip(array)

    assert type(actual) is np.ndarray
    assert (array.dtype, array.shape) == (actual.dtype, actual.shape)
    assert array.tobytes() == actual.tobytes()
    assert actual.flags.writeable


def test_writing_to_a_loaded_array_does_not_reach_the_store(shelf: Shelf) -> None:
    text = encode(np.zeros(300_000), shelf.write)
    decode(text, shelf.find)[:] = 1

    assert decode(text, shelf.find).sum() == 0


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files in /proc")
def test_many_large_arrays_do_not_use_up_the_file_descriptors(shelf: Shelf) -> None:
    before = len(os.listdir("/proc/self/fd"))

    arrays = shelf.round_trip([np.full(140_000, index, dtype=np.float64) for index in range(150)])

    assert list(range(150)) == [int(array[-1]) for array in arrays]
    assert len(os.listdir("/proc/self/fd")) - before <= 130


@pytest.mark.parametrize("value", [["a", None, 1.5], [["x", 1], ["y", 2]], [np.zeros(2), np.zeros(3)]], ids=str)
def test_object_arrays_are_kept_item_by_item(shelf: Shelf, value: list[Any]) -> None:
    array = np.empty(len(value), dtype=object)
    array[:] = value

    actual = shelf.round_trip(array)

    assert actual.dtype == object
    assert repr(array) == repr(actual)


@pytest.mark.parametrize("scalar", [np.float32(0.1), np.int8(-3), np.bool_(True), np.str_("a"), np.datetime64("2020")])
def test_numpy_scalars_keep_their_type(shelf: Shelf, scalar: np.generic) -> None:
    assert same(scalar, shelf.round_trip(scalar))


def test_the_state_of_a_numpy_generator_can_be_kept(shelf: Shelf) -> None:
    rng, again = np.random.default_rng(0), np.random.default_rng(1)

    again.bit_generator.state = shelf.round_trip(rng.bit_generator.state)

    assert rng.random() == again.random()


WEIGHTS = torch.arange(40_000, dtype=torch.float32).reshape(200, 200)
TENSORS = {
    "float32": WEIGHTS,
    "transposed": WEIGHTS.T,
    "slice": WEIGHTS[::3, 1:7],
    "expanded": torch.ones(1).expand(5),
    "zero-dimensional": torch.tensor(2.5),
    "empty": torch.zeros(0, 4),
    "bfloat16": torch.tensor([1.0, -0.0, math.nan]).bfloat16(),
    "bool": torch.tensor([True, False, True]),
    "uint16": torch.tensor([1, 65535], dtype=torch.uint16),
    "float8": torch.tensor([1.0, 2.0, 3.0]).to(torch.float8_e4m3fn),
    "complex64": torch.tensor([1 + 2j]).conj(),
    "complex128": torch.tensor([1 + 2j, 3j], dtype=torch.complex128),
    "with gradient": torch.ones(3, requires_grad=True),
    "parameter": torch.nn.Parameter(torch.ones(2)),
}


def bits(tensor: Any) -> bytes:
    return bytes(tensor.detach().resolve_conj().contiguous().reshape(-1).view(torch.uint8).numpy())


@pytest.mark.parametrize(
    "tensors", [TENSORS, {name: TENSORS[name] for name in ("bool", "bfloat16")}], ids=["file", "inline"]
)
def test_tensors_come_back_bit_for_bit(shelf: Shelf, tensors: dict[str, Any]) -> None:
    actual = shelf.round_trip(tensors)

    for name, tensor in tensors.items():
        assert (name, tensor.dtype, tensor.shape) == (name, actual[name].dtype, actual[name].shape)
        assert bits(tensor) == bits(actual[name]), name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_tensor_on_an_accelerator_is_stored_as_one_on_the_cpu(shelf: Shelf) -> None:
    actual = shelf.round_trip(WEIGHTS.cuda())

    assert "cpu" == actual.device.type
    assert torch.equal(WEIGHTS, actual)


def test_all_tensors_of_an_artifact_share_one_file(shelf: Shelf) -> None:
    encode({"layers": [torch.randn(64, 64) for _ in range(20)]}, shelf.write)

    assert len(list(shelf.folder.iterdir())) == 1


def test_tied_weights_stay_tied(shelf: Shelf) -> None:
    actual = shelf.round_trip({"encoder": WEIGHTS, "decoder": WEIGHTS.detach()})
    actual["encoder"][0, 0] = 7

    assert actual["decoder"][0, 0] == 7


def test_writing_to_a_loaded_tensor_does_not_reach_the_store(shelf: Shelf) -> None:
    text = encode(WEIGHTS, shelf.write)
    decode(text, shelf.find).zero_()

    assert torch.equal(WEIGHTS, decode(text, shelf.find))


def test_a_state_dict_and_its_optimizer_can_be_restored(shelf: Shelf) -> None:
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.randn(5, 3)).sum().backward()
    optimizer.step()

    state, steps = shelf.round_trip((network.state_dict(), optimizer.state_dict()))

    assert type(state) is OrderedDict
    network.load_state_dict(state)
    optimizer.load_state_dict(steps)


FRAMES = {
    "plain": pd.DataFrame({"n": [1, 2], "x": [0.5, np.nan], "text": ["a", None]}),
    "unused categories": pd.DataFrame({"c": pd.Categorical(["b", "a"], categories=["c", "b", "a"], ordered=True)}),
    "categories of numbers": pd.DataFrame({"c": pd.Categorical([3, 1, 3], categories=[3, 2, 1])}),
    "time zones": pd.DataFrame({"t": pd.date_range("2020", periods=3, tz="Europe/Paris")}),
    "seconds": pd.DataFrame({"t": pd.date_range("2020", periods=3).astype("datetime64[s]")}),
    "periods": pd.DataFrame({"t": pd.period_range("2020", periods=3, freq="M")}),
    "intervals": pd.DataFrame({"i": pd.interval_range(0, 3)}),
    "nullable": pd.DataFrame({"i": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")}),
    "narrow": pd.DataFrame({"h": np.array([1, 2], np.float16), "u": np.array([1, 2], np.uint8)}),
    "objects": pd.DataFrame({"o": pd.Series(["a", None, 1], dtype=object), "n": [1, 2, 3]}),
    "lists": pd.DataFrame({"o": pd.Series([[1], [2, 3]], dtype=object)}),
    "complex": pd.DataFrame({"z": [1j, 2.0]}),
    "numbered columns": pd.DataFrame([[1, 2]]),
    "mixed columns": pd.DataFrame({0: [1], "a": [2]}),
    "equal columns": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "two-level columns": pd.DataFrame(
        [[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", "y"])
    ),
    "named index": pd.DataFrame({"a": [1, 2]}, index=pd.Index([3, 4], name="a")),
    "daily": pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2020", periods=2)),
    "two-level index": pd.DataFrame(
        {"a": [1, 2]}, index=pd.MultiIndex.from_product([["a"], [1, 2]], names=["p", None])
    ),
    "stepped": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(5, 9, 2, name="r")),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="int32"), "c": pd.Series([], dtype="category")}),
    "no columns": pd.DataFrame(index=[1, 2]),
    "nothing": pd.DataFrame(),
    "long": pd.DataFrame({"a": np.arange(100_000.0), "s": [f"row {index}" for index in range(100_000)]}),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_frames_keep_values_dtypes_labels_and_categories(shelf: Shelf, frame: pd.DataFrame) -> None:
    actual = shelf.round_trip(frame)

    assert_frame_equal(frame, actual, check_exact=True, check_freq=True)
    assert type(frame.index) is type(actual.index)
    assert type(frame.columns) is type(actual.columns)
    assert digest_of(frame) == digest_of(actual)


def test_frames_keep_their_attributes_and_are_writable(shelf: Shelf) -> None:
    frame = FRAMES["long"].copy()
    frame.attrs["source"] = ("a", 1)

    actual = shelf.round_trip(frame)
    actual.iloc[0, 0] = 5.0

    assert {"source": ("a", 1)} == actual.attrs
    assert shelf.round_trip(frame).iloc[0, 0] == 0.0


def test_a_frame_put_together_from_pieces_has_the_digest_of_the_whole() -> None:
    frame = FRAMES["long"]

    pieces = pd.concat([frame.iloc[:30_000], frame.iloc[30_000:]])

    assert digest_of(frame) == digest_of(pieces.reset_index(drop=True))


def test_series_and_indexes_come_back(shelf: Shelf) -> None:
    series = pd.Series([1.5, None], index=["a", "b"], name=("x", 1))
    index = pd.CategoricalIndex(["a", "b"], categories=["b", "a", "c"], name="k")

    actual_series, actual_index = shelf.round_trip((series, index))

    assert_series_equal(series, actual_series)
    assert_index_equal(index, actual_index, exact=True)


@pytest.mark.parametrize("family", ["matrix", "array"])
@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"])
def test_sparse_matrices_keep_their_format(shelf: Shelf, form: str, family: str) -> None:
    matrix = getattr(sparse, f"{form}_{family}")(np.diag([1.0, 0.0, 2.5]))

    actual = shelf.round_trip(matrix)

    assert type(matrix) is type(actual)
    assert np.array_equal(matrix.toarray(), actual.toarray())


def test_dataclasses_nest_and_keep_their_class(shelf: Shelf) -> None:
    images = Images(np.zeros((2, 1, 8, 8), np.uint8), np.array([0, 1]), ("a", "b"))
    artifact = {"split": Split[Images](images, images.take(np.array([0])), images), "table": Table(FRAMES["plain"])}

    actual = shelf.round_trip(artifact)

    assert type(actual["split"]) is Split
    assert type(actual["split"].validation) is Images
    assert images.classes == actual["split"].test.classes
    assert_frame_equal(artifact["table"].frame, actual["table"].frame)


def test_inherited_fields_enumerations_and_computed_fields_come_back(shelf: Shelf) -> None:
    model = Model("m", (1, (2.0, None)), Kind.FOREST)

    assert model == shelf.round_trip(model)


def test_a_codec_keeps_what_the_store_does_not_know(shelf: Shelf) -> None:
    codec = Codec(
        "fractions:Fraction", encode=lambda value: (value.numerator, value.denominator), decode=lambda n: Fraction(*n)
    )

    assert [Fraction(1, 3)] == shelf.round_trip([Fraction(1, 3)], codecs=(codec,))
    with pytest.raises(StoreError, match="needs the codec for 'fractions:Fraction'"):
        decode(encode(Fraction(1, 3), shelf.write, codecs=(codec,)), shelf.find)


REFUSED = [
    (
        {"layers": [1, 2, print]},
        r"^model\['layers'\]\[2\]: objects of type builtin_function_or_method cannot be stored",
    ),
    (Model("m", (1, (object(),))), r"^model\.layers\[1\]\[0\]: objects of type object cannot be stored"),
    (
        torch.nn.Linear(2, 2),
        r"^model: objects of type torch\.nn\.\S+:Linear cannot be stored; store its state_dict\(\)",
    ),
    (torch.eye(2).to_sparse(), "^model: a tensor that is sparse"),
    (np.ma.array([1.0]), "^model: objects of type numpy.ma:MaskedArray cannot be stored"),
    (np.array([object()]), r"^model\[0\]: objects of type object cannot be stored"),
    (np.array(["a"], dtype=np.dtypes.StringDType()), "^model: arrays of dtype StringDType"),
    (pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}), "^model: this data frame cannot be stored"),
    (
        pd.DataFrame({"a": pd.Series(["x"], dtype="string[python]")}),
        r"^model\['a'\]: columns of dtype .* would come back",
    ),
    (Needy(1), "^model: .*:Needy cannot be made again from its fields, because its constructor needs 'secret'"),
]


@pytest.mark.parametrize(("value", "message"), REFUSED)
def test_what_cannot_be_stored_is_refused_by_its_place(value: Any, message: str) -> None:
    with pytest.raises(NotStorable, match=message):
        encode(value, digest_buffers, name="model", packages=HERE)


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(NotStorable, match=r"^model: it contains itself, or is nested too deeply"):
        encode(value, digest_buffers, name="model")


def test_a_class_that_could_not_be_loaded_again_is_refused_when_storing() -> None:
    @dataclass
    class Local:
        value: int

    with pytest.raises(NotStorable, match="is defined inside a function"):
        encode(Local(1), digest_buffers, packages=HERE)
    with pytest.raises(NotStorable, match="is not from a loaded plugin"):
        encode(Base("x"), digest_buffers)


PLANTED = [
    {"~": "dataclass", "type": "os:system", "fields": {"command": "touch planted"}},
    {"~": "dataclass", "type": "subprocess:Popen", "fields": {"args": "true"}},
    {"~": "dataclass", "type": "fractions:Fraction", "fields": {}},
    {"~": "dataclass", "type": "pipeline.store.files:os.system", "fields": {}},
    {"~": "dataclass", "type": "pipeline.store:Store", "fields": {}},
    {"~": "dataclass", "type": "pipeline.store:Entry.__init__", "fields": {}},
    {"~": "dataclass", "type": "pipeline.store.entry:Blobs", "fields": {}},
    {"~": "enum", "type": "http:HTTPStatus", "name": "OK"},
    {"~": "codec", "name": "os:system", "of": "touch planted"},
]


@pytest.mark.parametrize("node", PLANTED, ids=lambda node: node.get("type", "codec"))
def test_a_planted_entry_makes_nothing(
    shelf: Shelf, node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(StoreError):
        decode(json.dumps({"value": [node]}), shelf.find)

    assert [] == list(tmp_path.iterdir())


def test_an_allowed_module_does_not_lend_the_classes_that_it_imports(shelf: Shelf) -> None:
    borrowed = f"{__name__}:Images"  # a dataclass, but not this module's own

    with pytest.raises(StoreError, match="is no dataclass or enumeration"):
        decode(json.dumps({"value": {"~": "dataclass", "type": borrowed, "fields": {}}}), shelf.find, packages=HERE)


SENSELESS = [
    "",
    "[]",
    "{}",
    "7",
    "[" * 100_000,
    '{"value": {"~": "tuple"}}',
    '{"value": {"~": "new"}}',
    '{"value": {"~": "bytes", "blob": "=?"}}',
    '{"value": {"~": "torch", "index": 0}}',
    '{"value": {"~": "numpy", "blob": "=AAAA"}}',
    '{"value": {"~": "dataclass", "type": "pipeline.types:Images", "fields": {"pixel": 1}}}',
    '{"value": {"~": "dataclass", "type": "pipeline.types:Gone", "fields": {}}}',
]


@pytest.mark.parametrize("text", SENSELESS, ids=lambda text: text[:40])
def test_a_text_that_makes_no_sense_is_damaged(shelf: Shelf, text: str) -> None:
    with pytest.raises(Damaged):
        decode(text, shelf.find)


def test_storing_imports_no_library_that_the_value_does_not_need() -> None:
    code = "import sys; from pipeline.store import digest_of; digest_of({'a': [1, (2, {3})]}); print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = done.stdout.split()

    assert set() == {"numpy", "torch", "pandas", "pyarrow", "scipy", "filelock", "fsspec", "mlflow"} & set(loaded)
