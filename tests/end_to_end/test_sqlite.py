"""test_sqlite.py - history and registry in a file: no PostgreSQL, whatever the online store is."""
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import grpc
import pytest

import compare
from drivers import DEFINITIONS, SECOND, TIPS, TRAINING_SET
from file_drivers import FILE_TABLE, LMDB, SQLITE, FileDrivers
from repository import program

ROWS = """driver_id,happened,recorded,trip_count,rating
1,2024-01-01T10:00:00Z,2024-01-01T10:00:01Z,7,4.5
1,2024-01-01T12:00:00Z,2024-01-01T12:00:01Z,8,NaN
2,2024-01-01T10:00:00Z,,,-0.0
"""
ASKS = "driver_id,event_timestamp\n1,2024-01-01T11:00:00Z\n1,2024-01-01T13:00:00Z\n2,2024-01-01T11:00:00Z\n3,2024-01-01T11:00:00Z\n"
FOREVER = ("    ttl: 6h\n", "")
RATINGS = [("    created_time: recorded\n", "    created_time: recorded\n    fields: {average: rating}\n"),
           ("feature_services:\n  - name: dispatch\n    features: [driver_stats]\n", """\
  - {name: driver_ratings, entities: [driver], source: trips, features: [{name: average, type: float64}]}
feature_services:
  - {name: dispatch, features: [driver_stats, driver_ratings]}
""")]


def present(value):
    return "PRESENT", value


def eventually(check, seconds=10):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


@pytest.fixture(params=[LMDB, None], ids=["lmdb", "redis"])
def both(request, place, stubs):
    """Drivers of a file over each online store, applied."""
    drivers = FileDrivers(place, stubs, online=request.param)
    drivers.do("apply")
    return drivers


@pytest.fixture
def file_drivers(place, stubs):
    drivers = FileDrivers(place, stubs, online=LMDB)
    drivers.do("apply")
    return drivers


@pytest.fixture
def empty(place):
    """A repository without a file."""
    return place.repository({"features.yaml": DEFINITIONS}, offline=SQLITE, online=LMDB)


# The whole way -------------------------------------------------------------------------------------

