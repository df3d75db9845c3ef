"""test_materialize.py - what a run of materialize brings online, and what a later run still finds."""
import subprocess
import time
from types import SimpleNamespace

import pytest


def test_the_newest_row_is_served(drivers):
    drivers.add(1, "2 hours", trips=2)
    drivers.add(1, "1 hour", trips=1)
    drivers.add(1, "3 hours", trips=3)
    drivers.materialize()
    assert drivers.online(1) == ("PRESENT", 1)


def test_the_summary_counts_rows(drivers):
    drivers.add(1, "1 minute")
    drivers.add(1, "2 minutes")
    drivers.add(2, "1 minute")
    first, again = drivers.materialize(), drivers.materialize()
    for run in (first, again):
        assert run["read"] == run["written"] + run["older"] + run["superseded"] and run["read"] >= 2
    assert first["written"] == 2


def test_equal_times_are_won_by_what_was_recorded_later(drivers):
    drivers.sql("INSERT INTO trips SELECT 1, t, t + created, n, 0 FROM (SELECT now() - interval '1 hour' t) x, "
                "(VALUES (interval '2 s', 2), (interval '3 s', 3), (NULL, 9), (interval '1 s', 1)) y(created, n)")
    drivers.materialize()
    assert drivers.online(1) == ("PRESENT", 3)


def test_a_row_from_the_future_waits_until_it_is_due(drivers):
    drivers.add(1, "1 hour", trips=1)
    drivers.add(1, "-3 seconds", trips=2, recorded_ago="1 hour")
    drivers.materialize()
    assert drivers.online(1) == ("PRESENT", 1)
    drivers.sql("SELECT pg_sleep(3)")
    drivers.materialize()
    assert drivers.online(1) == ("PRESENT", 2)


def test_to_leaves_out_what_happened_later(drivers):
    drivers.add(1, "3 hours", trips=3)
    drivers.add(1, "1 hour", trips=1)
    drivers.materialize("--to", drivers.time("2 hours"))
    assert drivers.online(1) == ("PRESENT", 3)
    drivers.materialize()
    assert drivers.online(1) == ("PRESENT", 1)


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_a_bad_time_is_refused(drivers, option):
    assert "yesterday" in drivers.refused("materialize", option, "yesterday").err


def test_from_after_to_is_refused(drivers):
    drivers.refused("materialize", "--from", "2024-01-02T00:00:00Z", "--to", "2024-01-01T00:00:00Z")


# What a later run finds ----------------------------------------------------------------------------

def test_a_late_row_is_found_by_when_it_was_recorded(drivers):
    drivers.add(1, "1 minute")
    drivers.materialize()
    drivers.add(2, "5 hours", trips=5, recorded_ago="0 s")
    run = drivers.materialize()
    assert run["kind"] == "incremental" and drivers.online(2) == ("PRESENT", 5)


def test_a_late_row_does_not_replace_a_newer_one(drivers):
    drivers.add(1, "2 hours", trips=1)
    drivers.materialize()
    drivers.add(1, "5 hours", trips=5, recorded_ago="0 s")
    run = drivers.materialize()
    assert run["older"] >= 1 and drivers.online(1) == ("PRESENT", 1)


def test_a_row_that_was_committed_after_it_was_recorded_is_found_within_lookback(drivers):
    drivers.materialize()
    drivers.add(1, "50 minutes", recorded_ago="50 minutes")
    drivers.add(2, "3 hours", recorded_ago="2 hours")
    drivers.materialize()
    assert [status for status, _ in drivers.online(1, 2)] == ["PRESENT", "NOT_FOUND"]


def test_a_longer_lookback_finds_older_ones(drivers):
    drivers.define(("    created_time: recorded\n", "    created_time: recorded\n    lookback: 3h\n"))
    drivers.do("apply")
    drivers.materialize()
    drivers.add(2, "4 hours", recorded_ago="2 hours")
    drivers.materialize()
    assert drivers.online(2)[0] == "PRESENT"


def test_without_a_created_time_the_event_time_counts(drivers):
    drivers.materialize()
    drivers.add(1, "50 minutes", recorded_ago="never")
    drivers.add(2, "3 hours", recorded_ago="never")
    drivers.materialize()
    assert [status for status, _ in drivers.online(1, 2)] == ["PRESENT", "NOT_FOUND"]


