"""test_server_registry.py - a running server and the registry: changes it missed, a PostgreSQL that hangs."""
import signal
import time

import grpc
import pytest

from drivers import DEFINITIONS


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
        drivers.do("teardown")
        drivers.do("apply")
        drivers.materialize()
        server.process.send_signal(signal.SIGCONT)
        eventually(lambda: drivers.trips(channel, 1) == ("PRESENT", 1))
