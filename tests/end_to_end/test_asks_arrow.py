"""test_asks_arrow.py - asking rows in Arrow's IPC format are answered as those of a CSV are."""
import datetime
import struct
import subprocess

import pytest

import compare
import data_frames
from file_drivers import LMDB, SQLITE
from repository import program

DEFINITIONS = """\
entities:
  - {name: thing, join_keys: {id: int32, kind: string}}
sources:
  - {name: things, table: things, event_time: at}
feature_views:
  - name: facts
    entities: [thing]
    source: things
    features: [{name: x, type: float64}]
"""
HISTORY = "id,kind,at,x\n1,a,2024-05-01T10:00:00Z,1.5\n2,b,2024-05-01T10:00:00Z,2.5\n1,ä,2024-05-01T10:00:00.000001Z,3.5\n"
MAKE = ["training-set", "--features", "facts:x", "--entities"]
UTC = datetime.timezone.utc
NOON = datetime.datetime(2024, 5, 1, 12, tzinfo=UTC)
IDS, KINDS = [1, 2, 1, None, 3], ["a", "b", "ä", "a", None]
ANSWERS = [1.5, 2.5, 3.5, None, None]


@pytest.fixture
def things(place):
    repository = place.repository({"features.yaml": DEFINITIONS, "things.csv": HISTORY}, offline=SQLITE, online=LMDB)
    repository.do("load", "--source", "things", "things.csv")
    repository.do("apply")
    return repository


@pytest.fixture
def pa():
    data_frames.find("pyarrow.feather"), data_frames.find("pyarrow.ipc")
    return data_frames.find("pyarrow")


def table(pa, **columns):
    count = len(next(iter(columns.values()))) if columns else len(IDS)
    return pa.table({"id": pa.array(IDS[:count], pa.int64()), "kind": KINDS[:count],
                     "event_timestamp": pa.array([NOON] * count), **columns})


def write(pa, path, rows, stream=False, **options):
    options = pa.ipc.IpcWriteOptions(**options)
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(str(path), rows.schema, options=options) as writer:
        writer.write_table(rows, max_chunksize=2)


def answers(things, rows, **options):
    """What is answered in Arrow to rows in Arrow."""
    pa = data_frames.find("pyarrow")
    write(pa, things.path("ask.arrow"), rows, **options)
    things.do(*MAKE, "ask.arrow", "--out", "out.arrow")
    return pa.ipc.open_file(pa.memory_map(str(things.path("out.arrow")))).read_all()


@pytest.mark.parametrize("options", [{}, {"stream": True}, {"compression": "lz4"}, {"compression": "zstd"}],
                         ids=["file", "stream", "lz4", "zstd"])
def test_arrow_asks_as_csv_does(things, pa, options):
    assert answers(things, table(pa), **options).column("x").to_pylist() == ANSWERS
    things.do(*MAKE, "ask.arrow", "--out", "of_arrow.csv")
    times = ["2024-05-01T12:00:00.000000Z"] * len(IDS)
    things.write("ask.csv", "\n".join(["id,kind,event_timestamp"] + [
        f"{'' if key is None else key},{kind or ''},{at}" for key, kind, at in zip(IDS, KINDS, times)]) + "\n")
    things.do(*MAKE, "ask.csv", "--out", "of_csv.csv")
    assert things.path("of_arrow.csv").read_bytes() == things.path("of_csv.csv").read_bytes()


def test_standard_input_may_be_arrow(things, pa):
    write(pa, things.path("ask.arrows"), table(pa), stream=True)
    made = subprocess.run([program(), *MAKE, "-", "--out", "-"], input=things.path("ask.arrows").read_bytes(), timeout=60,
                          cwd=things.folder, capture_output=True, check=True).stdout
    things.write("said.csv", made)
    assert [row[-1] for row in compare.read(things.path("said.csv"))[1:]] == ["1.5", "2.5", "3.5", None, None]