def test_from_finds_what_is_left_and_leaves_the_watermark(drivers):
    drivers.materialize()
    drivers.add(2, "3 hours", trips=3, recorded_ago="2 hours")
    before = drivers.do("status", "--json").json
    drivers.materialize("--from", "2020-01-01T00:00:00Z")
    after = drivers.do("status", "--json").json
    assert drivers.online(2) == ("PRESENT", 3)
    assert watermark(before) == watermark(after)
    assert last_run(before) < last_run(after) <= drivers.time()


def last_run(status):
    return status["views"][0]["last_run"]


def watermark(status):
    """Wherever `status --json` says it."""
    if isinstance(status, dict):
        return {key: watermark(value) for key, value in status.items()
                if key == "watermark" or isinstance(value, (dict, list))}
    return [watermark(each) for each in status] if isinstance(status, list) else status


def test_a_windows_run_is_no_first_run(drivers):
    drivers.add(1, "3 hours")
    drivers.materialize("--from", "2020-01-01T00:00:00Z", "--to", "2020-01-02T00:00:00Z")
    assert drivers.online(1)[0] == "NOT_FOUND"
    assert drivers.materialize()["kind"] == "first run"
    assert drivers.online(1)[0] == "PRESENT"


def test_an_update_that_moves_a_time_forward_is_seen(drivers):
    drivers.add(1, "3 hours", trips=3)
    drivers.materialize()
    drivers.sql("UPDATE trips SET trip_count = 4, recorded = now()")
    drivers.materialize()
    assert drivers.online(1) == ("PRESENT", 4)


# How old a value may be ----------------------------------------------------------------------------

def test_a_value_older_than_its_ttl_is_withheld_and_after_a_day_more_not_found(drivers):
    drivers.add(1, "5 hours 59 minutes", trips=1)
    drivers.add(2, "6 hours 1 minute", trips=2)
    drivers.add(3, "29 hours 59 minutes", trips=3)
    drivers.add(4, "30 hours 1 minute", trips=4)
    drivers.materialize()
    assert drivers.online(1, 2, 3, 4) == [
        ("PRESENT", 1), ("OUTSIDE_MAX_AGE", None), ("OUTSIDE_MAX_AGE", None), ("NOT_FOUND", None)]


def test_without_ttl_nothing_is_too_old(drivers):
    drivers.define(("    ttl: 6h\n", ""))
    drivers.do("apply")
    drivers.add(1, "50 years", trips=50)
    drivers.materialize()
    assert drivers.online(1) == ("PRESENT", 50)


def test_rows_expire_a_day_after_their_ttl(drivers):
    drivers.add(1, "1 hour")
    drivers.materialize()
    lifetimes = [drivers.place.redis_command("PTTL", key) for key in drivers.place.redis_command("KEYS", "*")]
    assert any(28.9 * 3600e3 < lifetime <= 29 * 3600e3 for lifetime in lifetimes), lifetimes


def test_a_null_is_told_from_a_missing_row(drivers):
    drivers.add(1, trips="NULL", rating="2.5")
    drivers.materialize()
    assert drivers.online(1, 2) == [("NULL_VALUE", None), ("NOT_FOUND", None)]
    assert drivers.online(1, feature="rating") == ("PRESENT", 2.5)


# Changed views -------------------------------------------------------------------------------------

def test_a_view_that_gains_a_feature_is_rewritten_whole(drivers):
    drivers.add(1, "5 hours", trips=5)
    drivers.materialize()
    drivers.sql("ALTER TABLE trips ADD tips bigint DEFAULT 77")
    drivers.define(("{name: trip_count,", "{name: tips, type: int64}\n      - {name: trip_count,"))
    drivers.do("apply")
    assert drivers.online(1) == ("PRESENT", 5)  # rows of the old schema still read, by name
    assert drivers.online(1, feature="tips") == ("NOT_FOUND", None)
    run = drivers.materialize()
    assert run["kind"] == "rewritten" and run["written"] == 1
    assert drivers.online(1, feature="tips") == ("PRESENT", 77)
    assert drivers.materialize()["kind"] == "incremental"


def test_a_view_that_loses_and_swaps_features_still_reads_its_rows(drivers):
    drivers.add(1, trips=5, rating=2.5)
    drivers.materialize()
    drivers.define(("      - {name: trip_count, type: int64}\n      - {name: rating, type: float64}\n",
                    "      - {name: rating, type: float64}\n"))
    drivers.do("apply")
    assert drivers.online(1, feature="rating") == ("PRESENT", 2.5)


