"""test_entities_query.py - the rows that ask may be what a query in the offline store gives."""
import json

import pytest

import compare
from drivers import TRAINING_SET

ASK = "SELECT driver_id, happened AS event_timestamp, trip_count AS label FROM trips ORDER BY happened, driver_id"
REST = ["training-set", "--service", "dispatch", "--out", "out.csv", "--full-names"]
MANIFEST = "out.csv.manifest.json"


@pytest.fixture
def world(either):
    """Three trips of two drivers, some hours ago."""
    either.add(1, ago="9 hours", trips="10", rating="1.5")
    either.add(2, ago="8 hours", trips="20", rating="NULL")
    either.add(1, ago="7 hours", trips="11", rating="2.5")
    return either


def rows(world):
    header, *rest = compare.read(world.repository.path("out.csv"))
    return [dict(zip(header, row)) for row in rest]


def test_a_query_asks_with_its_rows_in_their_order(world):
    assert "3 rows" in world.do(*REST, "--entities-query", ASK).err
    assert [(row["driver_id"], row["label"], row["driver_stats__trip_count"]) for row in rows(world)] == [
        ("1", "10", "10"), ("2", "20", "20"), ("1", "11", "11")]


def test_a_query_and_its_rows_in_a_file_give_the_same(world):
    world.do(*REST, "--entities-query", ASK)
    by_query = world.repository.path("out.csv").read_bytes()
    asks = "".join(",".join(line.split(",")[:3]) + "\n" for line in by_query.decode().splitlines())
    world.repository.write("ask.csv", asks)
    world.do(*REST, "--entities", "ask.csv")
    assert world.repository.path("out.csv").read_bytes() == by_query


def test_a_query_may_stand_in_a_file_and_end_in_a_semicolon(world):
    world.repository.write("ask.sql", f"-- who asks\n{ASK} -- in order\n;\n")
    assert "3 rows" in world.do(*REST, "--entities-query", "@ask.sql").err
    assert "3 rows" in world.do(*REST, "--entities-query", ASK + ";").err
    assert "other.sql" in world.refused(*REST, "--entities-query", "@other.sql").err
    world.repository.write("ask.sql", b"SELECT \xff")
    assert "ask.sql" in world.refused(*REST, "--entities-query", "@ask.sql").err


def test_the_manifest_holds_the_query_and_asks_it_again(world):
    world.do(*REST, "--entities-query", ASK, "--as-of", world.time("2 hours"))
    before = world.repository.path("out.csv").read_bytes()
    asks = json.loads(world.repository.path(MANIFEST).read_text())["asks"]
    assert asks["query"] == ASK and asks["path"] is None and asks["rows"] == 3
    world.do("training-set", "--from-manifest", MANIFEST)
    assert world.repository.path("out.csv").read_bytes() == before
    world.add(3, ago="6 hours", recorded_ago="1 s")
    outcome = world.refused("training-set", "--from-manifest", MANIFEST)
    assert "the query asks for other rows" in outcome.err and asks["sha256"] in outcome.err


@pytest.mark.parametrize("query, word", [
    ("DELETE FROM trips", "SELECT"),
    ("SELECT 1; DROP TABLE trips", "semicolon"),
    ("SELECT * FROM nowhere", "nowhere"),
    ("SELECT driver_id FROM trips", "event_timestamp"),
    ("SELECT driver_id, happened FROM trips", "event_timestamp"),
    ("SELECT driver_id, happened AS event_timestamp, 1 AS a, 2 AS a FROM trips", "a"),
    ("SELECT 'x' AS driver_id, happened AS event_timestamp FROM trips", "driver_id"),
    ("SELECT driver_id, 'noon' AS event_timestamp FROM trips", "event_timestamp"),
    ("SELECT driver_id, nullif(happened, happened) AS event_timestamp FROM trips", "event_timestamp is empty"),
    ("SELECT driver_id, happened AS event_timestamp, 1 AS driver_stats__rating FROM trips", "driver_stats__rating"),
])
def test_a_query_that_cannot_ask_is_refused(world, query, word):
    outcome = world.refused(*REST, "--entities-query", query, code=(1, 2))
    assert word in outcome.err and not world.repository.path("out.csv").exists()
    assert int(world.sql("SELECT count(*) FROM trips")) == 3


def test_rows_are_asked_for_in_one_way(world):
    world.repository.write("ask.csv", "driver_id,event_timestamp\n")
    assert "--entities-query" in world.refused(*REST, "--entities", "ask.csv", "--entities-query", ASK).err
    assert "--entities" in world.refused(*REST).err


def test_a_query_of_postgres_may_not_write_nor_pass_what_no_value_is(drivers):
    drivers.add(1)
    drivers.sql("CREATE FUNCTION hit() RETURNS bigint LANGUAGE sql AS 'DELETE FROM trips RETURNING driver_id'")
    outcome = drivers.refused(*REST, "--entities-query", "SELECT hit() AS driver_id, now() AS event_timestamp", code=1)
    assert "read-only transaction" in outcome.err and drivers.sql("SELECT count(*) FROM trips") == "1"
    outcome = drivers.refused(*REST, "--entities-query", "SELECT 1::bigint AS driver_id, t AS event_timestamp "
                              "FROM (VALUES (now()), ('infinity')) AS times (t)", code=2)
    assert "row 2" in outcome.err and "event_timestamp" in outcome.err and "infinite" in outcome.err


def test_columns_of_postgres_pass_through_as_text_has_them(drivers):
    drivers.do(*REST, "--entities-query", """SELECT 1::bigint AS driver_id, '2024-05-01 10:00'::timestamp AS event_timestamp,
        12.50 AS n, true AS b, '\\x01'::bytea AS y, ARRAY[1, 2] AS l, '1 day'::interval AS i, '' AS e, NULL AS z,
        '2024-05-01'::date AS d, 'a,"b"' AS q, 'NaN'::float8 AS f""")
    [row] = rows(drivers)
    assert row["event_timestamp"] == "2024-05-01T10:00:00.000000Z" and row["n"] == "12.50" and row["b"] == "true"
    assert row["y"] == "\\x01" and row["l"] == "[1,2]" and row["i"] == "P1D" and row["e"] == "" and row["z"] is None
    assert row["d"] == "2024-05-01T00:00:00.000000Z" and row["q"] == 'a,"b"' and row["f"] == "NaN"