@pytest.mark.parametrize("made", ["int32", "int16", "uint64"])
def test_keys_may_be_integers_of_any_width(things, pa, made):
    rows = table(pa)
    rows = rows.set_column(0, "id", rows["id"].cast(getattr(pa, made)()))
    out = answers(things, rows)
    assert out.column("x").to_pylist() == ANSWERS and out.schema.field("id").type == pa.int32()


@pytest.mark.parametrize("made", ["large_string", "dictionary"])
def test_keys_may_be_strings_of_any_kind(things, pa, made):
    rows = table(pa)
    kind = rows["kind"].dictionary_encode() if made == "dictionary" else rows["kind"].cast(getattr(pa, made)())
    assert answers(things, rows.set_column(1, "kind", kind)).column("x").to_pylist() == ANSWERS


@pytest.mark.parametrize("kind, time", [("s", NOON), ("ms", NOON), ("us", NOON), ("ns", NOON), ("none", NOON),
                                        ("zone", NOON), ("date", datetime.date(2024, 5, 2)),
                                        ("text", "2024-05-01 14:00:00+02:00")])
def test_times_may_be_of_any_unit_or_text(things, pa, kind, time):
    types = {"none": pa.timestamp("us"), "zone": pa.timestamp("us", "America/New_York"), "date": pa.date32(),
             "text": pa.string()}
    naive = time.replace(tzinfo=None) if kind == "none" else time
    made = pa.array([naive] * len(IDS), types.get(kind) or pa.timestamp(kind, "UTC"))
    out = answers(things, table(pa).set_column(2, "event_timestamp", made))
    assert out.column("x").to_pylist() == ANSWERS and out.schema.field("event_timestamp").type == pa.timestamp("us", "UTC")
    assert out.column("event_timestamp")[0].as_py() in (NOON, datetime.datetime(2024, 5, 2, tzinfo=UTC))


def test_what_pandas_and_polars_write_is_read(things, pa):
    pandas, polars = data_frames.find("pandas"), data_frames.find("polars")
    frame = pandas.DataFrame({"id": [1, 2], "kind": pandas.Categorical(["a", "b"]), "late": [True, False],
                              "event_timestamp": pandas.to_datetime(["2024-05-01T12:00:00Z"] * 2)})
    frame.to_feather(things.path("pandas.feather"))
    polars.from_pandas(frame).write_ipc_stream(things.path("polars.arrows"), compat_level=polars.CompatLevel.oldest())
    for name in ("pandas.feather", "polars.arrows"):
        things.do(*MAKE, name, "--out", "out.parquet")
        out = pandas.read_parquet(things.path("out.parquet"))
        assert list(out["x"]) == [1.5, 2.5] and list(out["late"]) == [True, False] and out["late"].dtype == bool


LONG = "a text that is longer than a view holds in itself"


@pytest.mark.parametrize("options", [{"compression": "uncompressed"}, {"compression": "lz4"}, {"compression": "zstd"}],
                         ids=["plain", "lz4", "zstd"])
@pytest.mark.parametrize("written", ["write_ipc", "write_ipc_stream"])
def test_what_polars_writes_by_default_is_read(things, pa, written, options):
    """Views of strings, and files whose schema stands in their table of contents alone."""
    polars = data_frames.find("polars")
    frame = polars.DataFrame({
        "id": [1, 2, None], "kind": ["a", "b", "a"], "event_timestamp": [NOON] * 3, "text": [LONG, "", None],
        "bytes": [b"short", LONG.encode(), None], "texts": [[LONG, "x"], [], None],
        "sort": polars.Series(["p", None, "p"], dtype=polars.Categorical)})
    getattr(polars.concat([frame, frame], rechunk=False), written)(things.path("polars.arrow"), **options)
    things.do(*MAKE, "polars.arrow", "--out", "out.arrow")
    out = pa.ipc.open_file(pa.memory_map(str(things.path("out.arrow")))).read_all()
    assert out.column("x").to_pylist() == [1.5, 2.5, None] * 2
    for name in ("text", "bytes", "texts", "sort"):
        assert out.column(name).to_pylist() == frame[name].to_list() * 2


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_dictionaries_are_read(things, pa, compression):
    rows = table(pa, note=pa.array([10**12, 7, 7, None, 10**12]).dictionary_encode())
    rows = rows.set_column(1, "kind", rows["kind"].dictionary_encode())
    out = answers(things, rows, compression=compression)
    assert out.column("x").to_pylist() == ANSWERS and out.column("note").to_pylist() == [10**12, 7, 7, None, 10**12]