def test_a_longer_ttl_brings_back_older_rows(drivers):
    drivers.add(1, "40 hours", trips=40)
    drivers.materialize()
    drivers.define(("ttl: 6h", "ttl: 48h"))
    drivers.do("apply")
    assert drivers.materialize()["kind"] == "rewritten"
    assert drivers.online(1) == ("PRESENT", 40)


def test_a_shorter_ttl_counts_at_once(drivers):
    drivers.add(1, "2 hours")
    drivers.materialize()
    drivers.define(("ttl: 6h", "ttl: 1h"))
    drivers.do("apply")
    assert drivers.online(1) == ("OUTSIDE_MAX_AGE", None)


def test_only_the_views_that_were_named_run(drivers):
    drivers.define(("feature_services:", "  - {name: other, entities: [driver], source: trips, "
                    "features: [{name: rating, type: float64}]}\nfeature_services:"))
    drivers.do("apply")
    drivers.add(1)
    assert "driver_stats" not in drivers.materialize("--view", "other")
    assert drivers.online(1)[0] == "NOT_FOUND"
    assert set(drivers.materialize("--view", "other", "--view", "driver_stats")) == {"other", "driver_stats"}


def test_an_unknown_view_is_refused(drivers):
    assert '"driver_stat"' in drivers.refused("materialize", "--view", "driver_stat").err


def test_a_view_that_is_not_online_is_left_alone(drivers):
    drivers.define(("    ttl: 6h\n", "    ttl: 6h\n    online: false\n"))
    drivers.do("apply")
    drivers.add(1)
    assert drivers.do("materialize", "--json").json["views"] == []
    drivers.refused("materialize", "--view", "driver_stats")


# What goes wrong -----------------------------------------------------------------------------------

def test_before_the_first_apply_it_says_what_to_do(unapplied_drivers):
    assert "apply" in unapplied_drivers.refused("materialize", code=1).err


def test_a_flushed_redis_is_filled_again(drivers):
    drivers.add(1, "5 hours", trips=5)
    drivers.materialize()
    drivers.place.redis_command("FLUSHDB")
    assert drivers.online(1)[0] == "NOT_FOUND"
    assert drivers.do("status", "--json").json["views"][0]["state"] == "rows_lost"
    assert drivers.materialize()["written"] == 1
    assert drivers.online(1) == ("PRESENT", 5)
    assert drivers.do("status", "--json").json["views"][0]["state"] == "current"
    assert drivers.materialize()["kind"] == "incremental"


def test_a_table_dropped_after_apply_is_named(drivers):
    drivers.add(1)
    drivers.materialize()
    drivers.sql("DROP TABLE trips")
    assert "trips" in drivers.refused("materialize", code=1).err
    assert drivers.online(1) == ("PRESENT", 1)


def test_a_column_dropped_after_apply_is_named(drivers):
    drivers.sql("ALTER TABLE trips DROP rating")
    assert "rating" in drivers.refused("materialize", code=1).err


def test_a_failed_view_moves_no_watermark(drivers):
    drivers.add(1)
    drivers.sql("ALTER TABLE trips RENAME TO gone")
    drivers.refused("materialize", code=1)
    drivers.sql("ALTER TABLE gone RENAME TO trips")
    assert drivers.materialize()["kind"] == "first run"


def test_rows_without_a_time_or_a_key_are_left_out_and_counted(drivers):
    drivers.sql("INSERT INTO trips VALUES (1, NULL, now(), 1, 1), (NULL, now(), now(), 2, 2), "
                "(2, 'infinity', now(), 3, 3), (3, '-infinity', now(), 4, 4), (4, now() - interval '1 s', now(), 5, 5)")
    run = drivers.materialize()
    assert run["written"] == 1
    assert [status for status, _ in drivers.online(1, 2, 3, 4)] == ["NOT_FOUND"] * 3 + ["PRESENT"]
    assert drivers.do("materialize").code == 0


MISFITS = [
    ("timestamp", "timestamptz", "'infinity'"),
    ("timestamp", "timestamptz", "'-infinity'"),
    ("timestamp", "timestamptz", "'10001-01-01 00:00:00Z'"),
    ("timestamp", "timestamptz", "'0044-03-15 00:00:00Z BC'"),
    ("float64", "numeric", "1e400"),
    ('"list<int64>"', "bigint[]", "ARRAY[1, NULL]::bigint[]"),
    ('"list<int64>"', "bigint[]", "ARRAY[[1, 2], [3, 4]]::bigint[]"),
]


