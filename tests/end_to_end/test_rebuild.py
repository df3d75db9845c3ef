"""test_rebuild.py - a view whose source changes, or whose database moves, is filled anew beside what is served."""
import json
import subprocess

import pytest

from drivers import DEFINITIONS, Drivers, TABLE
from sql import psql

SECOND_VIEW = """  - name: driver_ratings
    entities: [driver]
    source: trips
    features: [{name: rating, type: float64}]
"""
TIPS = ("{name: rating, type: float64}", "{name: rating, type: float64}\n      - {name: tips, type: int64}")
NOT_FOUND = ("NOT_FOUND", None)


def present(value):
    return "PRESENT", value


@pytest.fixture
def served(drivers):
    """Drivers 1 and 2 are served, by rows that are newer than all that a changed source would give."""
    drivers.sql("ALTER TABLE trips ADD tips bigint, ADD ended timestamptz, ADD vehicle bigint",
                TABLE.replace("trips", "journeys"),
                "INSERT INTO journeys VALUES (1, now() - interval '3 hours', now() - interval '3 hours', 100, 1)")
    drivers.add(1, "2 hours", trips=1)
    drivers.add(2, "1 hour", trips=2)
    drivers.sql("UPDATE trips SET tips = 70 + driver_id, ended = happened - interval '1 hour', vehicle = driver_id + 1")
    drivers.materialize()
    # A batch run does not see an update in place: so whatever has it has been written anew.
    drivers.sql("UPDATE trips SET trip_count = trip_count + 10, recorded = recorded - interval '30 minutes'")
    return drivers


SOURCES = {
    "no created time, and a feature more":
        ([("    created_time: recorded\n", ""), TIPS], [present(11), present(12), NOT_FOUND]),
    "a created time": ([("created_time: recorded", "created_time: ended")], [present(11), present(12), NOT_FOUND]),
    "an event time": ([("event_time: happened", "event_time: ended")], [present(11), present(12), NOT_FOUND]),
    "a table": ([("table: trips", "table: journeys")], [present(100), NOT_FOUND, NOT_FOUND]),
    "a query": ([("table: trips", "query: SELECT driver_id, ended AS happened, recorded, trip_count * 2 AS trip_count,"
                  " rating FROM trips")], [present(22), present(24), NOT_FOUND]),
    "a key's column": ([("    event_time:", "    fields: {driver_id: vehicle}\n    event_time:")],
                       [NOT_FOUND, present(11), present(12)]),
    "a feature's column": ([("    event_time:", "    fields: {trip_count: tips}\n    event_time:")],
                           [present(71), present(72), NOT_FOUND]),
    "a source of another name": ([("  - name: trips\n", "  - {name: others, table: journeys, event_time: happened}\n"
                                   "  - name: trips\n"), ("source: trips", "source: others")],
                                 [present(100), NOT_FOUND, NOT_FOUND]),
}


@pytest.mark.parametrize("change, expected", SOURCES.values(), ids=SOURCES)
def test_a_changed_source_is_served_whole_after_the_next_run_and_not_before(served, change, expected):
    served.define(*change)
    assert "until then" in served.do("apply").said
    assert served.online(1, 2, 3) == [present(1), present(2), NOT_FOUND]
    assert "stale" in served.do("status").said
    run = served.materialize()
    assert run["kind"] == "rebuilt" and run["older"] == 0, run
    assert served.online(1, 2, 3) == expected
    assert served.materialize()["kind"] == "incremental"
    assert not served.do("status", "--json").json["views"][0]["stale"]


def test_a_feature_that_comes_with_a_new_source_is_there_after_the_run(served):
    served.define(("    created_time: recorded\n", ""), TIPS)
    served.do("apply")
    assert served.online(1, 2, feature="tips") == [NOT_FOUND, NOT_FOUND]
    served.materialize()
    assert served.online(1, 2, feature="tips") == [present(71), present(72)]


def test_a_view_that_comes_back_online_is_filled_anew(served):
    offline = ("    ttl: 6h\n", "    ttl: 6h\n    online: false\n")
    served.define(offline)
    served.do("apply")
    served.define(offline, ("table: trips", "table: journeys"))
    served.do("apply")
    served.define(("table: trips", "table: journeys"))
    served.do("apply")
    assert served.materialize()["kind"] == "rebuilt"
    assert served.online(1, 2) == [present(100), NOT_FOUND]


