"""test_server_faults.py - a running server when more comes than it can do, and when what it stands on breaks."""
import itertools
import socket
import threading
import time
import zlib

import grpc
import pytest

from asking import get_features, larder_request
from drivers import DEFINITIONS

KEY = {"driver_id": "int64"}
CODES = grpc.StatusCode
GET_FEATURES = "/larder.v1.FeatureService/GetFeatures"
FEATURES = "larder.v1.FeatureService"


@pytest.fixture
def serving(drivers, own_redis):
    """Drivers on a Redis of their own, driver 1 online, and the server that serves them."""
    drivers.repository.write("larder.yaml", drivers.repository.settings_text().replace(drivers.place.redis_url, own_redis.url))
    drivers.redis = own_redis
    drivers.do("apply")
    drivers.add(1)
    drivers.materialize()
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        drivers.server, drivers.channel = server, channel
        yield drivers


def ask(drivers, timeout=30):
    request = larder_request(drivers.stubs, KEY, [(1,)], feature_service="dispatch")
    return get_features(drivers.stubs, drivers.channel, request, timeout)


def code_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return CODES.OK


def eventually(check, seconds=5):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def is_served(drivers):
    return code_of(lambda: ask(drivers)) == CODES.OK


# Health --------------------------------------------------------------------------------------------

def watch(drivers, service):
    """A running watch, and a list that its statuses come into."""
    call = drivers.stubs.health_grpc.HealthStub(drivers.channel).Watch(
        drivers.stubs.health.HealthCheckRequest(service=service), timeout=60)
    seen = []

    def read():
        try:
            for answer in call:
                seen.append(answer.status)
        except grpc.RpcError as error:
            seen.append(error.code())

    threading.Thread(target=read, daemon=True).start()
    return call, seen


def test_a_watch_follows_redis_and_ends_with_the_server(serving):
    health = serving.stubs.health.HealthCheckResponse
    _, process = watch(serving, "")
    _, features = watch(serving, FEATURES)
    _, nobody = watch(serving, "nobody")
    gone, _ = watch(serving, FEATURES)
    eventually(lambda: features == [health.SERVING] and nobody == [health.SERVICE_UNKNOWN])
    gone.cancel()
    serving.redis.kill()
    eventually(lambda: features == [health.SERVING, health.NOT_SERVING])
    serving.redis.start()
    eventually(lambda: features == [health.SERVING, health.NOT_SERVING, health.SERVING])
    assert process == [health.SERVING]
    began = time.monotonic()
    assert serving.server.stop() == 0 and time.monotonic() - began < 5
    eventually(lambda: features[-2:] == [health.NOT_SERVING, CODES.UNAVAILABLE])
    assert process == [health.SERVING, health.NOT_SERVING, CODES.UNAVAILABLE]
    said = serving.server.said
    assert said.count("the online store is away") == 1 and said.count("the online store is back") == 1


def test_health_is_answered_while_all_workers_wait_for_the_store(serving):
    """Also on a connection that comes only then."""
    serving.server.stop()
    text = serving.repository.settings_text().replace(serving.place.redis_url, serving.redis.url)
    serving.repository.write("larder.yaml", text.replace("type: redis,", "type: redis, timeout: 20s,"))
    with serving.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        serving.channel = channel
        assert is_served(serving)
        request = larder_request(serving.stubs, KEY, [(1,)], feature_service="dispatch")
        serving.redis.freeze()
        try:
            calls = [serving.stubs.larder_grpc.FeatureServiceStub(channel).GetFeatures.future(request, timeout=60)
                     for _ in range(50)]
            for _ in range(3):
                with grpc.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)]) as another:
                    stub = serving.stubs.health_grpc.HealthStub(another)
                    health = stub.Check(serving.stubs.health.HealthCheckRequest(service=""), timeout=10)
                    assert health.status == serving.stubs.health.HealthCheckResponse.SERVING
            assert not any(call.done() for call in calls)
        finally:
            serving.redis.thaw()
        assert {call.code() for call in calls} == {CODES.OK}


# Another registry ----------------------------------------------------------------------------------

