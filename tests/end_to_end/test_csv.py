"""test_csv.py - CSV in and out: every type there and back, every mistake with its place, any size."""
import json
import os
import subprocess

import grpc
import pytest

import compare
from asking import PRESENT, ask_larder
from drivers import TRAINING_SET
from repository import program

WRONG = (1, 2)
TYPES = ["bool", "int32", "int64", "float32", "float64", "string", "bytes", "timestamp"]
EVERY_TYPE = """\
entities:
  - {name: thing, join_keys: {id: string}}
sources:
  - {name: things, table: things, event_time: at, created_time: created, fields: {f_string: "Some Text"}}
feature_views:
  - name: facts
    entities: [thing]
    source: things
    features:
""" + "".join(f"""\
      - {{name: f_{t}, type: {t}}}
      - {{name: f_{t}_list, type: "list<{t}>"}}
""" for t in TYPES) + """\
feature_services:
  - {name: all_facts, features: [facts]}
"""
# Per type: the CSV cell and the list's cell, as Larder writes them, and the values over gRPC.
CELLS = {
    "bool": ("true", '"[true, false]"', True, [True, False]),
    "int32": ("-2147483648", '"[2147483647, 0]"', -2**31, [2**31 - 1, 0]),
    "int64": ("9223372036854775807", '"[-9223372036854775808]"', 2**63 - 1, [-2**63]),
    "float32": ("1.5", '"[0.1, ""NaN"", ""-Infinity""]"', 1.5, None),
    "float64": ("0.1", '"[1e+300, -0.0, ""Infinity""]"', 0.1, [1e300, -0.0, float("inf")]),
    "string": ('"a,""b""\nä€𝄞"', '"[""x"", """", ""[1]""]"', 'a,"b"\nä€𝄞', ["x", "", "[1]"]),
    "bytes": ("\\x00ff", '"[""\\\\x"", ""\\\\x7b7d""]"', b"\x00\xff", [b"", b"{}"]),
    "timestamp": ("1969-12-31T23:59:59.999999Z", '"[""2024-02-29T00:00:00Z""]"', -1, [1709164800000000]),
}
ASK = "id,event_timestamp\na,2024-06-01T00:00:00Z\nnobody,2024-06-01T00:00:00Z\n"


@pytest.fixture
def things(place):
    repository = place.repository({"features.yaml": EVERY_TYPE})
    header = "id,at,created," + ",".join(f"f_{t},f_{t}_list" for t in TYPES)
    cells = ",".join(f"{CELLS[t][0]},{CELLS[t][1]}" for t in TYPES)
    repository.write("things.csv", f"{header}\na,2024-05-01T10:00:00Z,2024-05-01T10:00:01.5+02:00,{cells}\n"
                                   f"empty,2024-05-01T10:00:00Z,,{',' * (2 * len(TYPES) - 1)}\n")
    return repository


def test_every_type_survives_load_training_set_and_serving(things, stubs):
    things.do("load", "--source", "things", "things.csv")
    things.do("apply")
    things.do("materialize")
    things.write("ask.csv", ASK)
    things.do("training-set", "--service", "all_facts", "--entities", "ask.csv", "--out", "out.csv")
    header, found, missing = compare.read(things.path("out.csv"))
    loaded = dict(zip(*compare.read(things.path("things.csv"))[:2]))
    assert header[:2] == ["id", "event_timestamp"] and len(header) == 2 + 2 * len(TYPES)
    wrong = [(name, value) for name, value in zip(header[2:], found[2:]) if not compare.same(name, loaded[name], value)]
    assert not wrong and set(missing[2:]) == {None}

    with things.serving() as server, grpc.insecure_channel(server.address) as channel:
        answer = ask_larder(stubs, channel, {"id": "string"}, [("a",), ("empty",)], feature_service="all_facts")
    for t, (_, _, value, values) in CELLS.items():
        assert answer[f"f_{t}"][0][::2] == (PRESENT, value), t
        assert values is None or answer[f"f_{t}_list"][0][2] == values, t


def test_load_makes_the_table_with_an_index_once(things, place):
    assert things.do("load", "--json", "--source", "things", "things.csv").json["made_table"] is True
    again = things.do("load", "--json", "--source", "things", "things.csv").json
    assert again["made_table"] is False and again["rows_before"] > 0 and again["had_first_row"] is True
    assert place.sql("SELECT count(*) FROM things") == "4"
    assert things.do("plan", "--json").json["findings"] == []


