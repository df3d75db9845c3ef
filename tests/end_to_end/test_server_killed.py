"""test_server_killed.py - a server that is killed, and the next one on its port."""
import threading
import time

import grpc
import pytest

from asking import feast_request, get_features, get_online_features, larder_request
from drivers import Drivers
from file_drivers import LMDB, FileDrivers
from repository import Serve
from test_server_faults import KEY, code_of, eventually

CODES = grpc.StatusCode


@pytest.fixture(params=["redis", "lmdb"])
def online(request, place, stubs):
    drivers = Drivers(place, stubs) if request.param == "redis" else FileDrivers(place, stubs, online=LMDB)
    drivers.do("apply")
    drivers.add(1)
    drivers.materialize()
    return drivers


class Caller:
    """Asks without end, each time for what it knows, and keeps what came of it."""

    def __init__(self, drivers, address, ask, request):
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.initial_reconnect_backoff_ms", 100),
                   ("grpc.max_reconnect_backoff_ms", 200), ("grpc.dns_min_time_between_resolutions_ms", 100)]
        self.channel = grpc.insecure_channel(address, options)
        self.call = lambda: ask(drivers.stubs, self.channel, request, 10)
        self.codes, self.stops = [], False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stops:
            self.codes.append(code_of(self.call))
            time.sleep(0.005)

    def is_answered(self):
        return self.codes[-1:] == [CODES.OK]

    def end(self):
        self.stops = True
        self.thread.join()
        self.channel.close()


def test_callers_of_a_killed_server_are_told_and_go_on_with_the_next_one(online):
    asks = [(get_features, larder_request(online.stubs, KEY, [(1,)], feature_service="dispatch")),
            (get_online_features, feast_request(online.stubs, KEY, [(1,)], feature_service="dispatch"))]
    with online.repository.serving() as server:
        callers = [Caller(online, server.address, *ask) for ask in asks * 2]
        for _ in range(3):
            eventually(lambda: all(caller.is_answered() for caller in callers), 30)
            server.process.kill()
            server.process.wait()
            eventually(lambda: all(caller.codes[-1:] == [CODES.UNAVAILABLE] for caller in callers), 30)
            server = Serve(online.repository).wait_ready()
        eventually(lambda: all(caller.is_answered() for caller in callers), 30)
        for caller in callers:
            caller.end()
            assert set(caller.codes) == {CODES.OK, CODES.UNAVAILABLE}
        server.end()


def test_what_a_killed_server_read_can_be_written_by_the_next_run(online):
    with online.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        request = larder_request(online.stubs, KEY, [(1,)] * 10_000, feature_service="dispatch")
        stub = online.stubs.larder_grpc.FeatureServiceStub(channel)
        calls = [stub.GetFeatures.future(request, timeout=10) for _ in range(20)]
        server.process.kill()
        assert {call.code() for call in calls} <= {CODES.OK, CODES.UNAVAILABLE}
        server.process.wait()
    online.add(2, trips="7", ago="1 minute")
    online.materialize()
    assert online.online(1, 2) == [("PRESENT", 1), ("PRESENT", 7)]
