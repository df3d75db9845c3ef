"""test_parity.py - what a model is trained on is what it is served, ttl on, with data around now."""
import random
import time

import grpc

import compare
from asking import STATUS_NAMES, ask_feast, ask_larder
from drivers import TRAINING_SET
from make_case import rfc3339

ASKED = 400
HOUR, MINUTE, SECOND = 3600, 60, 1_000_000
AGES = [5, HOUR, 20 * HOUR, 2000 * HOUR,  # and around the ttl, and a day after it
        6 * HOUR - 2 * MINUTE, 6 * HOUR + 2 * MINUTE, 30 * HOUR - 2 * MINUTE, 30 * HOUR + 2 * MINUTE]


def fill(drivers):
    """Up to four trips a driver; ages at the edges, but minutes from them; some values null; one row due in an hour."""
    rng = random.Random(12)
    now = time.time_ns() // 1000
    rows = {}
    for driver in range(ASKED):
        for _ in range(rng.randint(0, 4)):
            age = rng.choice(AGES) + rng.randint(0, MINUTE) if rng.random() < 0.9 else -HOUR
            created = rng.choice(["", *(rfc3339(now - max(age, 0) * SECOND - us) for us in (0, 1))])
            trips = rng.choice(["", "0", "-1", str(rng.randint(0, 10**15))])
            rating = rng.choice(["", "NaN", "-0", "Infinity", repr(rng.random())])
            # Full ties have no right answer: one of each.
            rows[driver, rfc3339(now - age * SECOND), created] = trips, rating
    lines = [",".join(map(str, key + values)) + "\n" for key, values in rows.items()]
    drivers.repository.write("rows.csv", "driver_id,happened,recorded,trip_count,rating\n" + "".join(lines))
    drivers.do("load", "--source", "trips", "rows.csv")


def test_asking_now_and_serving_agree_in_every_value_and_status(either, stubs):
    drivers = either
    fill(drivers)
    drivers.materialize()
    keys = [(driver,) for driver in range(ASKED + 5)]
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        larder = ask_larder(stubs, channel, {"driver_id": "int64"}, keys, feature_service="dispatch")
        feast = ask_feast(stubs, channel, {"driver_id": "int64"}, keys, feature_service="dispatch")
    now = drivers.time()
    asks = [f"{driver},{now}\n" for driver, in keys]
    drivers.repository.write("ask.csv", "driver_id,event_timestamp\n" + "".join(asks))
    drivers.do(*TRAINING_SET, "--with-status")
    header, *rows = compare.read(drivers.repository.path("out.csv"))
    trained = [dict(zip(header, row)) for row in rows]

    statuses = set()
    for name, suffix in (("trip_count", "int64"), ("rating", "float64")):
        for row, served, feasts in zip(trained, larder[name], feast[name], strict=True):
            status, event_time, value = served
            text = None if value is None else str(value)
            assert STATUS_NAMES[status] == row[f"{name}__status"], (row, served)
            assert compare.same(suffix, row[name], text), (row, served)
            if event_time:
                assert compare.instant(row[f"{name}__event_time"]) == event_time, (row, served)
            assert STATUS_NAMES[feasts[0]] == row[f"{name}__status"], (row, feasts)
            assert compare.same(suffix, row[name], None if feasts[2] is None else str(feasts[2])), (row, feasts)
            statuses.add(status)
    assert statuses == set(STATUS_NAMES), "the data does not reach every status"


def test_keys_that_are_too_long_are_found_by_neither(place, stubs):
    """A whole key holds 480 bytes; what is left of them for a view's key values depends on its ids."""
    places = [("x" * n, 1) for n in range(440, 490)] + [("{" * n, 1) for n in range(220, 245)] + [("short", 2**62)]
    rows = ", ".join(f"('{name}', {lane}, '2024-01-01Z', 1)" for name, lane in places)
    place.sql("CREATE TABLE visits (place text, lane bigint, at timestamptz, x bigint)",
              f"INSERT INTO visits VALUES {rows}, ('{'x' * 478}', 1, NULL, 1)")
    repository = place.repository({"features.yaml": """\
entities: [{name: place, join_keys: {place: string}}, {name: lane, join_keys: {place: string, lane: int64}}]
sources: [{name: visits, table: visits, event_time: at}]
feature_views:
  - {name: by_place, entities: [place], source: visits, features: [{name: x, type: int64}]}
  - {name: by_lane, entities: [lane], source: visits, features: [{name: y, type: int64}]}
feature_services: [{name: s, features: [by_place, by_lane]}]
""".replace("event_time: at}", "event_time: at, fields: {y: x}}")})
    repository.do("apply")
    runs = {run["view"]: run for run in repository.do("materialize", "--json").json["views"]}
    with repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        served = ask_larder(stubs, channel, {"place": "string", "lane": "int64"}, places, feature_service="s")
    asks = "".join(f'"{name}",{lane},2024-02-01\n' for name, lane in places)
    repository.write("ask.csv", "place,lane,event_timestamp\n" + asks)
    call = ["training-set", "--service", "s", "--entities", "ask.csv", "--out", "out.csv"]
    report = repository.do(*call, "--with-status", "--json").json
    header, *answers = compare.read(repository.path("out.csv"))
    trained = [dict(zip(header, row)) for row in answers]
    for name in ("x", "y"):
        statuses = [row[f"{name}__status"] for row in trained]
        assert statuses == [STATUS_NAMES[status] for status, _, _ in served[name]], name
        assert {"PRESENT", "NOT_FOUND"} == set(statuses)
        assert [row[name] for row in trained] == ["1" if each == "PRESENT" else None for each in statuses]
    assert report["long_keys"] == runs["by_place"]["long_keys"] + runs["by_lane"]["long_keys"] > 2
    assert report["left_out"] == 2
    assert "longer than 480 bytes" in repository.do(*call).err
