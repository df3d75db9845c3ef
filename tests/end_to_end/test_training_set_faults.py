"""test_training_set_faults.py - what people and their world do to a training set: each is told, and nothing is left."""
import os
import resource
import signal
import time

import pytest

from drivers import TRAINING_SET, Drivers
from sql import psql

WAIT_SECONDS = 60
OURS = "datname = current_database() AND application_name = 'larder'"


@pytest.fixture
def asked(drivers):
    """A trip, and a row that asks for it."""
    drivers.add(1)
    drivers.repository.write("ask.csv", f"driver_id,event_timestamp\n1,{drivers.time()}\n")
    return drivers


def many(drivers, count=20_000):
    """So many rows ask."""
    at = drivers.time()
    drivers.repository.write("ask.csv", "driver_id,event_timestamp\n" + f"1,{at}\n" * count)


def names(drivers):
    return {name for name in os.listdir(drivers.repository.folder) if not name.startswith("history.db-")}


def nothing_is_left(drivers):
    """Neither a temporary table nor a statement that runs; a session may take a moment to end."""
    deadline = time.monotonic() + WAIT_SECONDS
    while drivers.sql(f"SELECT count(*) FROM pg_stat_activity WHERE {OURS}") != "0":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return drivers.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'larder_%' AND relpersistence = 't'") == "0"


