"""test_formats.py - training sets as Parquet and Arrow: the values of the CSV, whoever reads them."""
import datetime
import functools
import json
import math
import struct
import subprocess

import pytest

import compare
import data_frames
from file_drivers import LMDB, SQLITE
from repository import program
from test_csv import CELLS, EVERY_TYPE, TYPES

FORMATS = ["parquet", "arrow", "arrows"]
ALL = ("--service", "all_facts")
MAKE = ["training-set", "--entities", "ask.csv", "--out"]
UTC = datetime.timezone.utc


@pytest.fixture
def things(place):
    """A history of every type in a file, applied: things named after what is odd about them."""
    repository = place.repository({"features.yaml": EVERY_TYPE}, offline=SQLITE, online=LMDB)
    names = [f"f_{t}{suffix}" for t in TYPES for suffix in ("", "_list")]
    odd = {
        "full": {name: cell for t in TYPES for name, cell in zip((f"f_{t}", f"f_{t}_list"), CELLS[t])},
        "nulls": {},
        "empty": {"f_string": '""', "f_bytes": "\\x", **{f"f_{t}_list": "[]" for t in TYPES}},
        "nan": {"f_float32": "NaN", "f_float64": "NaN"},
        "zero": {"f_float32": "-0", "f_float64": "-0", "f_int64": "0"},
        "infinite": {"f_float32": "-Infinity", "f_float64": "Infinity"},
        "long": {"f_string": "ä" * 100_000, "f_bytes": "\\x" + "00ff" * 50_000},
    }
    rows = [f"{key},2024-05-01T10:00:00Z,," + ",".join(cells.get(name, "") for name in names)
            for key, cells in odd.items()]
    repository.write("things.csv", "\n".join([f"id,at,created,{','.join(names)}", *rows]) + "\n")
    repository.do("load", "--source", "things", "things.csv")
    repository.do("apply")
    ask(repository, list(odd))
    return repository


def ask(repository, keys, **columns):
    """Asks with one row a key, None among them, and other columns, each a list of cells."""
    lines = [",".join(["id", "event_timestamp", *columns])]
    for i, key in enumerate(keys):
        lines.append(",".join([key or "", f"2024-06-01T00:00:{i % 60:02d}.000001Z",
                               *(cells[i % len(cells)] for cells in columns.values())]))
    repository.write("ask.csv", "\n".join(lines) + "\n")


def reader(arrow_type):
    """Of a cell of the CSV under a type of Arrow: what it stands for; floats as their bits."""
    pa = data_frames.find("pyarrow")
    if pa.types.is_list(arrow_type):
        element, number = reader(arrow_type.value_type), float if pa.types.is_floating(arrow_type.value_type) else int
        return lambda cell: [element(each if isinstance(each, str) else json.dumps(each))
                             for each in json.loads(cell, parse_int=number)]
    if pa.types.is_timestamp(arrow_type):
        assert arrow_type == pa.timestamp("us", "UTC")
    return {"bool": {"true": True, "false": False}.get, "int32": int, "int64": int, "string": str,
            "float": lambda cell: bits(struct.unpack("<f", struct.pack("<f", float(cell)))[0]),
            "double": lambda cell: bits(float(cell)), "binary": lambda cell: bytes.fromhex(cell[2:]),
            "timestamp[us, tz=UTC]": lambda cell: datetime.datetime.fromisoformat(cell.replace("Z", "+00:00")),
            }[str(arrow_type)]


def bits(number):
    """NaN equals itself, and -0 is not 0."""
    return "NaN" if math.isnan(number) else struct.pack("<d", number)


def comparable(value):
    if isinstance(value, float):
        return bits(value)
    if isinstance(value, list):
        return [comparable(element) for element in value]
    return value


def read(path):
    """As a table of pyarrow, checked to its last offset."""
    pa, pq, ipc = (data_frames.find(name) for name in ("pyarrow", "pyarrow.parquet", "pyarrow.ipc"))
    begins = path.read_bytes()[:6]
    table = (pq.read_table(path) if begins.startswith(b"PAR1") else ipc.open_file(pa.memory_map(str(path))).read_all()
             if begins == b"ARROW1" else ipc.open_stream(pa.memory_map(str(path))).read_all())
    table.validate(full=True)
    return table


def chosen(options):
    return options if "--features" in options else (*ALL, *options)


def make(repository, name, *options):
    repository.do(*MAKE, name, *chosen(options))
    return read(repository.path(name))