@pytest.mark.parametrize("online", [LMDB, None], ids=["lmdb", "redis"])
def test_the_whole_way_from_load_to_teardown(place, online):
    repository = place.repository({"features.yaml": DEFINITIONS.replace(*FOREVER), "rows.csv": ROWS, "ask.csv": ASKS},
                                  offline=SQLITE, online=online)
    assert "the table was made" in repository.do("load", "--source", "trips", "rows.csv").said
    assert "to add" in repository.do("plan").out
    assert "at version 1" in repository.do("apply").out
    run, = repository.do("materialize", "--json").json["views"]
    assert (run["read"], run["written"], run["superseded"]) == (3, 2, 1)
    with repository.serving():
        answer = repository.do("get", "--service", "dispatch", "--entity", "driver_id=1", "--entity", "driver_id=3").out
        assert "8" in answer and "NaN" in answer and "NOT_FOUND" in answer
    repository.do(*TRAINING_SET)
    header, *rows = compare.read(repository.path("out.csv"))
    assert header == ["driver_id", "event_timestamp", "trip_count", "rating"]
    assert [row[2:] for row in rows] == [["7", "4.5"], ["8", "NaN"], [None, "-0"], [None, None]]
    assert "driver_stats" in repository.do("list").out
    assert "current to" in repository.do("status").out
    assert repository.do("teardown", "--yes", "--json").json["rows_removed"] == 2
    with sqlite3.connect(repository.path("history.db")) as connection:
        tables = {name for name, in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert connection.execute("SELECT count(*) FROM trips").fetchone() == (3,)
    assert tables == {"trips", "larder_position"}
    assert "run larder apply" in repository.refused("status", code=1).err


def test_what_only_reads_makes_no_file(empty):
    for command in (["list"], ["status"], ["plan"], ["apply"], ["materialize"], ["describe", "dispatch"],
                    ["teardown", "--yes"]):
        empty.run(*command)
        assert not empty.path("history.db").exists(), command
    assert "there is no table trips" in empty.refused("plan").err
    assert "nothing is applied" in empty.refused("materialize", code=1).err


def test_the_path_is_seen_from_the_repository(file_drivers, place):
    elsewhere = place.repository({"rows.csv": ROWS})
    elsewhere.do("load", "-C", file_drivers.repository.folder, "--source", "trips", "rows.csv")
    assert not elsewhere.path("history.db").exists()
    assert file_drivers.sql("SELECT count(*) FROM trips") == 3


# Changes -------------------------------------------------------------------------------------------

def test_a_running_server_follows_what_is_applied_and_materialized(both):
    both.add(1, trips=1)
    both.materialize()
    with both.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert both.trips(channel, 1) == present(1)
        both.define(SECOND)
        both.do("apply")
        eventually(lambda: ask_second(both, channel) == present(1.5))
        both.add(1, "30 minutes", trips=2)
        both.materialize()
        assert both.trips(channel, 1) == present(2)
        assert ask_second(both, channel) == present(1.5)


def ask_second(drivers, channel):
    try:
        return drivers.ask(channel, [1], feature_service="second")["rating"][0]
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND
        return None


def test_a_changed_source_is_rebuilt_by_the_next_run(both):
    both.add(1, trips=1)
    both.materialize()
    both.sql(FILE_TABLE.replace("trips", "journeys"))
    both.sql("INSERT INTO journeys SELECT driver_id, happened - 3600000000, recorded, 100, 1 FROM trips")
    both.define(("table: trips", "table: journeys"))
    both.do("apply")
    assert both.online(1) == present(1)
    assert both.materialize()["kind"] == "rebuilt"
    assert both.online(1) == present(100)
    assert both.materialize()["kind"] == "incremental"
    assert both.sql("SELECT count(*) FROM larder_removed_rows") == 0


def test_a_gained_feature_is_written_anew(both):
    both.sql("ALTER TABLE trips ADD tips INTEGER")
    both.sql("INSERT INTO trips SELECT 1, unixepoch() * 1000000 - 3600000000, NULL, 1, 1.5, 9")
    both.materialize()
    both.define(TIPS)
    both.do("apply")
    assert both.materialize()["kind"] == "rewritten"
    assert both.online(1, feature="tips") == present(9)


def copy_of(file):
    """A copy that SQLite makes, whatever others do."""
    copy = file.with_suffix(".copy")
    with contextlib.closing(sqlite3.connect(file)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def put_back(drivers, copy):
    for end in ("-wal", "-shm"):
        drivers.file.with_name(drivers.file.name + end).unlink(missing_ok=True)
    shutil.copy(copy, drivers.file)


@pytest.mark.parametrize("runs", [1, 3])
def test_a_file_put_back_from_a_copy_is_served_as_it_is_then(both, runs):
    both.add(1, trips=1)
    both.materialize()
    copy = copy_of(both.file)
    both.add(1, "50 minutes", trips=11)
    both.add(2, trips=2)
    for _ in range(runs):
        both.materialize()
    assert both.online(1, 2) == [present(11), present(2)]
    put_back(both, copy)
    assert both.materialize()["kind"] == "rebuilt"
    assert both.online(1, 2) == [present(1), ("NOT_FOUND", None)]
    assert both.materialize()["kind"] == "incremental"


def test_a_copy_of_before_the_first_run_is_served_as_it_is_then(both):
    copy = copy_of(both.file)
    both.add(1, trips=1)
    both.materialize()
    assert both.online(1) == present(1)
    put_back(both, copy)
    both.add(2, trips=2)
    both.materialize()
    assert both.online(1, 2) == [("NOT_FOUND", None), present(2)]


@pytest.mark.parametrize("before, after", [([], []), (["--view", "driver_ratings"], []), (["--view", "driver_stats"], []),
                                           ([], ["--view", "driver_ratings"])])
def test_every_view_of_a_file_put_back_is_served_as_it_is_then(both, before, after):
    both.define(*RATINGS)
    both.do("apply")
    both.add(1)
    both.do("materialize")
    copy = copy_of(both.file)
    both.add(2)
    both.do("materialize", *before)
    put_back(both, copy)
    both.do("materialize", *after)
    both.do("materialize")
    assert both.online(1, 2) == [present(1), ("NOT_FOUND", None)]
    assert both.online(1, 2, feature="average") == [present(1.5), ("NOT_FOUND", None)]


def test_another_file_is_another_registry(file_drivers):
    file_drivers.add(1)
    file_drivers.materialize()
    put_back(file_drivers, os.devnull)
    file_drivers.sql(FILE_TABLE)
    assert "--take-over" in file_drivers.refused("apply", code=1).err
    file_drivers.do("apply", "--take-over")
    assert file_drivers.online(1) == ("NOT_FOUND", None)


# Several at once -----------------------------------------------------------------------------------

def test_a_server_goes_on_while_the_file_is_away(file_drivers):
    drivers = file_drivers
    drivers.add(1, trips=1)
    drivers.materialize()
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        copy = copy_of(drivers.file)
        for each in drivers.repository.folder.glob("history.db*"):
            if each != copy:
                each.unlink()
        server.wait_said("the registry cannot be read")
        assert drivers.trips(channel, 1) == present(1)
        put_back(drivers, copy)
        server.wait_said("the registry is back")
        assert drivers.trips(channel, 1) == present(1)


def test_a_server_starts_from_the_online_store_without_the_file(file_drivers):
    file_drivers.add(1, trips=1)
    file_drivers.materialize()
    for each in file_drivers.repository.folder.glob("history.db*"):
        each.unlink()
    assert file_drivers.online(1) == present(1)
    assert not file_drivers.file.exists()


def test_a_writer_that_does_not_end_is_named_and_nobody_waits_to_read(file_drivers):
    drivers = file_drivers
    drivers.add(1, trips=1)
    drivers.materialize()
    text = drivers.repository.settings_text()
    drivers.repository.write("larder.yaml", text.replace("path: history.db", "path: history.db, timeout: 100ms"))
    drivers.repository.write("rows.csv", ROWS)
    drivers.define(SECOND)
    with drivers.session() as owner:
        owner.execute("BEGIN IMMEDIATE")
        for command in (["apply"], ["materialize"], ["load", "--source", "trips", "rows.csv"]):
            assert "another process writes to it" in drivers.refused(*command, code=1).err
        assert drivers.online(1) == present(1)
        for command in (["plan"], ["list"], ["status"]):
            drivers.do(*command)
    assert drivers.do("apply", "--json").json["version"] == 2


def test_commands_at_once_all_come_to_their_end(both):
    """Loads, applies and runs wait for each other, and a server answers meanwhile."""
    drivers = both
    drivers.add(1, trips=1)
    drivers.materialize()
    now = drivers.time()  # what incremental runs see was recorded lately
    rows = "".join(f"{driver},2024-01-01T10:00:00Z,{now},{driver},1.5\n" for driver in range(10, 3000))
    drivers.repository.write("rows.csv", ROWS.split("\n")[0] + "\n" + rows)
    drivers.define(FOREVER)
    drivers.do("apply")
    answers, stop = set(), threading.Event()

    def ask(channel):
        while not stop.is_set():
            answers.add(drivers.trips(channel, 1))

    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        asking = threading.Thread(target=ask, args=[channel])
        asking.start()
        try:
            for round in range(3):
                drivers.define(*([FOREVER, SECOND] if round % 2 else [FOREVER]))
                running = [drivers.repository.start(*command) for command in (
                    ["load", "--source", "trips", "rows.csv"], ["apply", "--prune"], ["materialize"], ["materialize"])]
                for process in running:
                    said = process.communicate(timeout=60)
                    assert process.returncode == 0, said
        finally:
            stop.set()
            asking.join()
    assert answers == {present(1)}
    drivers.materialize()
    assert drivers.sql("SELECT count(*) FROM trips") == 3 * 2990 + 1
    assert drivers.online(10, 2999) == [present(10), present(2999)]


def test_a_run_that_is_killed_can_simply_be_run_again(file_drivers):
    drivers = file_drivers
    drivers.define(FOREVER)
    drivers.do("apply")
    drivers.sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)"
                " INSERT INTO trips SELECT i, 1700000000000000, NULL, i, 1 FROM n")
    for seconds in (0.02, 0.1, 0.2):
        run = drivers.repository.start("materialize")
        time.sleep(seconds)
        run.send_signal(signal.SIGKILL)
        run.communicate()
    drivers.materialize()
    assert drivers.online(1, 200000) == [present(1), present(200000)]