def test_a_store_that_another_registry_took_over_is_not_served_from(serving, postgres):
    database = postgres.create_database()
    stranger = serving.place.repository({"features.yaml": DEFINITIONS}, postgres_url=postgres.url_of(database),
                                        redis_url=serving.redis.url)
    serving.place.postgres_url, before = postgres.url_of(database), serving.place.postgres_url
    serving.sql("CREATE TABLE trips (driver_id bigint, happened timestamptz, recorded timestamptz, "
                "trip_count bigint, rating double precision)")
    stranger.do("apply", "--take-over")
    eventually(lambda: code_of(lambda: ask(serving)) == CODES.FAILED_PRECONDITION)
    serving.place.postgres_url = before
    serving.do("apply", "--take-over")
    eventually(lambda: is_served(serving))
    postgres.drop_database(database)


# More than it can do -------------------------------------------------------------------------------

def test_a_flood_on_a_frozen_store_is_answered_in_time(serving):
    request = larder_request(serving.stubs, KEY, [(1,)], feature_service="dispatch")
    channels = [grpc.insecure_channel(serving.server.address, [("grpc.use_local_subchannel_pool", 1)]) for _ in range(4)]
    for channel in channels:
        get_features(serving.stubs, channel, request)
    serving.redis.freeze()
    try:
        began = time.monotonic()
        calls = [serving.stubs.larder_grpc.FeatureServiceStub(channel).GetFeatures.future(request, timeout=60)
                 for _ in range(1000) for channel in channels]
        codes = [call.code() for call in calls]
        took = time.monotonic() - began
    finally:
        serving.redis.thaw()
    assert set(codes) <= {CODES.UNAVAILABLE, CODES.RESOURCE_EXHAUSTED} and took < 20
    eventually(lambda: is_served(serving))
    for channel in channels:
        channel.close()


