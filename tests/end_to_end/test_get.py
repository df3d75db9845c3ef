"""test_get.py - `larder get`: whom it asks about, and how it tells what comes back."""
import json
import subprocess

import pytest

from repository import program

DEFINITIONS = """\
entities:
  - name: route
    join_keys: {origin: string, flight: int64}
sources:
  - name: flights
    table: flights
    event_time: at
feature_views:
  - name: flown
    entities: [route]
    source: flights
    ttl: 1d
    features:
      - {name: on_time, type: bool}
      - {name: seats, type: int32}
      - {name: delay, type: float32}
      - {name: price, type: float64}
      - {name: plane, type: string}
      - {name: hash, type: bytes}
      - {name: landed, type: timestamp}
      - {name: stops, type: list<string>}
      - {name: weights, type: list<float64>}
feature_services:
  - name: all
    features: [flown]
"""
FLIGHTS = """
CREATE TABLE flights (origin text, flight bigint, at timestamptz, on_time bool, seats int, delay real,
                      price double precision, plane text, hash bytea, landed timestamptz, stops text[],
                      weights double precision[]);
INSERT INTO flights VALUES
  ('007', 12, now() - interval '90 minutes', true, -3, 0.1, 'NaN', E'say "hi"\\n', '\\x00ff', '2026-01-31 09:30:00Z',
   '{a,"b,c"}', '{0.1,Infinity}'),
  ('New York, NY', 1, now() - interval '5 minutes', false, 180, NULL, 99.5, '-', '', '1969-12-31 23:59:59.5Z', '{}', '{}'),
  ('JFK', 2, now() - interval '30 hours', true, 1, 1, 1, 'x', 'x', now(), '{}', '{}')
"""




@pytest.fixture
def routes(place):
    """A repository that is being served."""
    place.sql(*(statement for statement in FLIGHTS.split(";") if statement.strip()))
    repository = place.repository({"features.yaml": DEFINITIONS})
    repository.do("apply")
    repository.do("materialize")
    with repository.serving():
        yield repository


def test_json_tells_every_type_exactly(routes):
    answer = routes.do("get", "--service", "all", "--json", "--entity", "origin=007,flight=12",
                       "--entity", "flight=1,origin=New York, NY", "--entity", "origin=LAX,flight=3").json
    first, second, third = answer["entities"]
    assert answer["definitions_version"] == 1
    assert first["keys"] == {"origin": "007", "flight": 12}
    values = {name: feature["value"] for name, feature in first["features"].items()}
    assert values == {"on_time": True, "seats": -3, "delay": 0.1, "price": "NaN", "plane": 'say "hi"\n', "hash": "\\x00ff",
                      "landed": "2026-01-31T09:30:00.000000Z", "stops": ["a", "b,c"], "weights": [0.1, "Infinity"]}
    assert list(values) == ["on_time", "seats", "delay", "price", "plane", "hash", "landed", "stops", "weights"]
    assert second["keys"] == {"origin": "New York, NY", "flight": 1}
    assert second["features"]["delay"]["value"] is None and second["features"]["delay"]["status"] == "NULL_VALUE"
    assert second["features"]["landed"]["value"] == "1969-12-31T23:59:59.500000Z"
    assert second["features"]["stops"]["value"] == [] and second["features"]["hash"]["value"] == "\\x"
    assert third["features"]["price"] == {"value": None, "status": "NOT_FOUND", "event_time": None}
    assert all(feature["event_time"].endswith("Z") for feature in first["features"].values())
    text = routes.do("get", "--features", "flown:delay", "--json", "--entity", "origin=007,flight=12").out
    assert '"value": 0.1,' in text  # the shortest number that reads back the same


def test_a_key_may_be_null_or_empty(routes):
    answer = routes.do("get", "--features", "flown:seats", "--json", "--entity", "origin=,flight=12",
                       "--entity", "origin=007,flight=", "--entity", 'origin="",flight=12').json
    assert [entity["keys"] for entity in answer["entities"]] == [
        {"origin": None, "flight": 12}, {"origin": "007", "flight": None}, {"origin": "", "flight": 12}]
    assert {entity["features"]["seats"]["status"] for entity in answer["entities"]} == {"NOT_FOUND"}
    told = routes.do("get", "--features", "flown:seats", "--entity", "origin=,flight=12", "--entity", 'origin="",flight=12')
    assert "origin=, flight=12\n" in told.out and 'origin="", flight=12\n' in told.out
    assert "origin is null" in told.err and 'no row of flight=12, origin="" in flown:' in told.err