def test_a_second_change_before_the_run_counts(served):
    served.define(("table: trips", "table: journeys"))
    served.do("apply")
    served.define(("event_time: happened", "event_time: ended"))
    served.do("apply")
    served.materialize()
    assert served.online(1, 2) == [present(11), present(12)]


def test_plan_says_what_will_be_rebuilt(served):
    served.define(("table: trips", "table: journeys"))
    assert "rebuil" in served.do("plan").said
    changes = {change["name"]: change for change in served.do("plan", "--json").json["changes"]}
    assert changes["driver_stats"]["rebuilds"] and not changes["trips"]["rebuilds"]


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_bounds_do_not_cut_what_a_rebuild_has_to_bring_back(served, option):
    served.define(("event_time: happened", "event_time: ended"))
    served.do("apply")
    assert served.materialize(option, served.time("170 minutes"))["kind"] == "rebuilt"
    assert served.online(1, 2) == [present(11), present(12)]


# What was asked for -------------------------------------------------------------------------------

def test_a_rebuild_takes_away_what_history_has_not_any_more(served):
    served.sql("DELETE FROM trips WHERE driver_id = 2")
    assert served.materialize()["kind"] == "incremental"
    assert served.online(1, 2) == [present(1), present(2)]
    assert "--rebuild" in served.refused("verify", code=1).err
    assert served.materialize("--rebuild")["kind"] == "rebuilt"
    assert served.online(1, 2) == [present(11), NOT_FOUND]
    served.do("verify")
    assert served.materialize()["kind"] == "incremental"


def test_a_rebuild_leaves_other_views_alone(drivers):
    drivers.define(("feature_services:", SECOND_VIEW + "feature_services:"))
    drivers.do("apply")
    drivers.add(1)
    drivers.do("materialize")
    views = json.loads(drivers.do("materialize", "--rebuild", "--view", "driver_ratings", "--json").out)["views"]
    assert [(view["view"], view["kind"]) for view in views] == [("driver_ratings", "rebuilt")]
    assert "stale" not in drivers.do("status").said


def test_a_first_run_is_no_rebuild(drivers):
    drivers.add(1)
    assert drivers.materialize("--rebuild")["kind"] == "first run"


def test_a_rebuild_that_is_pending_is_not_begun_anew(served):
    served.define(("event_time: happened", "event_time: ended"))
    served.do("apply")
    generation = served.sql("SELECT pending_generation FROM larder.view_state")
    assert served.materialize("--rebuild")["kind"] == "rebuilt"
    assert served.sql("SELECT generation FROM larder.view_state") == generation


@pytest.mark.parametrize("bound", ["--from", "--to"])
def test_a_rebuild_has_no_bounds(served, bound):
    assert "leave out" in served.refused("materialize", "--rebuild", bound, "2026-01-01T00:00:00Z").err
    assert "stale" not in served.do("status").said


# What is left behind -------------------------------------------------------------------------------

def rows(drivers):
    return [key for key in drivers.place.redis_command("KEYS", "*") if b"{" in key]


def marks(drivers):
    return drivers.place.redis_command("HLEN", "larder:marks:1")


def test_the_rows_of_before_are_removed(served):
    before = len(rows(served)), marks(served)
    for table in ("journeys", "trips"):
        served.define(("table: trips", f"table: {table}"))
        served.do("apply")
        served.materialize()
    assert (len(rows(served)), marks(served)) == before
    assert served.sql("SELECT count(*) FROM larder.removed_rows") == "0"


def test_rows_of_a_pruned_view_leave_though_redis_was_away(drivers):
    drivers.define(("feature_services:", SECOND_VIEW + "feature_services:"))
    drivers.do("apply")
    drivers.add(1)
    drivers.materialize()
    assert len(rows(drivers)) == 2
    drivers.repository.write("features.yaml", DEFINITIONS)
    drivers.use_redis("redis://127.0.0.1:1")
    assert "next run" in drivers.do("apply", "--prune").err
    drivers.use_redis(drivers.place.redis_url)
    drivers.materialize()
    assert len(rows(drivers)) == 1
    assert drivers.online(1) == present(1)