def test_no_request_fails_while_definitions_change_under_load(serving):
    stop, failures, counts = threading.Event(), [], itertools.count()

    def load():
        with grpc.insecure_channel(serving.server.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            request = larder_request(serving.stubs, KEY, [(1,)] * 10, feature_service="dispatch")
            while not stop.is_set():
                try:
                    answer = get_features(serving.stubs, channel, request)
                    assert answer.columns[0].int64_values.values[0] == 1, answer
                    next(counts)
                except (grpc.RpcError, AssertionError) as error:
                    failures.append(error)
                    return

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(6):
        serving.define(("  - name: dispatch\n", f"  - {{name: other{i}, features: [driver_stats]}}\n  - name: dispatch\n"))
        serving.do("apply", "--prune")
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures and next(counts) > 100
    eventually(lambda: f"version={7}" in serving.server.said)


# Rows that are not as they should be ---------------------------------------------------------------

def row_key(redis):
    """The one row's key: rows stand under a hash tag, and the byte of their format is 1."""
    keys = [key for key in redis.command("KEYS", "{*") if redis.command("TYPE", key) == b"string"]
    rows = [key for key in keys if (redis.command("GETRANGE", key, 39, 39)) == b"\x01"]
    assert len(rows) == 1, keys
    return rows[0]


def test_a_corrupt_row_fails_its_request_alone_and_is_logged_once(serving):
    key = row_key(serving.redis)
    serving.redis.command("SETRANGE", key, 45, b"\xa5")
    other = larder_request(serving.stubs, KEY, [(2,)], feature_service="dispatch")
    for _ in range(20):
        with pytest.raises(grpc.RpcError) as caught:
            ask(serving)
        assert caught.value.code() == CODES.DATA_LOSS and "driver_stats" in caught.value.details()
        get_features(serving.stubs, serving.channel, other)
    assert serving.server.said.count("a stored row is corrupt") <= 2  # one for each worker
    serving.materialize("--from", "1990-01-01T00:00:00Z")


def test_a_schema_that_nobody_knows_is_an_error_and_holds_up_nobody(serving):
    serving.redis.command("SETRANGE", row_key(serving.redis), 36, b"\xe7\x03")
    began = time.monotonic()
    calls = [serving.stubs.larder_grpc.FeatureServiceStub(serving.channel).GetFeatures.future(
        larder_request(serving.stubs, KEY, [(1,)], feature_service="dispatch"), timeout=20) for _ in range(50)]
    other = larder_request(serving.stubs, KEY, [(2,)], feature_service="dispatch")
    for _ in range(20):
        get_features(serving.stubs, serving.channel, other, timeout=0.5)
    assert {call.code() for call in calls} == {CODES.INTERNAL}
    assert "999" in calls[0].details() and time.monotonic() - began < 5


# Requests that are odd -----------------------------------------------------------------------------

def test_a_call_without_a_message_is_told(serving):
    future = serving.channel.stream_unary(GET_FEATURES).future(iter(()), timeout=10)
    assert future.code() == CODES.INVALID_ARGUMENT


def test_a_compressed_request_is_read(serving):
    request = larder_request(serving.stubs, KEY, [(1,)] * 2000, feature_service="dispatch")
    for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        answer = serving.stubs.larder_grpc.FeatureServiceStub(serving.channel).GetFeatures(
            request, compression=compression, timeout=10)
        assert answer.row_count == 2000


def memory_kib(pid, name="VmHWM"):
    with open(f"/proc/{pid}/status") as status:
        return int(next(line for line in status if line.startswith(name)).split()[1])


def test_a_request_that_expands_without_end_costs_no_memory(serving):
    before = memory_kib(serving.server.process.pid)
    bomb = b"\0" * (256 << 20)
    call = serving.channel.unary_unary(GET_FEATURES)
    with pytest.raises(grpc.RpcError) as caught:
        call(bomb, compression=grpc.Compression.Gzip, timeout=60)
    assert caught.value.code() == CODES.RESOURCE_EXHAUSTED
    assert len(zlib.compress(bomb)) < 1 << 20 and memory_kib(serving.server.process.pid) - before < 64 << 10
    assert is_served(serving)


def test_a_caller_that_goes_away_costs_nothing(serving):
    request = larder_request(serving.stubs, KEY, [(1,)], feature_service="dispatch")
    for _ in range(20):
        with grpc.insecure_channel(serving.server.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            for _ in range(20):
                serving.stubs.larder_grpc.FeatureServiceStub(channel).GetFeatures.future(request).cancel()
    assert is_served(serving)


HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS = 0, 1, 3, 4


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def call_that_takes_nothing(stream, message):
    """The frames of a GetFeatures call, and before it a window of 0 for what is answered."""
    headers = [(":method", "POST"), (":scheme", "http"), (":path", GET_FEATURES), (":authority", "x"),
               ("te", "trailers"), ("content-type", "application/grpc")]
    packed = b"".join(b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
                      for name, value in headers)
    return (frame(SETTINGS, 0, 0, (4).to_bytes(2, "big") + (0).to_bytes(4, "big")) + frame(HEADERS, 4, stream, packed)
            + frame(DATA, 1, stream, b"\0" + len(message).to_bytes(4, "big") + message))


@pytest.mark.long
def test_a_caller_that_does_not_take_its_answer_is_given_up(serving):
    message = larder_request(serving.stubs, KEY, [(1,)], feature_service="dispatch").SerializeToString()
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", serving.repository.port), 60) as connection:
        connection.sendall(HTTP2_PREFACE + call_that_takes_nothing(1, message))
        answers, kind = connection.makefile("rb"), None
        while kind != RST_STREAM:
            head = answers.read(9)
            assert len(head) == 9, "the connection ended"
            kind = head[3]
            assert kind != DATA
            answers.read(int.from_bytes(head[:3], "big"))
    assert 25 < time.monotonic() - began < 45
    assert is_served(serving)


# Its end -------------------------------------------------------------------------------------------

def test_it_ends_in_time_while_the_store_hangs(serving):
    serving.redis.freeze()
    try:
        calls = [serving.stubs.larder_grpc.FeatureServiceStub(serving.channel).GetFeatures.future(
            larder_request(serving.stubs, KEY, [(1,)], feature_service="dispatch"), timeout=60) for _ in range(10)]
        time.sleep(0.05)
        began = time.monotonic()
        assert serving.server.stop() == 0
        assert time.monotonic() - began < 11
        assert {call.code() for call in calls} == {CODES.UNAVAILABLE}
    finally:
        serving.redis.thaw()