def test_the_header_may_name_columns_instead_of_features_in_any_order(things, place):
    things.write("more.csv", "at,Some Text,id\n2024-05-02T00:00:00Z,hello,b\n")
    things.do("load", "--source", "things", "things.csv")
    things.do("load", "--source", "things", "more.csv")
    assert place.sql("""SELECT "Some Text" FROM things WHERE id = 'b'""") == "hello"


def test_null_and_the_empty_string_are_two_things(things, place):
    things.write("more.csv", 'id,at,f_string\nx,2024-05-02T00:00:00Z,\ny,2024-05-02T00:00:00Z,""\n')
    things.do("load", "--source", "things", "more.csv")
    assert place.sql("""SELECT id, "Some Text" IS NULL FROM things ORDER BY id""") == "x|t\ny|f"


# What is wrong, the file, the line that is told (None: none).
LOAD_MISTAKES = [
    ("no event time", "id,f_bool\na,true\n", None),
    ("no key", "at,f_bool\n2024-05-01T00:00:00Z,true\n", None),
    ("unknown column", "id,at,what\na,2024-05-01T00:00:00Z,1\n", 1),
    ("a column twice", "id,at,id\na,2024-05-01T00:00:00Z,b\n", 1),
    ("row too short", "id,at,f_bool\na,2024-05-01T00:00:00Z,true\nb,2024-05-01T00:00:00Z\n", 3),
    ("row too long", "id,at\na,2024-05-01T00:00:00Z,true\n", 2),
    ("unclosed quote", 'id,at\n"a,2024-05-01T00:00:00Z\n', 2),
    ("text behind a quote", 'id,at\n"a"b,2024-05-01T00:00:00Z\n', 2),
    ("bad time", "id,at\na,2024-05-01T00:00:00Z\nb,2024-02-30T00:00:00Z\n", 3),
    ("year 10000", "id,at\na,10000-01-01T00:00:00Z\n", 2),
    ("bad number", "id,at,f_int64\na,2024-05-01T00:00:00Z,12x\n", 2),
    ("number out of range", "id,at,f_int32\na,2024-05-01T00:00:00Z,2147483648\n", 2),
    ("bad bool", "id,at,f_bool\na,2024-05-01T00:00:00Z,yep\n", 2),
    ("bad bytes", "id,at,f_bytes\na,2024-05-01T00:00:00Z,\\xabc\n", 2),
    ("bad list", 'id,at,f_int64_list\na,2024-05-01T00:00:00Z,"[1, 2"\n', 2),
    ("null in a list", 'id,at,f_int64_list\na,2024-05-01T00:00:00Z,"[1, null]"\n', 2),
    ("null key", "id,at\n,2024-05-01T00:00:00Z\n", 2),
    ("not UTF-8", b"id,at\n\xff\xfe,2024-05-01T00:00:00Z\n", 2),
    ("a NUL", b"id,at\na\0b,2024-05-01T00:00:00Z\n", 2),
    ("nothing", "", None),
]


@pytest.mark.parametrize("content, line", [mistake[1:] for mistake in LOAD_MISTAKES],
                         ids=[mistake[0] for mistake in LOAD_MISTAKES])
def test_a_mistake_in_a_loaded_file_loads_nothing(things, place, content, line):
    things.do("load", "--source", "things", "things.csv")
    things.write("bad.csv", content)
    outcome = things.refused("load", "--source", "things", "bad.csv", code=WRONG)
    assert f"bad.csv:{line}:" in outcome.err if line else "bad.csv" in outcome.err, outcome
    assert place.sql("SELECT count(*) FROM things") == "2"


