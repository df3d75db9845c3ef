"""test_full_disk.py - embedded stores on a disk without room: what is told, what stays, what works once there is room.

A limit of file sizes stands for the disk: it needs no rights, and every write beyond it fails. Each command is given
more and more room, so that it fails wherever it can; a server of ours answers all the time.
"""
import resource

import grpc
import pytest

from drivers import SECOND
from file_drivers import LMDB, FileDrivers

KIB = 1024
ROOM = [0, 8 * KIB, 20 * KIB, 36 * KIB, 64 * KIB, 100 * KIB, 140 * KIB, 200 * KIB, 400 * KIB, 800 * KIB, 1600 * KIB,
        4096 * KIB, 16384 * KIB]
MANY = 20000
HEADER = "driver_id,happened,recorded,trip_count,rating\n"


@pytest.fixture
def drivers(place, stubs):
    drivers = FileDrivers(place, stubs, online=LMDB)
    drivers.do("apply")
    drivers.add(1, trips=7)
    drivers.materialize()
    return drivers


def fails_without_room(drivers, *command):
    """The command with ever more room, until it succeeds; how often it failed."""
    for failures, room in enumerate(ROOM):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        outcome = drivers.run(*command, preexec_fn=limit)
        if outcome.code == 0:
            return failures
        assert outcome.code == 1 and "run this again" in outcome.err, outcome
        yield outcome
    raise AssertionError(f"{command} did not come to its end")


def test_a_load_without_room_leaves_nothing_and_then_loads_all(drivers):
    rows = "".join(f"{n},2024-01-01T10:00:00Z,2024-01-01T10:00:01Z,{n},1.5\n" for n in range(MANY))
    drivers.repository.write("rows.csv", HEADER + rows)
    failures = 0
    for failures, _ in enumerate(fails_without_room(drivers, "load", "--source", "trips", "rows.csv"), 1):
        assert drivers.sql("SELECT count(*) FROM trips") == 1
    assert failures >= 5
    assert drivers.sql("SELECT count(*) FROM trips") == 1 + MANY


def test_an_apply_without_room_changes_nothing_and_then_all(drivers):
    drivers.define(SECOND)
    failures = 0
    for failures, _ in enumerate(fails_without_room(drivers, "apply"), 1):
        assert "second" not in drivers.do("list").out
        assert drivers.online(1) == ("PRESENT", 7)
    assert failures >= 3
    assert "second" in drivers.do("list").out and drivers.do("apply", "--json").json["version"] == 2


def test_a_run_without_room_loses_nothing_and_then_writes_all(drivers):
    drivers.sql("WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < "
                f"{MANY}) INSERT INTO trips SELECT i, {drivers.ago('1 minute')}, {drivers.ago('1 minute')}, i, 1 FROM n")
    failures = 0
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        for failures, _ in enumerate(fails_without_room(drivers, "materialize"), 1):
            assert drivers.trips(channel, 1) == ("PRESENT", 7)
        assert failures >= 5
        assert drivers.trips(channel, 1, 2, MANY) == [("PRESENT", 7), ("PRESENT", 2), ("PRESENT", MANY)]
    assert "current to" in drivers.do("status").out


def test_stores_that_find_no_room_at_first_are_made_when_there_is_some(place, stubs):
    drivers = FileDrivers(place, stubs, online=LMDB)
    failures = sum(1 for _ in fails_without_room(drivers, "apply"))
    assert failures >= 3
    drivers.add(1, trips=7)
    drivers.materialize()
    assert drivers.online(1) == ("PRESENT", 7)
