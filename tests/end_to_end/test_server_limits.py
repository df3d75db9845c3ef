"""test_server_limits.py - what a server holds at the most, whatever is asked of it, and by whomever."""
import contextlib
import gzip
import os
import time

import grpc
import pytest

from asking import feast_request, get_features, larder_request
from http2 import CONCURRENT_STREAMS, Connection
from slow_redis import SlowRedis

KEY = {"driver_id": "int64"}
GET_FEATURES = "/larder.v1.FeatureService/GetFeatures"
GET_ONLINE_FEATURES = "/feast.serving.ServingService/GetOnlineFeatures"
MIB = 1 << 20
# The thread sanitizer keeps three to four bytes for each that is used.
SHADOW = 4 if "tsan" in os.environ.get("LARDER_BUILD", "") else 1
VIEWS, ENTITIES_MAX, MESSAGE_MAX = 50, 10_000, 16 * MIB

DEFINITIONS = """\
entities:
  - name: driver
    join_keys: {driver_id: int64}
sources:
  - name: wide
    table: wide
    event_time: happened
feature_views:
""" + "".join(f"""\
  - {{name: v{i}, entities: [driver], source: wide, features: [{{name: f{i}, type: float64}}]}}
""" for i in range(VIEWS)) + f"""\
feature_services:
  - {{name: all, features: [{", ".join(f"v{i}" for i in range(VIEWS))}]}}
  - {{name: one, features: [v0]}}
"""


class Wide:
    """A server with one worker, 50 views of one feature each, and driver 1 in all of them."""

    def __init__(self, place, stubs, redis_url=None):
        self.place, self.stubs = place, stubs
        columns = ", ".join(f"f{i} double precision DEFAULT {i}" for i in range(VIEWS))
        place.sql(f"CREATE TABLE wide (driver_id bigint, happened timestamptz, {columns})",
                  "INSERT INTO wide VALUES (1, now())")
        self.repository = place.repository({"features.yaml": DEFINITIONS})
        self.use_redis(redis_url or place.redis_url)
        self.repository.do("apply")
        self.repository.do("materialize")

    def use_redis(self, url, settings="max_call: 1m, "):
        text = self.repository.settings_text().replace(self.place.redis_url, url)
        self.repository.write("larder.yaml", text.replace("server: {", "server: {workers: 1, " + settings))

    def memory(self):
        """What the server has held at the most until now."""
        with open(f"/proc/{self.server.process.pid}/status") as status:
            return (int(next(line for line in status if line.startswith("VmHWM")).split()[1]) << 10) // SHADOW

    def request(self, keys=(1,), service="one", **more):
        return larder_request(self.stubs, KEY, [(key,) for key in keys], feature_service=service, **more)

    def ask_for(self, request):
        return get_features(self.stubs, self.channel, request)

    def ask(self):
        answer = self.ask_for(self.request())
        assert answer.columns[0].double_values.values[0] == 0 and not answer.columns[0].statuses


    @contextlib.contextmanager
    def serving(self):
        any_size = [("grpc.max_receive_message_length", -1)]
        with self.repository.serving() as server, grpc.insecure_channel(server.address, any_size) as channel:
            self.server, self.channel = server, channel
            self.ask()
            yield self


@pytest.fixture(autouse=True)
def no_quarantine(monkeypatch):
    """The address sanitizer otherwise keeps what was freed, which would count as held."""
    monkeypatch.setenv("ASAN_OPTIONS", "quarantine_size_mb=1:" + os.environ.get("ASAN_OPTIONS", ""))


@pytest.fixture
def wide(place, stubs):
    with Wide(place, stubs).serving() as wide:
        yield wide


def field(number, content):
    """A field of bytes in a message."""
    size, length = len(content), b""
    while size > 0x7f:
        length, size = length + bytes([size & 0x7f | 0x80]), size >> 7
    tag = number << 3 | 2
    return (bytes([tag]) if tag < 0x80 else bytes([tag & 0x7f | 0x80, tag >> 7])) + length + bytes([size]) + content