# An owner's column, the feature's type, cells that come back as they were, and cells that PostgreSQL would change.
OWNERS_COLUMNS = [
    ("numeric(9,2)", "float64", ["1.25", "-1200", "9999999.99", "NaN"], ["1.255", "1e-3", "-0.0", "1e7", "Infinity"]),
    ("numeric", "float64", ["1e300", "0.1", "5e-324"], ["-0.0"]),
    ("real", "float64", ["0.5", "16777216", "-0.0", "NaN", "-Infinity"], ["0.1", "16777217", "1e39", "1e-50"]),
    ("real", "float32", ["0.1", "3.4028235e38"], []),
    ("bigint", "float64", ["1e18", "-7"], ["0.5", "-0.0", "1e19", "NaN", "Infinity"]),
    ("smallint", "int64", ["32767"], ["32768"]),
    ("timestamptz(3)", "timestamp", ["1969-12-31T23:59:59.999Z"], ["2024-01-01T00:00:00.0001Z"]),
    ("timestamp(0)", "timestamp", ["2024-01-01T00:00:01Z"], ["2024-01-01T00:00:00.500000Z"]),
    ("date", "timestamp", ["2024-01-01T00:00:00Z"], ["2024-01-01T00:00:00.000001Z"]),
    ("varchar(3)", "string", ["a  ", "ä€𝄞", '""'], ["a   ", "abcd"]),
    ("char(3)", "string", ["a", " a", "ä€𝄞", '""'], ["a ", "abcd", "abc "]),
    ("uuid", "string", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
     ["A0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
      "a0eebc999c0b4ef8bb6d6bb9bd380a11"]),
    ("json", "string", ['"{""b"":  1}"'], []),
    ("jsonb", "string", [], ['"{""b"":1}"']),
    ("numeric(3,1)[]", "list<float64>", ['"[1.5, 10]"', "[]"], ['"[1.5, 1.25]"']),
    ("varchar(2)[]", "list<string>", ['"[""ab"", ""c ""]"'], ['"[""ab "", ""c""]"']),
    ("few_decimals", "float64", ["0.5"], ["0.25"]),
    ("few_decimals[]", "list<float64>", ["[0.5]"], ["[0.25]"]),
]


@pytest.mark.parametrize("column, type, kept, changed", OWNERS_COLUMNS, ids=[f"{c[0]}-{c[1]}" for c in OWNERS_COLUMNS])
def test_a_loaded_value_reads_back_as_it_was_or_is_refused(place, column, type, kept, changed):
    place.sql("CREATE DOMAIN fewer AS numeric(3,1)", "CREATE DOMAIN few_decimals AS fewer",
              f"CREATE TABLE things (id bigint, at timestamptz, x {column})")
    repository = place.repository({"features.yaml": f"""\
entities: [{{name: thing, join_keys: {{id: int64}}}}]
sources: [{{name: things, table: things, event_time: at}}]
feature_views: [{{name: facts, entities: [thing], source: things, features: [{{name: x, type: {type}}}]}}]
"""})
    for cell in changed:
        repository.write("bad.csv", f"id,at,x\n1,2024-01-01T00:00:00Z,{kept[0] if kept else ''}\n2,2024-01-01T00:00:00Z,{cell}\n")
        err = repository.refused("load", "--source", "things", "bad.csv", code=1).err
        assert err.startswith("bad.csv:3:24: things.x is "), err
    assert place.sql("SELECT count(*) FROM things") == "0"
    name = f"x_{type}"
    rows = "".join(f"{n},2024-01-01T00:00:00Z,{cell}\n" for n, cell in enumerate(kept))
    repository.write("good.csv", "id,at,x\n" + rows)
    repository.do("load", "--source", "things", "good.csv")
    repository.do("apply")
    repository.write("ask.csv", "id,event_timestamp,asked\n" + rows)
    repository.do("training-set", "--features", "facts:x", "--entities", "ask.csv", "--out", "out.csv")
    answers = compare.read(repository.path("out.csv"))[1:]
    assert len(answers) == len(kept)
    assert not [row for row in answers if not compare.same(name, row[2], row[3])]