def test_columns_pass_through_with_their_types(things, pa):
    day = datetime.date(2024, 5, 1)
    given = {
        "b": pa.array([True, None]), "i8": pa.array([-1, None], pa.int8()), "u32": pa.array([2**32 - 1, None], pa.uint32()),
        "f32": pa.array([0.1, None], pa.float32()), "f16": pa.array([1.5, None], pa.float32()).cast(pa.float16()),
        "s": pa.array(["007", None]), "y": pa.array([b"\0", None]), "y2": pa.array([b"ab", None], pa.binary(2)),
        "d": pa.array([day, None]), "ns": pa.array([NOON, None], pa.timestamp("ns")), "none": pa.nulls(2),
        "l": pa.array([["x", ""], None]), "l2": pa.array([[], None], pa.large_list(pa.int64())),
        "c": pa.array(["x", None]).dictionary_encode(),
    }
    out = answers(things, table(pa, **given))
    types = {"b": "bool", "i8": "int32", "u32": "int64", "f32": "float", "f16": "float", "s": "string", "y": "binary",
             "y2": "binary", "d": "timestamp[us, tz=UTC]", "ns": "timestamp[us, tz=UTC]", "none": "string", "c": "string"}
    assert {name: str(out.schema.field(name).type) for name in types} == types
    assert out.schema.field("l").type.value_type == pa.string() and out.schema.field("l2").type.value_type == pa.int64()
    midnight = datetime.datetime(2024, 5, 1, tzinfo=UTC)
    wanted = {**{name: values.to_pylist() for name, values in given.items()}, "d": [midnight, None], "ns": [NOON, None]}
    assert {name: out.column(name).to_pylist() for name in given} == wanted


def test_slices_and_empty_batches_are_read(things, pa):
    rows = pa.concat_tables([table(pa).slice(0, 0), table(pa).slice(1, 2), table(pa).slice(4)])
    assert answers(things, rows, stream=True).column("x").to_pylist() == [2.5, 3.5, None]
    assert answers(things, table(pa).slice(0, 0)).num_rows == 0