def code_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def eventually(check, seconds=10):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def growth(wide, method, message, count, compression=None):
    """By how many bytes the server grows when so many such calls come at once; another caller is answered, too."""
    before = wide.memory()
    with Connection(wide.repository.port) as connection:
        for _ in range(count):
            connection.call(method, message, compression)
        wide.ask()
        connection.wait_ended()
    return wide.memory() - before


def test_requests_that_expand_are_expanded_a_few_at_a_time(wide):
    filling = field(99, bytes(MESSAGE_MAX - MIB))  # of a field that nobody knows
    packed = gzip.compress(wide.request().SerializeToString() + filling)
    assert growth(wide, GET_FEATURES, packed, 100, "gzip") < 500 * MIB  # all of them are 1,500


def test_a_column_that_is_given_over_and_over_is_read_once(wide):
    request = feast_request(wide.stubs, KEY, [(None,)] * ENTITIES_MAX, feature_service="one").SerializeToString()
    column = feast_request(wide.stubs, KEY, [(None,)] * ENTITIES_MAX).SerializeToString()
    packed = gzip.compress(request + column * (MESSAGE_MAX // len(column) - 2))
    assert growth(wide, GET_ONLINE_FEATURES, packed, 6, "gzip") < 500 * MIB  # reading all took 2,900


def test_null_keys_in_many_views_are_read_a_few_at_a_time(wide):
    request = wide.request([None] * ENTITIES_MAX, "all").SerializeToString()
    assert growth(wide, GET_FEATURES, request, 60) < 500 * MIB  # all of them took 1,400


def test_requests_that_never_end_are_held_up_to_a_limit(wide):
    message = field(99, bytes(MESSAGE_MAX - MIB))
    before = wide.memory()
    with Connection(wide.repository.port) as connection:
        for _ in range(80):
            connection.call(GET_FEATURES, message, is_whole=False)
        assert wide.memory() - before < 700 * MIB  # all of them are 1,200
        eventually(lambda: code_of(wide.ask) == grpc.StatusCode.OK)


def test_watches_of_health_do_not_keep_their_large_requests(wide):
    message = field(99, bytes(MESSAGE_MAX - MIB))
    before = wide.memory()
    with Connection(wide.repository.port) as connection:
        for _ in range(60):
            connection.call("/grpc.health.v1.Health/Watch", message)
        assert {code_of(wide.ask) for _ in range(10)} == {grpc.StatusCode.OK}
        assert wide.memory() - before < 500 * MIB  # all of them are 900


def test_a_connection_holds_back_what_is_more_than_its_share(wide):
    with Connection(wide.repository.port) as connection:
        eventually(lambda: CONCURRENT_STREAMS in connection.settings)
        assert connection.settings[CONCURRENT_STREAMS] == 100


# Callers who do not take their answers -------------------------------------------------------------

def test_answers_that_nobody_takes_are_held_up_to_a_limit(wide):
    request = wide.request([None] * ENTITIES_MAX, "all", with_event_times=True)
    before = wide.memory()
    with Connection(wide.repository.port, window=0) as connection:
        for _ in range(100):
            connection.call(GET_FEATURES, request.SerializeToString())
        for _ in range(20):
            wide.ask()
        connection.wait_ended(80)  # refused: each answer would be of 8 MiB
        wide.ask()
        assert wide.memory() - before < 500 * MIB  # all of them are 850
        eventually(lambda: code_of(lambda: wide.ask_for(request)) == grpc.StatusCode.OK)


def test_answers_that_nobody_takes_keep_no_place_from_others(wide):
    request = wide.request().SerializeToString()
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            connection = stack.enter_context(Connection(wide.repository.port, window=0))
            for _ in range(200):
                connection.call(GET_FEATURES, request)
        eventually(lambda: code_of(wide.ask) == grpc.StatusCode.OK)


# Reads that take long ------------------------------------------------------------------------------

@contextlib.contextmanager
def on_slow_redis(place, stubs, redis, chunk_bytes, pause_seconds, settings="max_call: 1m, "):
    wide = Wide(place, stubs, redis.url)
    with SlowRedis(redis.port, chunk_bytes, pause_seconds) as slow:
        wide.use_redis(slow.url, settings)
        wide.slow = slow
        with wide.serving():
            yield wide


@pytest.fixture
def slow_wide(place, stubs, own_redis):
    """On a Redis that answers with no more than 16 KiB every 6 ms."""
    with on_slow_redis(place, stubs, own_redis, 16 << 10, 0.006) as wide:
        yield wide


def test_a_large_read_takes_its_time_and_fails_nobody(slow_wide):
    request = slow_wide.request(range(ENTITIES_MAX), "all", without_names=True)
    began = time.monotonic()
    much = slow_wide.stubs.larder_grpc.FeatureServiceStub(slow_wide.channel).GetFeatures.future(request, timeout=60)
    asked = []
    while not much.done():
        asked.append(code_of(slow_wide.ask))
    assert [list(column.double_values.values)[:2] for column in much.result().columns] == [[0, i] for i in range(VIEWS)]
    assert time.monotonic() - began > 1, "it was no long read"
    assert set(asked) == {grpc.StatusCode.OK} and len(asked) > 20, "others waited for it"


def test_a_large_read_ends_with_its_callers_deadline(slow_wide):
    with pytest.raises(grpc.RpcError) as caught:
        get_features(slow_wide.stubs, slow_wide.channel, slow_wide.request(range(ENTITIES_MAX), "all"), timeout=0.3)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    time.sleep(3)  # which is enough for all of its 500,000 rows, of five bytes each
    assert slow_wide.slow.passed_bytes < VIEWS * ENTITIES_MAX * 4
    slow_wide.ask()


def test_a_read_that_takes_longer_than_a_call_may_is_given_up(place, stubs, own_redis):
    with on_slow_redis(place, stubs, own_redis, 1 << 10, 0.01, "max_call: 500ms, ") as wide:
        with pytest.raises(grpc.RpcError) as caught:
            get_features(stubs, wide.channel, wide.request(range(ENTITIES_MAX), "all"), timeout=None)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and "0.5 s" in caught.value.details()
        wide.ask()


def test_the_time_that_a_call_may_take_is_one_for_waiting_and_being_read(place, stubs, own_redis):
    """Two large reads of 1.8 s each, one after the other: each alone would be in time."""
    with on_slow_redis(place, stubs, own_redis, 8 << 10, 0.006, "max_call: 3500ms, ") as wide:
        stub = stubs.larder_grpc.FeatureServiceStub(wide.channel)
        request = wide.request(range(ENTITIES_MAX), "all", without_names=True)
        calls = [stub.GetFeatures.future(request, timeout=60) for _ in range(2)]
        assert {call.code() for call in calls} == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
        wide.ask()


def test_who_would_be_answered_too_late_is_refused_so_that_others_are_in_time(slow_wide):
    """Two seconds of calls, each enough for some 30 ms, arriving every 5 ms, with a second's time."""
    request = slow_wide.request(range(300), "all", without_names=True)
    stub = slow_wide.stubs.larder_grpc.FeatureServiceStub(slow_wide.channel)
    calls = []
    for _ in range(400):
        calls.append(stub.GetFeatures.future(request, timeout=1))
        time.sleep(0.005)
    codes = [call.code() for call in calls]
    counts = {code: codes.count(code) for code in set(codes)}
    assert counts[grpc.StatusCode.OK] > counts.get(grpc.StatusCode.DEADLINE_EXCEEDED, 0), counts
    refused = next(call for call in calls if call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert "this call's deadline" in refused.details()
    slow_wide.ask()