ASK_MISTAKES = [
    ("missing key column", "driver,event_timestamp\n1,2024-01-01T00:00:00Z\n", "driver_id", None),
    ("missing time column", "driver_id,when\n1,2024-01-01T00:00:00Z\n", "event_timestamp", None),
    ("column twice", "driver_id,event_timestamp,x,x\n1,2024-01-01T00:00:00Z,1,1\n", "x", 1),
    ("column of a feature's name", "driver_id,event_timestamp,rating\n1,2024-01-01T00:00:00Z,1\n", "rating", 1),
    ("row too short", "driver_id,event_timestamp\n1,2024-01-01T00:00:00Z\n2\n", "short", 3),
    ("unclosed quote", 'driver_id,event_timestamp\n"1,2024-01-01T00:00:00Z\n', "quote", 2),
    ("bad time", "driver_id,event_timestamp\n1,tomorrow\n", "tomorrow", 2),
    ("null time", "driver_id,event_timestamp\n1,\n", "event_timestamp", 2),
    ("bad number", "driver_id,event_timestamp\none,2024-01-01T00:00:00Z\n", "one", 2),
    ("empty", "", "empty", None),
]


@pytest.mark.parametrize("content, word, line", [mistake[1:] for mistake in ASK_MISTAKES],
                         ids=[mistake[0] for mistake in ASK_MISTAKES])
def test_a_mistake_in_the_asking_rows_leaves_no_file(drivers, content, word, line):
    drivers.repository.write("ask.csv", content)
    before = set(os.listdir(drivers.repository.folder))
    outcome = drivers.refused(*TRAINING_SET, code=WRONG)
    assert word in outcome.err and "ask.csv" in outcome.err, outcome
    assert line is None or f"ask.csv:{line}:" in outcome.err, outcome
    assert set(os.listdir(drivers.repository.folder)) == before


def test_a_file_that_is_not_there_is_named(drivers):
    assert "ask.csv" in drivers.refused(*TRAINING_SET, code=WRONG).err
    assert "gone.csv" in drivers.refused("load", "--source", "trips", "gone.csv", code=WRONG).err


def test_an_output_that_cannot_be_written_is_told(drivers):
    drivers.repository.write("ask.csv", "driver_id,event_timestamp\n1,2024-01-01T00:00:00Z\n")
    assert "no/such/out.csv" in drivers.refused(*TRAINING_SET, "--out", "no/such/out.csv", code=WRONG).err


# Size ----------------------------------------------------------------------------------------------

LIMIT_KB = 200 * 1024


def peak_of(repository, *arguments):
    """Runs a command that has to succeed; the most memory it had, in KiB. (A child begins with the peak of whoever
    made it, which here is larger than what is measured: so a small program stands between.)"""
    peak = os.path.join(os.environ["LARDER_BUILD"], "tests", "bench", "bench_peak")
    done = subprocess.run([peak, program(), *map(str, arguments)], cwd=repository.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])["peak_kib"]


def write_big(path, rows, line):
    with open(path, "w") as file:
        for start in range(0, rows, 10000):
            file.writelines(line(i) for i in range(start, min(start + 10000, rows)))


@pytest.mark.parametrize("rows", [100_000, pytest.param(10_000_000, marks=pytest.mark.long)])
def test_files_of_any_size_take_bounded_memory(drivers, rows):
    if "asan" in os.environ.get("LARDER_BUILD", "") or "tsan" in os.environ.get("LARDER_BUILD", ""):
        pytest.skip("sanitizers keep freed memory; large inputs run in release only")
    repository = drivers.repository
    drivers.sql("DROP TABLE trips")  # load makes it anew, with the index that serves it
    write_big(repository.path("big.csv"), rows + 1, lambda i: f"{i},2024-01-01T00:00:00Z,2024-01-01T00:00:01Z,{i},0.5\n"
              if i else "driver_id,happened,recorded,trip_count,rating\n")
    write_big(repository.path("ask.csv"), rows + 1, lambda i: f"{i},2024-01-01T01:00:00Z,row {i}\n"
              if i else "driver_id,event_timestamp,note\n")
    assert peak_of(repository, "load", "--source", "trips", "big.csv") < LIMIT_KB
    repository.path("big.csv").unlink()
    drivers.define(("    ttl: 6h\n", ""))
    repository.write("larder.yaml", repository.settings_text() + "training: {memory: 128MiB}\n")
    drivers.do("apply")
    assert peak_of(repository, *TRAINING_SET) < LIMIT_KB
    last = subprocess.check_output(["tail", "-n", "1", repository.path("out.csv")], text=True)
    assert last == f"{rows},2024-01-01T01:00:00Z,row {rows},{rows},0.5\n"
    assert peak_of(repository, "materialize") < LIMIT_KB
    assert drivers.online(rows) == ("PRESENT", rows)