# The column that is exchanged, what it holds, and the words of the refusal.
MISTAKES = {
    "float key": ("id", lambda pa: pa.array([1.0, None]), ["column id", "double", "int32", "Int64"]),
    "text for a number": ("id", lambda pa: pa.array(["1", "2"]), ["column id", "string", "int32"]),
    "key out of range": ("id", lambda pa: pa.array([1, 2**40]), ["row 2", "column id", "1099511627776"]),
    "number for text": ("kind", lambda pa: pa.array([1, 2]), ["column kind", "int64", "string"]),
    "no time": ("event_timestamp", lambda pa: pa.array([NOON, None]), ["row 2", "column event_timestamp", "null"]),
    "number for a time": ("event_timestamp", lambda pa: pa.array([1, 2]), ["column event_timestamp", "int64"]),
    "wrong text": ("event_timestamp", lambda pa: pa.array(["2024-05-01", "soon"]), ["row 2", "soon"]),
    "far future": ("event_timestamp", lambda pa: pa.array([2**55, 0], pa.timestamp("s")), ["row 1", "9999"]),
    "null in a list": ("note", lambda pa: pa.array([[1], [1, None]]), ["row 2", "column note", "element 2", "null"]),
    "NUL in text": ("note", lambda pa: pa.array(["a", "a\0b"]), ["row 2", "column note", "NUL"]),
    "unsigned beyond int64": ("note", lambda pa: pa.array([1, 2**63], pa.uint64()), ["row 2", "column note", "int64"]),
    "duration": ("note", lambda pa: pa.array([datetime.timedelta(1)] * 2), ["column note", "duration", "cast"]),
    "struct": ("note", lambda pa: pa.array([{"a": 1}] * 2), ["column note", "struct", "cast"]),
    "named like a feature": ("x", lambda pa: pa.array([1, 2]), ["column x", "--full-names"]),
    "no key": (None, lambda pa: table(pa).drop_columns(["id"]), ["no column id"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_column_and_row(things, pa, name):
    column, values, words = MISTAKES[name]
    rows = values(pa) if column is None else table(pa, **{"note": [None, None], column: values(pa)})
    write(pa, things.path("ask.arrow"), rows)
    outcome = things.refused(*MAKE, "ask.arrow", "--out", "out.arrow", code=(1, 2))
    assert "ask.arrow" in outcome.err and all(word in outcome.err for word in words), outcome
    assert not things.path("out.arrow").exists()


def test_a_file_that_was_cut_is_refused(things, pa):
    write(pa, things.path("whole.arrow"), table(pa))
    whole = things.path("whole.arrow").read_bytes()
    for size in (6, 8, 12, 40, 300, 600, 900):
        things.write("cut.arrow", whole[:size])
        assert "cut.arrow" in things.refused(*MAKE, "cut.arrow", "--out", "out.arrow", code=(1, 2)).err


def ints(*numbers, kind="i"):
    return struct.pack(f"<{len(numbers)}{kind}", *numbers)


# What is exchanged in a stream of bytes, for what, and the words of the refusal.
DAMAGES = {
    "offsets that go back": ({}, ints(0, 1, 3), ints(0, 3, 1), "outside of its buffer"),
    "offsets beyond the end": ({}, ints(0, 1, 3), ints(0, 1, 4), "outside of its buffer"),
    "an index beyond its dictionary": ({}, ints(0, 1, *[0] * 6, kind="b"), ints(0, 7, *[0] * 6, kind="b"),
                                       "outside of its buffer"),
    "a buffer that grows without end": ({"compression": "zstd"}, ints(16, kind="q") + b"\x28\xb5\x2f\xfd",
                                        ints(2**40, kind="q") + b"\x28\xb5\x2f\xfd", "damaged"),
    "a compressed buffer of another size": ({"compression": "lz4"}, ints(16, kind="q") + b"\x04\x22\x4d\x18",
                                            ints(17, kind="q") + b"\x04\x22\x4d\x18", "damaged"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_told(things, pa, name):
    options, old, new, words = DAMAGES[name]
    rows = table(pa, note=pa.array([["p"], ["q", "r"]]), sort=pa.array(["x", "y"])
                 .dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string())))
    write(pa, things.path("ask.arrow"), rows, stream=True, **options)
    whole = things.path("ask.arrow").read_bytes()
    assert old in whole
    things.write("ask.arrow", whole.replace(old, new))
    refused = things.refused(*MAKE, "ask.arrow", "--out", "out.arrow", code=(1, 2))
    assert "ask.arrow" in refused.err and words in refused.err and not things.path("out.arrow").exists()


def test_a_dictionary_that_is_added_to_is_refused(things, pa):
    batches = [table(pa).set_column(1, "kind", pa.array(kinds).dictionary_encode()).to_batches()[0]
               for kinds in (["a"] * 5, ["a", "b", "a", "a", "a"])]
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_stream(str(things.path("ask.arrows")), batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    assert "column kind" in things.refused(*MAKE, "ask.arrows", "--out", "out.arrow", code=(1, 2)).err
    write(pa, things.path("whole.arrows"), pa.Table.from_batches(batches), stream=True)
    things.do(*MAKE, "whole.arrows", "--out", "out.arrow")


def test_parquet_is_told_apart(things, pa):
    pandas = data_frames.find("pandas")
    pandas.DataFrame({"id": [1]}).to_parquet(things.path("ask.parquet"))
    assert "Parquet" in things.refused(*MAKE, "ask.parquet", "--out", "out.arrow", code=(1, 2)).err