@pytest.mark.parametrize("kind, column, value", MISFITS, ids=[value for _, _, value in MISFITS])
def test_a_misfit_stops_the_run_or_reads_as_null(drivers, kind, column, value):
    drivers.sql(f"ALTER TABLE trips ADD odd {column}")
    feature = ("{name: rating, type: float64}", f"{{name: rating, type: float64}}\n      - {{name: odd, type: {kind}}}")
    drivers.define(feature)
    drivers.do("apply")
    drivers.add(41)
    drivers.sql(f"UPDATE trips SET odd = {value}")
    outcome = drivers.refused("materialize", code=1)
    assert "trips" in outcome.err and "odd" in outcome.err and "41" in outcome.err, outcome
    drivers.define(feature, ("    created_time: recorded\n", "    created_time: recorded\n    misfits: as_null\n"))
    drivers.do("apply")
    assert drivers.materialize()["misfits"] == 1
    assert drivers.online(41, feature="odd") == ("NULL_VALUE", None)
    assert drivers.online(41) == ("PRESENT", 1)


def test_a_key_that_is_too_long_is_left_out_and_counted(unapplied_drivers):
    drivers = unapplied_drivers
    drivers.sql("ALTER TABLE trips ALTER driver_id TYPE text")
    drivers.define(("driver_id: int64", "driver_id: string"))
    drivers.do("apply")
    drivers.add("repeat('x', 481)")
    drivers.add("'short'")
    assert "480" in drivers.do("materialize").said
    run = drivers.materialize("--from", "2020-01-01T00:00:00Z")
    assert (run["long_keys"], run["written"]) == (1, 1)


def test_a_time_without_a_zone_is_utc(drivers):
    drivers.sql("ALTER TABLE trips ALTER happened TYPE timestamp USING happened AT TIME ZONE 'UTC'",
                "INSERT INTO trips VALUES (1, now() AT TIME ZONE 'UTC' - interval '5 hours 50 minutes', now(), 1, 1), "
                "(2, now() AT TIME ZONE 'UTC' - interval '6 hours 10 minutes', now(), 2, 2)")
    drivers.materialize()
    assert [status for status, _ in drivers.online(1, 2)] == ["PRESENT", "OUTSIDE_MAX_AGE"]


def test_a_query_may_be_a_source(drivers):
    drivers.define(("    table: trips", "    query: SELECT driver_id, happened, recorded, trip_count * 10 AS"
                    " trip_count, rating FROM trips WHERE rating > 1"))
    drivers.do("apply")
    drivers.add(1, trips=7, rating=2)
    drivers.add(2, trips=8, rating=0)
    drivers.materialize()
    assert drivers.online(1, 2) == [("PRESENT", 70), ("NOT_FOUND", None)]


# Transactions that are open meanwhile --------------------------------------------------------------

@pytest.fixture
def open_transaction(drivers):
    """begin() inserts trip 9 of driver 1 and gives the session's pid; commit() commits it."""
    session = subprocess.Popen(["psql", "-qX", drivers.place.postgres_url], stdin=subprocess.PIPE, text=True)

    def begin():
        session.stdin.write("BEGIN; INSERT INTO trips VALUES (1, now(), now(), 9, 9);\n")
        session.stdin.flush()
        open_ones = ("SELECT pid FROM pg_stat_activity "
                     "WHERE datname = current_database() AND state = 'idle in transaction'")
        while not (pid := drivers.sql(open_ones)):
            time.sleep(0.02)
        return pid

    yield SimpleNamespace(begin=begin, commit=lambda: session.communicate("COMMIT;\n"))
    session.kill()


def test_what_was_open_during_a_run_is_seen_by_the_next(drivers, open_transaction):
    drivers.materialize()
    open_transaction.begin()
    drivers.add(2)
    drivers.materialize("--from", "2020-01-01T00:00:00Z")
    assert [status for status, _ in drivers.online(1, 2)] == ["NOT_FOUND", "PRESENT"]
    open_transaction.commit()
    drivers.materialize()
    assert drivers.online(1) == ("PRESENT", 9)


def test_a_first_run_waits_for_what_is_open_and_names_it(drivers, open_transaction):
    pid = open_transaction.begin()
    run = drivers.repository.start("materialize")
    said = ""
    while pid not in said:
        line = run.stderr.readline()
        assert line, f"it ended without naming {pid}: {said}"
        said += line
    assert run.poll() is None
    open_transaction.commit()
    run.communicate(timeout=30)
    assert run.returncode == 0 and drivers.online(1) == ("PRESENT", 9)
