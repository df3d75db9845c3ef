"""test_materialize_meanwhile.py - what others do to the services while a run goes on, or after one was killed."""
import time

from blocking import AT_THE_END, blocked_run, kill
from drivers import DEFINITIONS, TABLE, held, wait_until_blocked
from sql import psql

TIPS = ("{name: rating, type: float64}", "{name: rating, type: float64}\n      - {name: tips, type: int64}")


def rows(drivers):
    return [key for key in drivers.place.redis_command("KEYS", "*") if b"{" in key]


def test_a_rewrite_stands_above_the_rows_of_a_run_that_was_killed(drivers):
    drivers.add(1)
    with held(drivers, AT_THE_END):
        killed = drivers.repository.start("materialize")
        wait_until_blocked(drivers, killed)
        kill(drivers, killed)
    drivers.sql("ALTER TABLE trips ADD tips bigint DEFAULT 7")
    drivers.define(TIPS)
    drivers.do("apply")
    with held(drivers, "INSERT INTO trips VALUES (2, now(), now(), 2, 2)"):
        rewrite = drivers.repository.start("materialize")
        time.sleep(1.5)
    said = rewrite.communicate(timeout=30)
    assert rewrite.returncode == 0, said
    assert drivers.online(1, feature="tips") == ("PRESENT", 7)


def test_an_apply_before_a_run_comes_to_a_view_is_followed(drivers):
    drivers.add(1)
    drivers.sql("ALTER TABLE trips ADD tips bigint DEFAULT 7")
    with held(drivers, "INSERT INTO trips VALUES (2, now(), now(), 2, 2)"):
        run = drivers.repository.start("materialize")  # waits for the transaction
        assert "waiting" in run.stderr.readline()
        drivers.define(TIPS)
        drivers.do("apply")
    said = run.communicate(timeout=30)
    assert run.returncode == 0, said
    assert drivers.online(1, feature="tips") == ("PRESENT", 7)
    assert not drivers.do("status", "--json").json["views"][0]["stale"]


OTHER = DEFINITIONS.replace("trips", "journeys").replace("driver_stats", "journey_stats")


def test_a_view_that_is_removed_before_a_run_comes_to_it_is_left_out(drivers):
    drivers.add(1)
    drivers.sql(TABLE.replace("trips", "journeys"))
    drivers.repository.write("features.yaml", OTHER)
    with held(drivers, "INSERT INTO trips VALUES (2, now(), now(), 2, 2)"):
        run = drivers.repository.start("materialize")
        assert "waiting" in run.stderr.readline()
        drivers.do("apply", "--prune")
    said = run.communicate(timeout=30)
    assert run.returncode == 0 and "driver_stats" in said[1] and "removed" in said[1], said
    assert rows(drivers) == []


def test_rows_of_a_view_that_is_removed_during_its_run_do_not_stay(drivers):
    drivers.materialize()
    drivers.add(1)
    drivers.sql(TABLE.replace("trips", "journeys"))
    drivers.repository.write("features.yaml", OTHER)
    with blocked_run(drivers, "trips") as run:
        drivers.do("apply", "--prune")
    said = run.communicate(timeout=30)
    assert run.returncode == 0 and "removed" in said[1], said
    assert rows(drivers) == []


def test_a_redis_that_is_flushed_during_a_run_is_noticed(drivers):
    drivers.add(1)
    drivers.materialize()
    drivers.add(2)
    with blocked_run(drivers, "trips") as run:
        drivers.place.redis_command("FLUSHDB")
    said = run.communicate(timeout=30)
    assert run.returncode == 1 and "lost" in said[1] and "run it again" in said[1], said
    drivers.materialize()
    assert [status for status, _ in drivers.online(1, 2)] == ["PRESENT", "PRESENT"]


def test_a_redis_that_starts_again_during_a_run_is_noticed(drivers, own_redis):
    """From a copy of the time when the run had begun: what it took after that would be missing."""
    drivers.use_redis(own_redis.url)
    drivers.add(1)
    drivers.materialize()
    drivers.add(2)
    with blocked_run(drivers, "trips") as run:
        own_redis.command("SAVE")
        own_redis.kill()
        own_redis.start()
        time.sleep(0.5)  # a connection that lay idle for so long is replaced without a word
    said = run.communicate(timeout=30)
    assert run.returncode == 1 and "started again" in said[1] and "run it again" in said[1], said
    drivers.materialize()
    assert [status for status, _ in drivers.online(1, 2)] == ["PRESENT", "PRESENT"]


def test_a_redis_that_is_taken_over_during_a_run_is_noticed(drivers, postgres):
    drivers.materialize()
    drivers.add(1)
    database = postgres.create_database()
    stranger = drivers.place.repository({"features.yaml": DEFINITIONS}, postgres_url=postgres.url_of(database))
    psql(stranger.postgres_url, TABLE)
    with blocked_run(drivers, "trips") as run:
        stranger.do("apply", "--take-over")
    said = run.communicate(timeout=30)
    postgres.drop_database(database)
    assert run.returncode == 1 and "another registry" in said[1], said


def test_lost_rows_come_back_without_waiting_for_open_transactions(drivers):
    drivers.add(1)
    drivers.materialize()
    with held(drivers, "INSERT INTO trips VALUES (2, now(), now(), 2, 2)"):
        drivers.place.redis_command("FLUSHDB")
        assert drivers.do("materialize", "--json", timeout=20).json["views"][0]["kind"] == "restored"
    assert drivers.online(1) == ("PRESENT", 1)
    drivers.materialize()
    assert drivers.online(2) == ("PRESENT", 2)
