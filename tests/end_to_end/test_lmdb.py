"""test_lmdb.py - the online store in a folder: no Redis, one process that serves while others write."""
import os
import shutil
import threading
import time

import grpc
import pytest

from blocking import blocked_run
from drivers import DEFINITIONS, TABLE, Drivers
from repository import Repository
from sql import psql

SECOND_VIEW = """\
  - name: tip_stats
    entities: [driver]
    source: trips
    features: [{name: tip_count, type: int64}]
"""
MANY = 200000


@pytest.fixture
def folder_drivers(place, stubs):
    """Drivers whose online store is the folder "online" in their repository."""
    drivers = Drivers(place, stubs, online="{type: lmdb, path: online/}")
    drivers.folder = drivers.repository.path("online")
    drivers.do("apply")
    return drivers


def settle_on(drivers, online):
    text = drivers.repository.settings_text()
    drivers.repository.write("larder.yaml", text.replace(drivers.repository.online, online))


def add_many(drivers, trips):
    drivers.sql(f"INSERT INTO trips SELECT i, now(), now(), {trips}, 1 FROM generate_series(1, {MANY}) i")


def eventually(check, seconds=10):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def test_the_whole_way_from_apply_to_teardown(folder_drivers):
    drivers = folder_drivers
    drivers.add(1, trips="7")
    drivers.add(2, trips="NULL")
    run = drivers.materialize()
    assert (run["read"], run["written"]) == (2, 2)
    with drivers.repository.serving():
        out = drivers.do("get", "--service", "dispatch", "--entity", "driver_id=1", "--entity", "driver_id=3").out
        assert "7" in out and "NOT_FOUND" in out
        assert "NULL_VALUE" in drivers.do("get", "--service", "dispatch", "--entity", "driver_id=2", "--json").out
        assert "lmdb 0.9" in drivers.do("status").out
        online = drivers.do("status", "--json").json["online_store"]
        assert online["reachable"] and online["ours"] and not online["may_evict"] and "eviction_policy" not in online
        assert online["version"].startswith("lmdb ") and 0 < online["used_bytes"] < 1 << 20
    assert drivers.materialize()["written"] == 0
    assert drivers.do("teardown", "--yes", "--json").json == {"project": "demo", "was_applied": True, "rows_removed": 2}
    drivers.do("apply")  # by a registry that is another one: the folder is nobody's again
    assert drivers.online(1) == ("NOT_FOUND", None)


def test_a_server_sees_what_is_materialized_while_it_runs(folder_drivers):
    drivers = folder_drivers
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert drivers.trips(channel, 1) == ("NOT_FOUND", None)
        for trips in range(5):
            drivers.add(1, ago=f"{50 - trips} minutes", trips=trips)
            drivers.materialize()
            assert drivers.trips(channel, 1) == ("PRESENT", trips)