def limited(size):
    """A process whose files may not grow beyond that: a full disk, as far as it can tell."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


def test_a_disk_that_fills_up_leaves_the_old_file(either):
    either.add(1)
    many(either)
    either.do(*TRAINING_SET)
    before, there = either.repository.path("out.csv").read_bytes(), names(either)
    told = either.repository.path("out.csv.manifest.json").read_bytes()
    outcome = either.refused(*TRAINING_SET, "--with-status", code=1, preexec_fn=limited(400_000))
    assert "out.csv" in outcome.err and "File too large" in outcome.err
    assert either.repository.path("out.csv").read_bytes() == before and names(either) == there
    assert either.repository.path("out.csv.manifest.json").read_bytes() == told


def test_a_manifest_without_room_leaves_the_old_file(asked):
    asked.do(*TRAINING_SET)
    there = names(asked)
    before = asked.repository.path("out.csv").read_bytes()
    asked.add(1, ago="30 minute", trips="7")
    outcome = asked.refused(*TRAINING_SET, code=1, preexec_fn=limited(500))
    assert "out.csv.manifest.json" in outcome.err
    assert asked.repository.path("out.csv").read_bytes() == before and names(asked) == there


def test_a_device_without_room_is_told(asked):
    many(asked)
    outcome = asked.refused(*TRAINING_SET[:-1], "/dev/full", code=1)
    assert "/dev/full" in outcome.err and "No space left" in outcome.err and "make room" in outcome.err
    assert nothing_is_left(asked)


def test_standard_input_that_does_not_fit_is_told(asked):
    many(asked)
    text = asked.repository.path("ask.csv").read_text()
    outcome = asked.refused(*TRAINING_SET[:4], "-", *TRAINING_SET[5:], code=1, input=text, preexec_fn=limited(100_000))
    assert "temporary file" in outcome.err and "out.csv" not in names(asked)


def test_a_statement_timeout_is_told_with_what_to_do(asked):
    asked.define(("    table: trips\n", "    query: SELECT trips.* FROM trips, (SELECT pg_sleep(1000)) AS s\n"))
    asked.do("apply")
    asked.sql(f"ALTER DATABASE {asked.place.database} SET statement_timeout = '300ms'")
    there = names(asked)
    outcome = asked.refused(*TRAINING_SET, code=1)
    assert "statement_timeout" in outcome.err and names(asked) == there and nothing_is_left(asked)


@pytest.fixture
def limited_role(asked):
    """A role that may read the registry, and no more."""
    role = f"{asked.place.database}_reader"
    asked.sql(f"CREATE ROLE {role} LOGIN", f"GRANT USAGE ON SCHEMA larder TO {role}",
              f"GRANT SELECT ON ALL TABLES IN SCHEMA larder TO {role}")
    text = asked.repository.settings_text()
    host = asked.place.postgres_url.split("//")[1].split("@")[-1]
    asked.repository.write("larder.yaml", text.replace(asked.place.postgres_url, f"postgresql://{role}@{host}"))
    yield role
    asked.sql(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_source_that_may_not_be_read_is_named(asked, limited_role):
    outcome = asked.refused(*TRAINING_SET, code=1)
    assert "permission denied" in outcome.err and "trips" in outcome.err and "GRANT it" in outcome.err
    asked.sql(f"GRANT SELECT ON trips TO {limited_role}")
    asked.do(*TRAINING_SET)


@pytest.mark.parametrize("change, words", [
    ("ALTER TABLE trips DROP rating", ["driver_stats", "rating", "trips"]),
    ("ALTER TABLE trips ALTER rating TYPE text", ["driver_stats", "rating", "text"]),
    ("ALTER TABLE trips RENAME happened TO started", ["event_time", "happened", "trips"]),
    ("ALTER TABLE trips ALTER driver_id TYPE text", ["driver_id", "text"]),
    ("DROP TABLE trips", ["trips", "no table"]),
])
def test_a_table_that_was_altered_since_apply_is_told(asked, change, words):
    asked.sql(change)
    there = names(asked)
    outcome = asked.refused(*TRAINING_SET, code=(1, 2))
    assert all(word in outcome.err for word in words), outcome
    assert names(asked) == there and nothing_is_left(asked)


def test_a_source_with_nulls_for_times_counts_them(asked):
    asked.sql("INSERT INTO trips SELECT 1, NULL, now(), n, n FROM generate_series(1, 3) AS n")
    outcome = asked.do(*TRAINING_SET)
    assert "null or infinite event time, or a null key: 3" in outcome.err


def wait_until(is_so, process):
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("end, words", [("stop", "terminating connection due to administrator command"),
                                        ("kill", "the connection to PostgreSQL broke")])
def test_a_postgres_that_restarts_half_way_is_told(place, stubs, own_postgres, end, words):
    place.postgres_url = own_postgres.url
    place.sql = lambda *statements: psql(own_postgres.url, *statements)
    drivers = Drivers(place, stubs)
    drivers.do("apply")
    drivers.add(1)
    drivers.repository.write("ask.csv", f"driver_id,event_timestamp\n1,{drivers.time()}\n")
    drivers.define(("    table: trips\n", "    query: SELECT trips.* FROM trips, (SELECT pg_sleep(1000)) AS s\n"))
    drivers.do("apply")
    there = names(drivers)
    process = drivers.repository.start(*TRAINING_SET)
    wait_until(lambda: drivers.sql(f"SELECT count(*) FROM pg_stat_activity WHERE {OURS} AND state = 'active' "
                                   "AND query LIKE '%pg_sleep(1000)%'") != "0", process)
    getattr(own_postgres, end)()
    _, err = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1 and names(drivers) == there, err
    assert "out.csv was not written; run it again later" in err and words in err, err
    own_postgres.start()
    assert nothing_is_left(drivers)


@pytest.mark.parametrize("moment", range(12))
def test_an_interrupt_at_any_moment_leaves_nothing(asked, moment):
    asked.sql("INSERT INTO trips SELECT n % 1000, now() - n * interval '1 s', now(), n, n "
              "FROM generate_series(1, 20000) AS n")
    many(asked, 50_000)
    there = names(asked)
    process = asked.repository.start(*TRAINING_SET)
    time.sleep(0.04 * moment)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=WAIT_SECONDS)
    if process.returncode == 0:
        assert names(asked) - there == {"out.csv", "out.csv.manifest.json"}
    else:
        assert process.returncode in (1, -signal.SIGINT) and names(asked) == there, err
    assert nothing_is_left(asked)