def test_rows_of_a_pruned_view_leave_with_the_next_apply_too(drivers):
    drivers.define(("feature_services:", SECOND_VIEW + "feature_services:"))
    drivers.do("apply")
    drivers.add(1)
    drivers.materialize()
    drivers.repository.write("features.yaml", DEFINITIONS)
    drivers.use_redis("redis://127.0.0.1:1")
    drivers.do("apply", "--prune")
    drivers.use_redis(drivers.place.redis_url)
    drivers.do("apply")
    assert len(rows(drivers)) == 1


class PlaceOn:
    """A place whose database is another."""

    def __init__(self, postgres_url, place):
        self.postgres_url, self.place = postgres_url, place

    def __getattr__(self, name):
        return getattr(self.place, name)

    def sql(self, *statements):
        return psql(self.postgres_url, *statements)

    def repository(self, files):
        return self.place.repository(files, postgres_url=self.postgres_url)


# Another system ------------------------------------------------------------------------------------

def test_a_database_restored_into_another_cluster_is_served_as_it_is_there(drivers, own_postgres):
    """Its WAL begins anew: all that is read there has a lesser position than what is online."""
    drivers.add(1, trips=1)
    drivers.add(2, trips=2)
    for _ in range(5):
        drivers.sql("SELECT pg_logical_emit_message(false, 'larder', 'far')", "SELECT pg_switch_wal()")
    drivers.materialize()
    dump = subprocess.run(["pg_dump", drivers.place.postgres_url], check=True, capture_output=True).stdout
    subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", own_postgres.url], input=dump, check=True,
                   stdout=subprocess.DEVNULL)
    position = "SELECT pg_current_wal_flush_lsn() - '0/0'"
    moved = drivers.place.repository({"features.yaml": DEFINITIONS}, postgres_url=own_postgres.url)
    subprocess.run(["psql", "-qX", own_postgres.url, "-c", "UPDATE trips SET trip_count = trip_count + 10",
                    "-c", "DELETE FROM trips WHERE driver_id = 2"], check=True)
    there = subprocess.run(["psql", "-qXAt", own_postgres.url, "-c", position], check=True, capture_output=True, text=True)
    assert int(there.stdout) < int(drivers.sql(position))
    assert drivers.online_of(moved, 1, 2) == [present(1), present(2)]
    outcome = moved.do("materialize", "--json")
    assert outcome.json["views"][0]["kind"] == "rebuilt" and "another database system" in outcome.err, outcome
    assert drivers.online_of(moved, 1, 2) == [present(11), NOT_FOUND]
    assert moved.do("materialize", "--json").json["views"][0]["kind"] == "incremental"


def test_a_database_brought_back_from_a_backup_is_served_as_it_is_then(own_postgres, place, stubs):
    """The system is the same, but its WAL goes on from an earlier point."""
    drivers = Drivers(PlaceOn(own_postgres.url, place), stubs)
    drivers.add(1, trips=1)
    drivers.add(2, trips=2)
    drivers.do("apply")
    own_postgres.stop()
    subprocess.run(["cp", "-a", own_postgres.data, own_postgres.data + ".backup"], check=True)
    own_postgres.start()
    for _ in range(3):
        drivers.sql("SELECT pg_logical_emit_message(false, 'larder', 'far')", "SELECT pg_switch_wal()")
    drivers.materialize()
    own_postgres.stop()
    subprocess.run(["rm", "-r", own_postgres.data], check=True)
    subprocess.run(["mv", own_postgres.data + ".backup", own_postgres.data], check=True)
    own_postgres.start()
    drivers.sql("UPDATE trips SET trip_count = trip_count + 10", "DELETE FROM trips WHERE driver_id = 2")
    assert drivers.online(1, 2) == [present(1), present(2)]
    assert drivers.materialize()["kind"] == "rebuilt"
    assert drivers.online(1, 2) == [present(11), NOT_FOUND]
    assert drivers.materialize()["kind"] == "incremental"


def test_a_generation_that_a_lost_future_has_written_to_is_passed_over(served):
    """A registry brought back from a backup gives numbers again whose rows may still be online."""
    generation = int(served.sql("SELECT generation FROM larder.view_state"))
    served.define(("table: trips", "table: journeys"))
    served.do("apply")
    served.place.redis_command("HSET", "larder:marks:1", f"materialize-begun/1/{generation + 1}", 2 ** 62)
    assert served.materialize()["kind"] == "rebuilt"
    assert served.sql("SELECT generation FROM larder.view_state") == str(generation + 2)
    assert served.online(1, 2) == [present(100), NOT_FOUND]
