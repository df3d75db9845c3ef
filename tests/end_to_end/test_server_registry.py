"""test_server_registry.py - a running server and the registry: changes it missed, a PostgreSQL that hangs."""
import contextlib
import signal
import time

import grpc
import pytest

from drivers import DEFINITIONS, TIPS, TRAINING_SET, Drivers, held, wait_until_blocked
from sql import psql


def eventually(check, seconds=5):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


@pytest.fixture
def asleep():
    """Freezes a server for a while, so that it misses what happens meanwhile."""
    frozen = []

    def freeze(server):
        frozen.append(server.process)
        server.process.send_signal(signal.SIGSTOP)

    yield freeze
    for process in frozen:
        process.send_signal(signal.SIGCONT)


def test_a_project_that_was_made_anew_while_nobody_looked_is_served(drivers, asleep):
    drivers.add(1)
    drivers.materialize()
    # Another project keeps the registry, and so its identity.
    drivers.place.repository({"features.yaml": DEFINITIONS}, project="other").do("apply")
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert drivers.trips(channel, 1) == ("PRESENT", 1)
        asleep(server)
        drivers.do("teardown", "--yes")
        drivers.do("apply")
        drivers.materialize()
        server.process.send_signal(signal.SIGCONT)
        eventually(lambda: drivers.trips(channel, 1) == ("PRESENT", 1))


# A registry that does not answer ---------------------------------------------------------------------

LOCK = "LOCK TABLE larder.project IN ACCESS EXCLUSIVE MODE"


@pytest.fixture
def on_own_postgres(place, stubs, own_postgres):
    place.sql = lambda *statements: psql(own_postgres.url, *statements)
    place.postgres_url = own_postgres.url
    drivers = Drivers(place, stubs)
    drivers.do("apply")
    drivers.add(1)
    drivers.materialize()
    return drivers


def impatient(drivers):
    """Its servers wait for PostgreSQL for a second, instead of five."""
    text = drivers.repository.settings_text()
    drivers.repository.write("larder.yaml", text.replace("type: postgres, ", "type: postgres, timeout: 1s, "))
    return drivers.repository


@contextlib.contextmanager
def frozen(postgres):
    postgres.freeze()
    try:
        yield
    finally:
        postgres.thaw()


def test_it_ends_while_somebody_locks_the_registry(drivers):
    with drivers.repository.serving() as server, held(drivers, LOCK):
        wait_until_blocked(drivers, server.process)
        assert server.stop(10) == 0


def test_it_ends_while_postgres_hangs(on_own_postgres, own_postgres):
    with on_own_postgres.repository.serving() as server, frozen(own_postgres):
        time.sleep(1)  # it looks twice a second
        assert server.stop(10) == 0


def test_it_ends_while_it_waits_for_a_postgres_that_hangs(drivers, own_postgres):
    stranger = drivers.place.repository({"features.yaml": DEFINITIONS}, postgres_url=own_postgres.url, project="stranger")
    with frozen(own_postgres), stranger.serving(wait=False) as server:
        time.sleep(0.5)  # it is connecting
        assert server.stop(10) == 0


def test_it_starts_from_the_online_store_while_postgres_hangs(on_own_postgres, own_postgres):
    drivers = on_own_postgres
    impatient(drivers)
    with frozen(own_postgres):
        assert drivers.online(1) == ("PRESENT", 1)


def test_it_starts_from_the_online_store_while_somebody_locks_the_registry(drivers):
    drivers.add(1)
    drivers.materialize()
    impatient(drivers)
    with held(drivers, LOCK):
        assert drivers.online(1) == ("PRESENT", 1)


def test_a_schema_it_does_not_know_is_found_in_the_online_store_while_postgres_hangs(on_own_postgres, own_postgres, asleep):
    drivers = on_own_postgres
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert drivers.trips(channel, 1) == ("PRESENT", 1)
        asleep(server)
        drivers.sql("ALTER TABLE trips ADD tips bigint DEFAULT 7")
        drivers.define(TIPS)
        drivers.do("apply")
        drivers.materialize()
        with frozen(own_postgres):
            server.process.send_signal(signal.SIGCONT)
            eventually(lambda: tips(drivers, channel) == [("PRESENT", 7)], 15)


def tips(drivers, channel):
    try:
        return drivers.ask(channel, [1], feature_service="dispatch").get("tips")
    except grpc.RpcError as error:
        return error.code()


def test_it_hears_of_changes_again_once_postgres_goes_on(on_own_postgres, own_postgres):
    drivers = on_own_postgres
    with impatient(drivers).serving() as server, grpc.insecure_channel(server.address) as channel:
        with frozen(own_postgres):
            server.wait_said("the registry cannot be read")
            assert drivers.trips(channel, 1) == ("PRESENT", 1)
        drivers.sql("ALTER TABLE trips ADD tips bigint DEFAULT 7")
        drivers.define(TIPS)
        drivers.do("apply")
        eventually(lambda: tips(drivers, channel) is not None, 15)


# Commands are told by Ctrl-C -------------------------------------------------------------------------

@pytest.mark.parametrize("command, table", [
    (["apply"], "larder.project"), (["status"], "larder.project"), (["materialize"], "larder.project"),
    (["materialize"], "larder.view_state"), (["materialize"], "trips"), (TRAINING_SET, "trips"),
    (["load", "--source", "trips", "trips.csv"], "trips")], ids=lambda words: "".join(words[:1]))
def test_ctrl_c_ends_a_command_that_waits_for_a_lock(drivers, command, table):
    drivers.add(1)
    drivers.materialize()  # a first run would wait for the transaction that holds the lock, too
    drivers.repository.write("ask.csv", f"driver_id,event_timestamp\n1,{drivers.time()}\n")
    drivers.repository.write("trips.csv", "driver_id,happened,recorded,trip_count,rating\n"
                             f"1,{drivers.time()},{drivers.time()},1,1\n")
    with held(drivers, f"LOCK TABLE {table}"):
        process = drivers.repository.start(*command)
        wait_until_blocked(drivers, process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        assert process.returncode != 0