def test_requests_are_answered_while_a_run_writes(folder_drivers):
    """Each with rows that are whole: the old ones or the new ones."""
    drivers = folder_drivers
    add_many(drivers, 1)
    drivers.materialize()
    add_many(drivers, 2)
    answers, stop = set(), threading.Event()
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        def ask():
            while not stop.is_set():
                answers.update(drivers.trips(channel, *range(1, MANY, MANY // 100)))
        asking = threading.Thread(target=ask)
        asking.start()
        try:
            assert drivers.materialize()["written"] == MANY
        finally:
            stop.set()
            asking.join()
        assert set(drivers.trips(channel, *range(1, MANY, 997))) == {("PRESENT", 2)}
    assert answers <= {("PRESENT", 1), ("PRESENT", 2)} and ("PRESENT", 1) in answers


def test_the_path_is_seen_from_the_repository(folder_drivers, tmp_path):
    drivers = folder_drivers
    drivers.add(1)
    elsewhere = Repository(tmp_path / "elsewhere", drivers.place.postgres_url, drivers.place.redis_url)
    elsewhere.do("materialize", "-C", drivers.repository.folder)
    assert not os.path.exists(elsewhere.path("online"))
    assert drivers.online(1) == ("PRESENT", 1)
    settle_on(drivers, f"{{type: lmdb, path: {tmp_path}/absolute, max_size: 64MiB}}")
    assert drivers.materialize()["kind"] == "restored"
    assert drivers.online(1) == ("PRESENT", 1)
    assert sorted(os.listdir(tmp_path / "absolute")) == ["data.mdb", "lock.mdb", "turn.lock"]


def test_a_folder_that_was_removed_is_filled_again_and_served(folder_drivers):
    drivers = folder_drivers
    drivers.add(1, trips="1")
    drivers.materialize()
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert drivers.trips(channel, 1) == ("PRESENT", 1)
        shutil.rmtree(drivers.folder)
        drivers.add(2, trips="2")
        assert drivers.materialize()["kind"] == "restored"
        eventually(lambda: drivers.trips(channel, 1, 2) == [("PRESENT", 1), ("PRESENT", 2)])


def test_a_folder_that_is_moved_away_is_a_store_that_is_away(folder_drivers, tmp_path):
    """It was moved with the folder that it stands in, which is not made anew."""
    drivers = folder_drivers
    (tmp_path / "there").mkdir()
    settle_on(drivers, f"{{type: lmdb, path: {tmp_path}/there/online}}")
    drivers.add(1, trips="1")
    drivers.materialize()
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert drivers.trips(channel, 1) == ("PRESENT", 1)
        os.rename(tmp_path / "there", tmp_path / "elsewhere")
        eventually(lambda: code_of(drivers, channel) == grpc.StatusCode.UNAVAILABLE)
        os.rename(tmp_path / "elsewhere", tmp_path / "there")
        eventually(lambda: code_of(drivers, channel) is None)


def code_of(drivers, channel):
    try:
        drivers.trips(channel, 1)
    except grpc.RpcError as error:
        return error.code()
    return None


def test_a_folder_that_is_removed_during_a_run_is_noticed(folder_drivers):
    drivers = folder_drivers
    drivers.add(1)
    drivers.materialize()
    drivers.add(2)
    with blocked_run(drivers, "trips") as run:
        shutil.rmtree(drivers.folder)
        time.sleep(0.2)  # a handle looks ten times a second whether its folder is still there
    said = run.communicate(timeout=30)
    assert run.returncode == 1 and "lost" in said[1] and "run it again" in said[1], said
    drivers.materialize()
    assert drivers.online(1, 2) == [("PRESENT", 1), ("PRESENT", 1)]


def test_a_run_that_is_killed_is_simply_run_again(folder_drivers):
    drivers = folder_drivers
    add_many(drivers, 1)
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        for moment in range(5):
            run = drivers.repository.start("materialize")
            eventually(lambda: drivers.trips(channel, 1)[0] == "PRESENT", 30)  # it is at work, the first time
            time.sleep(moment * 0.1)
            run.kill()
            run.communicate()
        drivers.materialize()
        assert set(drivers.trips(channel, *range(1, MANY, 997))) == {("PRESENT", 1)}


def test_a_pruned_view_is_gone_from_the_folder(folder_drivers):
    drivers = folder_drivers
    drivers.sql("ALTER TABLE trips ADD tip_count bigint DEFAULT 3")
    drivers.define(("feature_services:", SECOND_VIEW + "feature_services:"))
    drivers.do("apply")
    add_many(drivers, 1)
    drivers.materialize()
    drivers.define()
    drivers.do("apply", "--prune")
    assert drivers.online(1) == ("PRESENT", 1)
    assert drivers.do("teardown", "--yes", "--json").json["rows_removed"] == MANY  # not twice as many


def test_another_registrys_folder_is_refused_until_it_is_taken_over(folder_drivers, postgres):
    drivers = folder_drivers
    drivers.add(1)
    drivers.materialize()
    database = postgres.create_database()
    try:
        url = postgres.url_of(database)
        stranger = drivers.place.repository({"features.yaml": DEFINITIONS}, postgres_url=url,
                                            online=f"{{type: lmdb, path: {drivers.folder}}}")
        psql(url, TABLE)
        assert "--take-over" in stranger.refused("apply", code=1).err
        stranger.do("apply", "--take-over")
        assert drivers.online_of(stranger, 1) == ("NOT_FOUND", None)
        assert "another registry" in drivers.refused("materialize", code=1).err
    finally:
        postgres.drop_database(database)


def test_a_full_folder_loses_nothing_and_goes_on_with_more_room(folder_drivers):
    drivers = folder_drivers
    settle_on(drivers, "{type: lmdb, path: online/, max_size: 8MiB}")
    drivers.add(MANY + 1, trips="5")
    drivers.materialize()
    add_many(drivers, 1)
    failed = drivers.refused("materialize", "--json", code=1)
    assert "raise online_store.max_size, which is 8MiB" in failed.err
    written = failed.json["views"][0]["written"]
    assert 0 < written < MANY  # what a failed run has written is told
    assert drivers.online(MANY + 1) == ("PRESENT", 5)
    settle_on(drivers, "{type: lmdb, path: online/, max_size: 1GiB}")
    assert drivers.materialize()["written"] == MANY
    assert drivers.online(1, MANY, MANY + 1) == [("PRESENT", 1), ("PRESENT", 1), ("PRESENT", 5)]


@pytest.mark.parametrize("path, words", [("features.yaml", "is a file"), ("no/such/online", "does not exist"),
                                         ("features.yaml/online", "leads through a file")])
def test_a_path_that_can_be_no_store_is_told(folder_drivers, path, words):
    drivers = folder_drivers
    settle_on(drivers, f"{{type: lmdb, path: {path}}}")
    for command in ("apply", "materialize"):
        assert words in drivers.refused(command, code=(1, 2)).err
    assert words in drivers.refused("status", code=1).err


def test_a_file_that_is_no_store_is_told(folder_drivers):
    drivers = folder_drivers
    with open(drivers.folder / "data.mdb", "r+b") as data:
        data.write(b"garbage" * 2000)
    assert "remove the folder" in drivers.refused("materialize", code=1).err
    shutil.rmtree(drivers.folder)
    drivers.add(1)
    drivers.materialize()
    assert drivers.online(1) == ("PRESENT", 1)


def test_a_view_whose_source_changes_is_rebuilt_while_it_is_served(folder_drivers):
    drivers = folder_drivers
    drivers.sql(TABLE.replace("trips", "journeys"),
                "INSERT INTO journeys VALUES (1, now() - interval '5 hours', now(), 100, 1)")
    add_many(drivers, trips="1")
    drivers.materialize()
    drivers.define(("table: trips", "table: journeys"))
    drivers.do("apply")
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert drivers.trips(channel, 1, 2) == [("PRESENT", 1), ("PRESENT", 1)]
        assert drivers.materialize()["kind"] == "rebuilt"
        assert drivers.trips(channel, 1, 2) == [("PRESENT", 100), ("NOT_FOUND", None)]
    assert drivers.sql("SELECT count(*) FROM larder.removed_rows") == "0"