def check_like_csv(repository, table, *options):
    """Value by value what the CSV of the same request has."""
    repository.do(*MAKE, "same.csv", *chosen(options))
    header, *rows = compare.read(repository.path("same.csv"))
    assert table.column_names == header and table.num_rows == len(rows)
    for i, name in enumerate(header):
        typed = functools.cache(reader(table.schema.field(name).type))
        wrong = [(value, row[i]) for value, row in zip(table.column(name).to_pylist(), rows)
                 if comparable(value) != (None if row[i] is None else typed(row[i]))]
        assert not wrong[:3], name


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("options", [(), ("--with-status",)], ids=["plain", "with status"])
def test_every_value_is_that_of_the_csv(things, form, options):
    check_like_csv(things, make(things, f"out.{form}", *options), *options)


@pytest.mark.parametrize("form", FORMATS)
def test_types_map_one_to_one(things, form):
    pa = data_frames.find("pyarrow")
    wanted = {"bool": pa.bool_(), "int32": pa.int32(), "int64": pa.int64(), "float32": pa.float32(),
              "float64": pa.float64(), "string": pa.string(), "bytes": pa.binary(), "timestamp": pa.timestamp("us", "UTC")}
    schema = make(things, f"out.{form}").schema
    assert schema.field("id").type == pa.string() and schema.field("event_timestamp").type == wanted["timestamp"]
    for name, kind in wanted.items():
        assert schema.field(f"f_{name}").type == kind
        assert schema.field(f"f_{name}_list").type.value_type == kind


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("keys", [[], ["full"], [None], ["nulls"] * 9], ids=["no row", "one row", "null key", "nulls"])
def test_few_rows_are_a_whole_file(things, form, keys):
    ask(things, keys)
    table = make(things, f"out.{form}")
    assert table.num_rows == len(keys)
    check_like_csv(things, table)


@pytest.mark.parametrize("form", FORMATS)
def test_many_rows_are_several_groups(things, form):
    count = 140_000
    keys = ["full", "nan", None, "zero", "nobody", "empty", "nulls"]
    ask(things, [keys[i * i % 7] for i in range(count)], number=[str(i) for i in range(count)],
        word=[f"word {i * 7919 % 120_001}" for i in range(count)])
    some = ("--features", "facts:f_bool,facts:f_float64,facts:f_string_list")
    check_like_csv(things, make(things, f"out.{form}", *some), *some)
    if form == "parquet":
        metadata = data_frames.find("pyarrow.parquet").read_metadata(things.path("out.parquet"))
        assert metadata.num_row_groups > 1


@pytest.mark.parametrize("form", FORMATS)
def test_columns_that_pass_through_have_the_type_that_all_their_values_have(things, form):
    pa = data_frames.find("pyarrow")
    ask(things, ["full"] * 3, late=["true", "", "False"], count=["1", "-2", ""], share=["0.5", "1", ""],
        zip=["007", "8", "9"], mixed=["1", "x", ""], nothing=[""], words=['"a, b"', '""', ""])
    table = make(things, f"out.{form}")
    types = {"late": pa.bool_(), "count": pa.int64(), "share": pa.float64(), "zip": pa.string(), "mixed": pa.string(),
             "nothing": pa.string(), "words": pa.string()}
    assert {name: table.schema.field(name).type for name in types} == types
    assert table.column("late").to_pylist() == [True, None, False]
    assert table.column("zip").to_pylist() == ["007", "8", "9"]
    assert table.column("words").to_pylist() == ["a, b", "", None]


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_request_makes_the_same_bytes(things, form):
    things.do(*MAKE, f"one.{form}", *ALL)
    things.do(*MAKE, f"two.{form}", *ALL)
    assert things.path(f"one.{form}").read_bytes() == things.path(f"two.{form}").read_bytes()


def test_pandas_duckdb_and_polars_open_parquet(things):
    pandas, duckdb, polars = (data_frames.find(name) for name in ("pandas", "duckdb", "polars"))
    table = make(things, "out.parquet", "--with-status")
    path = str(things.path("out.parquet"))
    rows = [[comparable(value) for value in row.values()] for row in table.to_pylist()]
    # DuckDB hands out instants in the zone of its session.
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    found = connection.execute(f"SELECT * FROM '{path}'").fetchall()
    assert [[comparable(value) for value in row] for row in found] == rows
    assert [[comparable(value) for value in row] for row in polars.read_parquet(path).rows()] == rows
    frame = pandas.read_parquet(path)
    assert list(frame.columns) == table.column_names and len(frame) == len(rows)
    assert str(frame["f_timestamp"].dtype) == "datetime64[us, UTC]" and frame["f_int64"].isna().sum() == 5