def test_what_get_prints_of_an_entity_can_be_given_to_it(routes):
    out = routes.do("get", "--features", "flown:seats", "--entity", "origin=New York, NY, flight=1").out
    assert out.startswith("origin=New York, NY, flight=1\n") and " 180 " in out


def test_people_see_values_statuses_and_ages(routes):
    out = routes.do("get", "--service", "all", "--entity", "origin=007,flight=12", "--entity", "origin=JFK,flight=2",
                    "--entity", "origin=New York, NY,flight=1").out
    fresh, old, other = (block.splitlines() for block in out.split("\n\n"))
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in fresh}
    assert fresh[0] == "origin=007, flight=12" and "AGE" in fresh[1]
    assert lines["delay"] == "0.1 PRESENT 1h ago" and lines["price"] == "NaN PRESENT 1h ago"
    assert lines["plane"] == '"say \\"hi\\"\\n" PRESENT 1h ago'  # nothing breaks the table
    assert lines["stops"] == '["a","b,c"] PRESENT 1h ago'
    assert old[2].split() == ["on_time", "-", "OUTSIDE_MAX_AGE", "30h", "ago"]
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in other}
    assert lines["delay"] == "- NULL_VALUE 5m ago"
    assert lines["plane"] == '"-" PRESENT 5m ago'  # not to be taken for a value that is not there


@pytest.mark.parametrize("kind", ["entities", "options"])
def test_a_call_that_is_wrong_is_refused_in_words(routes, kind):
    for arguments, words in WRONG[kind]:
        outcome = routes.refused("get", *arguments)
        assert words in outcome.err and not outcome.out, outcome


def asking(*entities):
    return ["--service", "all", *(word for each in entities for word in ("--entity", each))]


WRONG = {
    "entities": [
        (asking("origin=JFK,flight=x"), "flight"),
        (asking("origin=JFK,flight=99999999999999999999"), "flight"),
        (asking("origin=JFK"), "flight"),
        (asking("origin=JFK,flight=1,"), "flight"),  # a comma that ends nothing is part of the value
        (asking("origin=JFK,flight=1,gate=2"), "gate"),
        (asking("origin=JFK,flight=1,flight=2"), "twice"),
        (asking("origin=JFK,flight=1", "origin=JFK"), "flight is missing"),
        (asking("origin=JFK,flight=1", "origin=JFK,flight=1,gate=2"), "gate is no key of the first"),
        *((asking(text), "KEY=VALUE") for text in ("JFK", "", "=JFK", "Origin=JFK", ",")),
    ],
    "options": [
        ([*asking("origin=JFK,flight=1"), "--features", "flown:seats"], "--service"),
        (["--entity", "origin=JFK,flight=1"], "--features"),
        ([*asking("origin=JFK,flight=1"), "--timeout", "soon"], "soon"),
        ([*asking("origin=JFK,flight=1"), "--timeout", "0"], "--timeout"),
        ([*asking("origin=JFK,flight=1"), "--server", "localhost"], "host:port"),
        (["--service", "", "--entity", "origin=JFK,flight=1"], "service"),
        (["--service", "all"], "--entity"),
    ],
}


def test_without_a_repository_types_are_guessed(routes, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()

    def get(*entity):
        return subprocess.run([program(), "get", "--features", "flown:seats", "--json", "--server",
                               f"127.0.0.1:{routes.port}", "--entity", *entity],
                              cwd=empty, capture_output=True, text=True, timeout=60)
    found = get("origin=007,flight=12")
    assert json.loads(found.stdout)["entities"][0] == {
        "keys": {"origin": "007", "flight": 12},
        "features": {"seats": {"value": -3, "status": "PRESENT",
                               "event_time": json.loads(found.stdout)["entities"][0]["features"]["seats"]["event_time"]}}}
    wrong = get("origin=12,flight=12")
    assert wrong.returncode == 2 and "origin is string" in wrong.stderr


def test_definitions_with_mistakes_do_not_stop_a_look_at_the_server(routes):
    routes.write("features.yaml", "entities: 1\n")
    assert routes.do("get", "--features", "flown:seats", "--entity", "origin=007,flight=12", "--json").json
