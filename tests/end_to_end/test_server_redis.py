"""test_server_redis.py - a running server while its Redis is in trouble, and afterwards.

Whatever the trouble: a call that needs Redis is UNAVAILABLE long before its deadline, the log has one line
when it begins and one when it ends, however many calls there were, and the same server goes on.
"""
import concurrent.futures
import os

import grpc
import pytest

from asking import feast_request, get_features, get_online_features, larder_request
from services import RedisConnection, RedisError
from slow_redis import MangledRedis, SlowRedis, StrangeRedis
from test_server_faults import KEY, code_of, eventually

CODES = grpc.StatusCode
TIMEOUT = 10  # of a call: many times what a server waits for Redis


class Serving:
    """What is asked of a server, and what its log says of the store."""

    def __init__(self, drivers, server, channel):
        self.drivers, self.stubs, self.server, self.channel = drivers, drivers.stubs, server, channel
        self.trouble_count = 0

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
        """Many calls, all of them UNAVAILABLE, and one more line in the log."""
        self.trouble_count += 1
        eventually(lambda: len(self.lines("the online store is away")) == self.trouble_count)
        before = len(self.server.said.splitlines())
        assert {ask() for ask in [self.ask_larder, self.ask_feast] * 15} == {CODES.UNAVAILABLE}
        assert len(self.lines("the online store is away")) == self.trouble_count
        assert len(self.server.said.splitlines()) == before

    def check_back(self):
        eventually(self.is_served)
        eventually(lambda: len(self.lines("the online store is back")) == self.trouble_count)
        assert len(self.lines("the online store is away")) == self.trouble_count
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
    "another node has it": b"-MOVED 3999 127.0.0.1:1\r\n",
    "an error that nobody knows": b"-LARDER is not what I serve\r\n",
    "a number": b":1\r\n",
    "a status": b"+OK\r\n",
    "an empty list": b"*0\r\n",
    "lists of lists": b"*1\r\n" * 100,
    "an endless list": b"*2147483647\r\n" + b"$1\r\nx\r\n" * 1000,
    "a length below nothing": b"$-7\r\n",
    "more than was asked": b"$1\r\nx\r\n" * 1000,
    "no Redis": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "ones": b"\xff" * 100,
    "an endless text": b"$99999999999\r\n" + b"x" * 1000,
    "half an answer": b"*1\r\n$100\r\nx",
    "silence": b"",
}


HANG_UP = ["too many clients", "half an answer", "silence"]
TROUBLES = [(name, False) for name in ANSWERS] + [(name, True) for name in HANG_UP]
SERVERS = 4  # beside each other: most of the time goes by until one looks at its Redis again


def check_troubles(drivers, troubles):
    """One after the other, on a server of their own."""
    with MangledRedis(drivers.redis.port, b"") as between:
        online = f'{{type: redis, url: "{between.url}", timeout: 1s}}'  # they are slower, so many at once
        repository = drivers.place.repository(online=online)
        with repository.serving() as server, grpc.insecure_channel(server.address) as channel:
            serving = Serving(drivers, server, channel)
            assert serving.is_served()
            for name, hangs_up in troubles:
                try:
                    between.answer, between.hangs_up = ANSWERS[name], hangs_up
                    serving.check_away()
                    between.answer, between.hangs_up = None, False
                    serving.check_back()
                except AssertionError as error:
                    raise AssertionError(f"with {name}: {error}\n{server.said}") from error


def test_what_answers_strangely_is_away(on_own_redis):
    with concurrent.futures.ThreadPoolExecutor(SERVERS) as pool:
        checks = [pool.submit(check_troubles, on_own_redis, TROUBLES[i::SERVERS]) for i in range(SERVERS)]
    for check in checks:
        check.result()


def test_a_stranger_in_its_place_is_away(serving, on_own_redis):
    on_own_redis.redis.kill()
    with StrangeRedis(on_own_redis.redis.port, ANSWERS["no Redis"]):
        serving.check_away()
    on_own_redis.redis.start()
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
    check_is_read_from(serving, before)


def check_is_read_from(serving, said_before):
    assert serving.drivers.run("materialize", "--from", "1990-01-01T00:00:00Z").code == 1
    assert {ask() for ask in [serving.ask_larder, serving.ask_feast] * 10} == {CODES.OK}
    assert serving.server.said == said_before


def test_a_redis_that_cannot_save_is_read_from(serving, on_own_redis):
    redis, before = on_own_redis.redis, serving.server.said
    os.mkdir(os.path.join(redis.folder, "dump.rdb"))
    redis.command("CONFIG", "SET", "save", "3600 1")
    redis.command("BGSAVE")
    eventually(lambda: refuses_pings(redis))
    check_is_read_from(serving, before)