def test_a_load_that_is_killed_leaves_nothing(file_drivers):
    drivers = file_drivers
    with subprocess.Popen([program(), "load", "--source", "trips", "-"], cwd=drivers.repository.folder,
                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as load:
        load.stdin.write(ROWS)
        load.stdin.flush()
        time.sleep(0.2)
        load.kill()
    assert drivers.sql("SELECT count(*) FROM trips") == 0
    drivers.add(1)
    assert drivers.materialize()["written"] == 1


# Files that will not do ----------------------------------------------------------------------------

@pytest.mark.parametrize("path, words", [("no/such/history.db", "the folder that is to hold it does not exist"),
                                         ("features.yaml", "is no SQLite database"), ("no", "is a folder")])
def test_a_path_that_can_be_no_file_is_told(empty, path, words):
    empty.write("rows.csv", ROWS)
    if path == "no":
        empty.path(path).mkdir()
    empty.write("larder.yaml", empty.settings_text().replace("history.db", path))
    assert words in empty.refused("load", "--source", "trips", "rows.csv", code=1).err


def test_a_file_that_was_cut_off_is_told(file_drivers):
    file_drivers.add(1)
    os.truncate(file_drivers.file, 20000)
    for command in ("status", "materialize", "plan"):
        assert "it is damaged: put it back from a copy" in file_drivers.refused(command, code=1).err


def test_a_file_that_was_removed_is_a_registry_that_was_lost(file_drivers):
    """As somebody does who wants to begin anew, and forgets the folder beside it."""
    drivers = file_drivers
    drivers.add(1, trips=1)
    drivers.materialize()
    drivers.file.unlink()
    drivers.sql(FILE_TABLE)
    drivers.add(2, trips=2)
    assert "or to one that was lost; with --take-over" in drivers.refused("apply", code=1).err
    drivers.do("apply", "--take-over")
    drivers.materialize()
    assert drivers.online(1, 2) == [("NOT_FOUND", None), present(2)]


def test_the_doctor_tells_once_what_a_user_without_rights_may_not_do(file_drivers, server_folder):
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    folder = os.path.join(server_folder, "repository")
    shutil.copytree(file_drivers.repository.folder, folder)
    said = subprocess.run([program(), "doctor", "--json"], cwd=folder, user=65534, group=65534, text=True,
                          capture_output=True)
    assert said.returncode == 1, said
    for check in json.loads(said.stdout)["checks"]:
        texts = [finding["text"] for finding in check["findings"]]
        assert len(texts) == len(set(texts)), texts
        if check["check"] in ("registry", "online_store"):
            assert "give it the right, or run as another user" in texts[0]