def test_readers_may_skip_row_groups_by_their_bounds(things):
    duckdb = data_frames.find("duckdb")
    ask(things, ["full", "nan", "zero", "infinite", "nulls"] * 3, n=[str(i) for i in range(15)])
    make(things, "out.parquet")
    path = things.path("out.parquet")

    def count(where):
        return duckdb.sql(f"SELECT count(*) FROM '{path}' WHERE {where}").fetchall()[0][0]

    assert count("f_float64 = 0") == 3 and count("f_float64 > 1e300") == 6 and count("isnan(f_float64)") == 3
    assert count("n BETWEEN 3 AND 5") == 3 and count("n > 14") == 0
    assert count("id = 'zero'") == 3 and count("id > 'zero'") == 0 and count("f_bool") == 3


@pytest.mark.parametrize("form", FORMATS)
def test_the_schema_says_what_each_column_is_and_what_decided_the_file(things, form):
    text = EVERY_TYPE.replace("{name: f_bool, type: bool}", "{name: f_bool, type: bool, description: whether it is}")
    things.write("features.yaml", text.replace("    source: things\n", "    source: things\n    ttl: 1000d\n"))
    things.do("apply")
    ask(things, ["full"], note=["x"])
    schema = make(things, f"out.{form}", "--with-status").schema

    def notes(name):
        return {key.decode(): text.decode() for key, text in schema.field(name).metadata.items()
                if key != b"PARQUET:field_id"}

    assert notes("id") == {"larder.role": "join_key"} and notes("note") == {"larder.role": "passed_through"}
    assert notes("event_timestamp") == {"larder.role": "event_timestamp"}
    of_view = {"larder.view": "facts", "larder.feature": "f_bool", "larder.ttl": "1000d"}
    assert notes("f_bool") == {"larder.role": "feature", "description": "whether it is", **of_view}
    assert notes("f_bool__status") == {"larder.role": "status", **of_view}
    manifest = json.loads(things.path(f"out.{form}.manifest.json").read_text())
    assert {key.decode(): text.decode() for key, text in schema.metadata.items() if key != b"ARROW:schema"} == {
        "larder.project": "demo", "larder.service": "all_facts", "larder.definitions_version": "2",
        "larder.definitions_sha256": manifest["definitions"]["sha256"], "larder.asks_sha256": manifest["asks"]["sha256"],
        "larder.as_known": "false", "larder.with_status": "true", "larder.full_names": "false"}


@pytest.mark.parametrize("form", FORMATS)
def test_it_is_made_again_from_its_manifest_after_other_definitions(things, form):
    things.do(*MAKE, f"out.{form}", *ALL)
    things.write("more.yaml", "entities:\n  - {name: other, join_keys: {number: int64}}\n")
    things.do("apply")
    before = things.path(f"out.{form}").read_bytes()
    things.path(f"out.{form}").unlink()
    things.do("training-set", "--from-manifest", f"out.{form}.manifest.json")
    assert things.path(f"out.{form}").read_bytes() == before


def test_standard_output_takes_any_format(things):
    pa, pq = data_frames.find("pyarrow"), data_frames.find("pyarrow.parquet")
    made = subprocess.run([program(), *MAKE, "-", *ALL, "--format", "parquet"], cwd=things.folder, capture_output=True,
                          check=True, timeout=60)
    assert pq.read_table(pa.BufferReader(made.stdout)).num_rows == 7


def test_format_says_it_where_the_name_does_not(things):
    make(things, "out.csv", "--format", "parquet")
    things.do(*MAKE, "plain", *ALL, "--format", "csv")
    things.do(*MAKE, "none", *ALL)
    assert things.path("plain").read_bytes() == things.path("none").read_bytes()


@pytest.mark.parametrize("words, named", [(["out.parqet"], ".parqet"), (["out.csv.gz"], ".gz"),
                                          (["out", "--format", "excel"], "excel")])
def test_a_format_that_is_none_is_refused(things, words, named):
    outcome = things.refused(*MAKE, *words, *ALL)
    assert named in outcome.err and "parquet" in outcome.err
    assert not things.path(words[0]).exists()