def refuses_pings(redis):
    try:
        return redis.command("PING") != b"PONG"
    except RedisError as error:
        return "MISCONF" in str(error)


def test_a_flapping_redis_is_told_once_for_each_change(serving, on_own_redis):
    for round in range(1, 4):
        on_own_redis.redis.freeze()
        eventually(lambda: len(serving.lines("the online store is away")) == round)
        on_own_redis.redis.thaw()
        eventually(lambda: len(serving.lines("the online store is back")) == round)
    eventually(serving.is_served)


def test_what_is_gone_is_away(serving, on_own_redis):
    on_own_redis.redis.kill()
    serving.check_away()
    on_own_redis.redis.start()
    serving.check_back()


def load_again(redis):
    redis.keep_much()
    redis.kill()
    redis.start_loading()


def test_what_loads_its_data_is_away(serving, on_own_redis):
    load_again(on_own_redis.redis)
    serving.check_away()
    on_own_redis.redis.finish_loading()
    serving.check_back()


def test_a_server_that_begins_while_its_redis_loads_serves_afterwards(on_own_redis):
    load_again(on_own_redis.redis)
    with on_own_redis.repository.serving(wait=False) as server, grpc.insecure_channel(server.address) as channel:
        serving = Serving(on_own_redis, server, channel)
        server.wait_said("definitions loaded")
        serving.check_away()
        on_own_redis.redis.finish_loading()
        serving.check_back()


def test_what_a_script_keeps_busy_is_away(serving, on_own_redis):
    redis = on_own_redis.redis
    redis.command("CONFIG", "SET", "busy-reply-threshold", "50")
    with RedisConnection(redis.port) as connection:
        connection.send("EVAL", "while true do end", "0")
        serving.check_away()
        redis.command("SCRIPT", "KILL")
        serving.check_back()


def test_what_wants_a_password_that_it_did_not_want_is_away(serving, on_own_redis):
    redis = on_own_redis.redis
    with RedisConnection(redis.port) as connection:
        connection.command("CONFIG", "SET", "requirepass", "secret")
        connection.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        serving.check_away()
        connection.command("CONFIG", "SET", "requirepass", "")
        serving.check_back()


# What answers as it should, but for the rows ----------------------------------------------------------

ROWS = {
    "too few": b"*0\r\n",
    "too many": b"*3\r\n$-1\r\n$-1\r\n$-1\r\n",
    "a number for a row": b"*1\r\n:7\r\n",
    "a status for a row": b"*1\r\n+OK\r\n",
    "a list for a row": b"*1\r\n*1\r\n$1\r\nx\r\n",
    "an error for a row": b"*1\r\n-ERR not this one\r\n",
    "no list": b"$1\r\nx\r\n",
    "nothing": b"$-1\r\n",
    "another node": b"-MOVED 3999 127.0.0.1:1\r\n",
    "a row of no shape": b"*1\r\n$4\r\nabcd\r\n",
    "half a row": b"*1\r\n$100\r\nx",
    "rubbish": b"\xff" * 100,
}


def check_fails_alone(serving, mangled):
    codes = {ask() for ask in [serving.ask_larder, serving.ask_feast] * 10}
    assert codes <= {CODES.UNAVAILABLE, CODES.DATA_LOSS}, codes
    mangled.answer, mangled.hangs_up = None, False
    eventually(serving.is_served)


@pytest.fixture
def mangled(on_own_redis):
    """A Redis whose answers to reads of rows can be replaced, and a server on it."""
    with MangledRedis(on_own_redis.redis.port, b"MGET") as mangled:
        on_own_redis.repository.write("larder.yaml", on_own_redis.repository.settings_text().replace(
            on_own_redis.place.redis_url, mangled.url))
        with on_own_redis.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
            mangled.serving = Serving(on_own_redis, server, channel)
            assert mangled.serving.is_served()
            yield mangled


def test_rows_that_are_none_fail_their_requests_alone(mangled):
    server = mangled.serving.server
    for name, hangs_up in [(name, False) for name in ROWS] + [("half a row", True), ("nothing", True)]:
        before = len(server.said.splitlines())
        mangled.answer, mangled.hangs_up = ROWS[name], hangs_up
        try:
            check_fails_alone(mangled.serving, mangled)
        except AssertionError as error:
            raise AssertionError(f"with {name}: {error}\n{server.said}") from error
        assert len(server.said.splitlines()) - before <= 4, server.said


def test_an_answer_that_nobody_asked_for_is_given_to_nobody(mangled, on_own_redis):
    absent = b"*1\r\n$-1\r\n"
    mangled.answer = absent * 5
    assert on_own_redis.trips(mangled.serving.channel, 1) == ("NOT_FOUND", None)
    mangled.answer = None
    for _ in range(10):
        assert on_own_redis.trips(mangled.serving.channel, 1) == ("PRESENT", 1)
