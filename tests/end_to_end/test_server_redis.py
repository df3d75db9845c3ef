"""test_server_redis.py - a running server while its Redis is in trouble, and afterwards.

Whatever the trouble: a call that needs Redis is UNAVAILABLE long before its deadline, the log has one line
when it begins and one when it ends, however many calls there were, and the same server goes on.
"""
import grpc
import pytest

from asking import feast_request, get_features, get_online_features, larder_request
from slow_redis import SlowRedis, StrangeRedis
from test_server_faults import KEY, code_of, eventually

CODES = grpc.StatusCode
TIMEOUT = 10  # of a call: many times what a server waits for Redis


@pytest.fixture
def on_own_redis(drivers, own_redis):
    drivers.redis = own_redis
    drivers.use_redis(own_redis.url)
    drivers.do("apply")
    drivers.add(1)
    drivers.materialize()
    return drivers


class Serving:
    """What is asked of a server, and what its log says of the store."""

    def __init__(self, drivers, server, channel):
        self.stubs, self.server, self.channel = drivers.stubs, server, channel

    def ask_larder(self):
        request = larder_request(self.stubs, KEY, [(1,)], feature_service="dispatch")
        return code_of(lambda: get_features(self.stubs, self.channel, request, TIMEOUT))

    def ask_feast(self):
        request = feast_request(self.stubs, KEY, [(1,)], feature_service="dispatch")
        return code_of(lambda: get_online_features(self.stubs, self.channel, request, TIMEOUT))

    def is_served(self):
        return self.ask_larder() == self.ask_feast() == CODES.OK

    def lines(self, text):
        return [line for line in self.server.said.splitlines() if text in line]

    def check_away(self):
        """Many calls, all of them UNAVAILABLE, and one line in the log."""
        eventually(lambda: self.lines("the online store is away"))
        before = len(self.server.said.splitlines())
        assert {ask() for ask in [self.ask_larder, self.ask_feast] * 15} == {CODES.UNAVAILABLE}
        assert len(self.lines("the online store is away")) == 1
        assert len(self.server.said.splitlines()) == before

    def check_back(self):
        eventually(self.is_served)
        eventually(lambda: self.lines("the online store is back"))
        assert len(self.lines("the online store is back")) == len(self.lines("the online store is away")) == 1
        assert {ask() for ask in [self.ask_larder, self.ask_feast] * 5} == {CODES.OK}


@pytest.fixture
def serving(on_own_redis):
    with on_own_redis.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        serving = Serving(on_own_redis, server, channel)
        assert serving.is_served()
        yield serving


ANSWERS = {
    "loading": b"-LOADING Redis is loading the dataset in memory\r\n",
    "busy": b"-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n",
    "replica without its primary": b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
    "too many clients": b"-ERR max number of clients reached\r\n",
    "a password wanted": b"-NOAUTH Authentication required.\r\n",
    "no rights": b"-NOPERM this user has no permissions to run the 'mget' command\r\n",
    "no Redis": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "ones": b"\xff" * 100,
    "an endless text": b"$99999999999\r\n" + b"x" * 1000,
    "half an answer": b"*1\r\n$100\r\nx",
    "silence": b"",
}


HANG_UP = ["too many clients", "half an answer", "silence"]


@pytest.mark.parametrize("answer, hangs_up", [(name, False) for name in ANSWERS] + [(name, True) for name in HANG_UP])
def test_what_answers_strangely_is_away(serving, on_own_redis, answer, hangs_up):
    redis = on_own_redis.redis
    redis.kill()
    with StrangeRedis(redis.port, ANSWERS[answer], hangs_up):
        serving.check_away()
    redis.start()
    serving.check_back()


def test_what_is_frozen_is_away(serving, on_own_redis):
    on_own_redis.redis.freeze()
    serving.check_away()
    on_own_redis.redis.thaw()
    serving.check_back()


def test_what_is_too_slow_is_away(on_own_redis):
    with SlowRedis(on_own_redis.redis.port, 1 << 16, 0) as slow:
        on_own_redis.repository.write("larder.yaml", on_own_redis.repository.settings_text().replace(
            on_own_redis.place.redis_url, slow.url))
        with on_own_redis.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
            serving = Serving(on_own_redis, server, channel)
            assert serving.is_served()
            slow.pause_seconds = 0.6
            serving.check_away()
            slow.pause_seconds = 0
            serving.check_back()


@pytest.mark.parametrize("trouble", [["CONFIG", "SET", "maxmemory", "1"], ["REPLICAOF", "127.0.0.1", "1"]],
                         ids=["full", "read-only"])
def test_a_redis_that_takes_no_writes_is_read_from(serving, on_own_redis, trouble):
    before = serving.server.said
    on_own_redis.redis.command(*trouble)
    assert on_own_redis.run("materialize", "--from", "1990-01-01T00:00:00Z").code == 1
    assert {ask() for ask in [serving.ask_larder, serving.ask_feast] * 10} == {CODES.OK}
    assert serving.server.said == before


def test_a_flapping_redis_is_told_once_for_each_change(serving, on_own_redis):
    for round in range(1, 4):
        on_own_redis.redis.freeze()
        eventually(lambda: len(serving.lines("the online store is away")) == round)
        on_own_redis.redis.thaw()
        eventually(lambda: len(serving.lines("the online store is back")) == round)
    eventually(serving.is_served)
