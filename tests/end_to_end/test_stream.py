"""test_stream.py - StreamFeatures of a running server: many requests over one call, each answered once."""
import contextlib
import os
import queue
import threading
import time

import grpc
import pytest

from asking import get_features, larder_request
from drivers import SECOND
from http2 import Connection
from slow_redis import SlowRedis

KEY = {"driver_id": "int64"}
CODES = grpc.StatusCode
STREAM_FEATURES = "/larder.v1.FeatureService/StreamFeatures"
TAKEN_IN_MAX, STREAMS_PER_CONNECTION_MAX = 128, 64
# The thread sanitizer keeps three to four bytes for each that is used.
SHADOW = 4 if "tsan" in os.environ.get("LARDER_BUILD", "") else 1
OWN_CONNECTION = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]


class Stream:
    """A call of StreamFeatures: what is asked goes out, and answers are kept by their id as they come."""

    def __init__(self, world, channel, **more):
        self.stubs, self.outgoing, self.answers, self.order = world.stubs, queue.SimpleQueue(), {}, []
        service = self.stubs.larder_grpc.FeatureServiceStub(channel)
        self.call = service.StreamFeatures(iter(self.outgoing.get, None), **more)

    def message(self, id, request, **more):
        return self.stubs.larder.StreamFeaturesRequest(id=id, request=request, **more)

    def ask(self, id, request, **more):
        self.outgoing.put(self.message(id, request, **more))

    def end_asking(self):
        self.outgoing.put(None)

    def read(self, count=1):
        """The next answers, by id."""
        taken = []
        for _ in range(count):
            answer = next(self.call)
            self.order.append(answer.id)
            self.answers.setdefault(answer.id, []).append(answer)
            taken.append(answer)
        return taken

    def read_all(self):
        """All answers until the stream ends; its code."""
        with contextlib.suppress(grpc.RpcError, StopIteration):
            while True:
                self.read()
        return self.call.code()

    def answer(self, id):
        """What one id was answered with, which has to be once: the response, or the failure."""
        (answer,) = self.answers[id]
        return getattr(answer, answer.WhichOneof("outcome"))


@pytest.fixture
def world(drivers, own_redis):
    """Drivers 1 to 200 on a Redis of their own, each of as many trips as its number, and a running server."""
    text = drivers.repository.settings_text().replace(drivers.place.redis_url, own_redis.url)
    drivers.repository.write("larder.yaml", text)
    drivers.redis = own_redis
    drivers.do("apply")
    drivers.sql(f"INSERT INTO trips SELECT n, {drivers.ago('1 hour')}, {drivers.ago('1 hour')}, n, n / 2.0 "
                f"FROM {drivers.numbers(200)}")
    drivers.materialize()
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address, OWN_CONNECTION) as channel:
        drivers.server, drivers.channel = server, channel
        yield drivers


def request_for(world, *keys, service="dispatch", **more):
    return larder_request(world.stubs, KEY, [(key,) for key in keys], feature_service=service, **more)


def unary(world, request, timeout=30):
    return get_features(world.stubs, world.channel, request, timeout)


def memory_kib(world):
    """What the server has held at the most until now."""
    with open(f"/proc/{world.server.process.pid}/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) // SHADOW


def eventually(check, seconds=10):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def is_served(world, request=None):
    try:
        return unary(world, request or request_for(world, 1)).row_count > 0
    except grpc.RpcError:
        return False


def other_channel(world):
    return grpc.insecure_channel(world.server.address, OWN_CONNECTION)


# Answers -------------------------------------------------------------------------------------------

def requests_of_many_kinds(world, count):
    """Of one driver or several, known or not, with this and that."""
    for i in range(count):
        keys = [i % 230 + 1] if i % 3 else [i % 50, i % 230 + 1, None, 7][:i % 4 + 1]
        yield request_for(world, *keys, with_statuses=bool(i % 2), with_event_times=bool(i % 5),
                          full_feature_names=bool(i % 7))


def test_thousands_in_flight_are_answered_once_each_as_unary_calls_are(world):
    stream = Stream(world, world.channel)
    requests = dict(enumerate(requests_of_many_kinds(world, 3000)))
    for id, request in requests.items():
        stream.ask(id, request)
    stream.end_asking()
    assert stream.read_all() == CODES.OK
    assert sorted(stream.order) == list(requests)
    for id in range(0, 3000, 7):
        assert stream.answer(id) == unary(world, requests[id]), id
    for id in range(1, 200):
        if requests[id].entities[0].int64_values.values[0] == id + 1:
            assert stream.answer(id).columns[0].int64_values.values[0] == id + 1


def test_ids_are_the_callers(world):
    stream = Stream(world, world.channel)
    ids = [7, 0, (1 << 64) - 1, 7, 3, 7]
    for i, id in enumerate(ids):
        stream.ask(id, request_for(world, i + 1))
    stream.end_asking()
    assert stream.read_all() == CODES.OK
    assert sorted(stream.order) == sorted(ids)
    trips = sorted(answer.response.columns[0].int64_values.values[0] for answer in stream.answers[7])
    assert trips == [1, 4, 6]


def test_answers_come_as_they_are_ready_and_the_stream_stays_open(world):
    stream = Stream(world, world.channel)
    for id in range(20):
        stream.ask(id, request_for(world, id + 1))
        stream.read()
        assert stream.answer(id).columns[0].int64_values.values[0] == id + 1
    stream.end_asking()
    assert stream.read_all() == CODES.OK


def define_wide(world):
    """A request for 20,000 rows, which is a batch of its own."""
    world.sql("CREATE TABLE wide (driver_id bigint, happened timestamptz, f bigint)")
    views = "".join(f"  - {{name: w{i}, entities: [driver], source: wide, features: [{{name: f, type: int64}}]}}\n"
                    for i in range(2))
    world.define(("feature_services:\n", "feature_services:\n  - {name: wide, features: [w0, {view: w1, as: other}]}\n"),
                 ("feature_views:\n", "  - {name: wide, table: wide, event_time: happened}\nfeature_views:\n" + views))
    world.do("apply")
    eventually(lambda: "version=2" in world.server.said)
    return request_for(world, *range(10_000), service="wide")


def test_a_large_request_does_not_hold_up_the_small_ones_behind_it(world):
    everyone = request_for(world, *[i % 230 for i in range(10_000)])
    much = define_wide(world)
    stream = Stream(world, world.channel)
    for id in range(100):
        stream.ask(id, much if id in (10, 50) else everyone if id == 5 else request_for(world, id + 1))
    stream.end_asking()
    assert stream.read_all() == CODES.OK
    assert sorted(stream.order) == list(range(100))
    assert stream.answer(10) == unary(world, much) == stream.answer(50)
    assert stream.answer(5) == unary(world, everyone)
    assert stream.order.index(10) > stream.order.index(11), "the small one waited"


def test_bad_requests_in_between_are_told_and_end_nothing(world):
    bad = {10: (request_for(world, 1, service="dispatc"), CODES.NOT_FOUND),
           20: (world.stubs.larder.GetFeaturesRequest(), CODES.INVALID_ARGUMENT),
           30: (None, CODES.INVALID_ARGUMENT),
           40: (request_for(world), CODES.INVALID_ARGUMENT),
           50: (request_for(world, *range(10_001)), CODES.RESOURCE_EXHAUSTED),
           60: (world.stubs.larder.GetFeaturesRequest(feature_service="\u00e4" * 99), CODES.NOT_FOUND)}
    stream = Stream(world, world.channel)
    for id in range(100):
        stream.ask(id, bad[id][0] if id in bad else request_for(world, id + 1))
    stream.end_asking()
    assert stream.read_all() == CODES.OK
    for id in range(100):
        if id not in bad:
            assert stream.answer(id).columns[0].int64_values.values[0] == id + 1
            continue
        failure = stream.answer(id)
        assert failure.code == bad[id][1].value[0] and failure.message
        if bad[id][0] is not None:
            with pytest.raises(grpc.RpcError) as caught:
                unary(world, bad[id][0])
            assert (caught.value.code(), caught.value.details()) == (bad[id][1], failure.message)


def test_compressed_messages_are_read(world):
    stream = Stream(world, world.channel, compression=grpc.Compression.Gzip)
    for id in range(50):
        stream.ask(id, request_for(world, *range(id + 1, id + 300)))
    stream.end_asking()
    assert stream.read_all() == CODES.OK
    assert all(stream.answer(id).columns[0].int64_values.values[0] == id + 1 for id in range(50))


# Its ends ------------------------------------------------------------------------------------------

def test_a_stream_without_a_request_ends_well(world):
    stream = Stream(world, world.channel)
    stream.end_asking()
    assert stream.read_all() == CODES.OK and not stream.answers


def raw_stream(world, messages):
    call = world.channel.stream_stream(STREAM_FEATURES)(iter(messages), timeout=30)
    answers = []
    with contextlib.suppress(grpc.RpcError):
        for answer in call:
            answers.append(world.stubs.larder.StreamFeaturesResponse.FromString(answer))
    return call, answers


def test_a_message_that_is_none_ends_the_stream_behind_the_answers(world):
    good = world.stubs.larder.StreamFeaturesRequest(id=1, request=request_for(world, 1)).SerializeToString()
    call, answers = raw_stream(world, [good, good, b"\xff\xff", good])
    assert call.code() == CODES.INVALID_ARGUMENT and "StreamFeaturesRequest" in call.details()
    assert [answer.response.row_count for answer in answers] == [1, 1]
    call, answers = raw_stream(world, [good + good])
    assert call.code() == CODES.INVALID_ARGUMENT and not answers


def test_a_message_that_is_too_large_ends_the_stream(world):
    call, _ = raw_stream(world, [b"\0" * (17 << 20)])
    assert call.code() == CODES.RESOURCE_EXHAUSTED
    call = world.channel.stream_stream(STREAM_FEATURES)(iter([b"\0" * (256 << 20)]), timeout=60,
                                                        compression=grpc.Compression.Gzip)
    assert call.code() == CODES.RESOURCE_EXHAUSTED and "expands" in call.details()
    assert is_served(world)


def test_streams_that_are_cancelled_in_the_middle_cost_nothing(world):
    for _ in range(20):
        with other_channel(world) as channel:
            streams = [Stream(world, channel) for _ in range(10)]
            for stream in streams:
                for id in range(200):
                    stream.ask(id, request_for(world, id + 1))
            streams[0].read(5)
            for stream in streams[:5]:
                stream.call.cancel()
            for stream in streams:
                stream.end_asking()
    assert is_served(world)
    stream = Stream(world, world.channel)
    stream.ask(1, request_for(world, 1))
    stream.end_asking()
    assert stream.read_all() == CODES.OK and stream.answer(1).row_count == 1


def test_the_deadline_of_a_stream_ends_it(world):
    stream = Stream(world, world.channel, timeout=0.3)
    stream.ask(1, request_for(world, 1))
    stream.read()
    assert stream.read_all() == CODES.DEADLINE_EXCEEDED
    stream.end_asking()
    assert is_served(world)


def test_a_request_whose_time_is_over_is_told_and_the_others_are_answered(world):
    much = define_wide(world)
    with SlowRedis(world.redis.port, 4096, 0.02) as slow:
        world.repository.write("larder.yaml", world.repository.settings_text().replace(world.place.redis_url, slow.url))
        world.server.end()
        with world.repository.serving() as world.server, other_channel(world) as channel:
            stream = Stream(world, channel)
            stream.ask(1, much, timeout_ms=50)
            stream.ask(2, much)
            stream.ask(3, much, timeout_ms=50)
            stream.ask(4, request_for(world, 4), timeout_ms=20_000)
            stream.end_asking()
            assert stream.read_all() == CODES.OK
    assert stream.answer(1).code == stream.answer(3).code == CODES.DEADLINE_EXCEEDED.value[0]
    assert stream.answer(2).row_count == 10_000
    assert stream.answer(4).columns[0].int64_values.values[0] == 4


def test_a_server_that_stops_answers_what_it_has_and_lets_streams_go(world):
    idle, busy = Stream(world, world.channel), Stream(world, world.channel)
    for stream in (idle, busy):
        stream.ask(0, request_for(world, 1))
        stream.read()
    world.redis.freeze()
    try:
        for id in range(1, 50):
            busy.ask(id, request_for(world, id))
        time.sleep(0.3)
        threading.Timer(0.1, world.redis.thaw).start()
        began = time.monotonic()
        assert world.server.stop() == 0 and time.monotonic() - began < 10
    finally:
        world.redis.thaw()
    assert idle.read_all() == CODES.UNAVAILABLE and "stopping" in idle.call.details()
    assert busy.read_all() == CODES.UNAVAILABLE and "stopping" in busy.call.details()
    assert sorted(busy.order) == list(range(50))
    for stream in (idle, busy):
        stream.end_asking()


def test_a_server_stops_in_time_while_streams_never_end_asking(world):
    stop, streams = threading.Event(), [Stream(world, world.channel) for _ in range(4)]

    def keep_asking(stream):
        for id in range(10**9):
            if stop.is_set():
                return stream.end_asking()
            stream.ask(id, request_for(world, 1))
            if id > 300:
                with contextlib.suppress(grpc.RpcError):
                    stream.read()

    threads = [threading.Thread(target=keep_asking, args=(stream,)) for stream in streams]
    for thread in threads:
        thread.start()
    eventually(lambda: all(len(stream.order) > 10 for stream in streams))
    began = time.monotonic()
    assert world.server.stop() == 0
    assert time.monotonic() - began < 9
    stop.set()
    for thread in threads:
        thread.join()
    assert {stream.read_all() for stream in streams} == {CODES.UNAVAILABLE}


# What it stands on ---------------------------------------------------------------------------------

def ask_and_read(world, stream, id):
    stream.ask(id, request_for(world, 5))
    stream.read()
    return stream.answer(id)


def test_a_stream_outlives_redis(world):
    stream, ids = Stream(world, world.channel), iter(range(10**9))
    assert ask_and_read(world, stream, next(ids)).columns[0].int64_values.values[0] == 5
    world.redis.kill()
    for _ in range(20):
        assert ask_and_read(world, stream, next(ids)).code == CODES.UNAVAILABLE.value[0]
    world.redis.start()
    world.do("apply")
    world.materialize("--from", "1990-01-01T00:00:00Z")
    eventually(lambda: getattr(ask_and_read(world, stream, next(ids)), "row_count", 0) == 1)
    assert ask_and_read(world, stream, next(ids)).columns[0].int64_values.values[0] == 5
    stream.end_asking()
    assert stream.read_all() == CODES.OK


def test_definitions_that_change_are_seen_in_mid_stream(world):
    stream, ids = Stream(world, world.channel), iter(range(10**9))
    stream.ask(next(ids), request_for(world, 1, service="second"))
    assert stream.read()[0].failure.code == CODES.NOT_FOUND.value[0]
    world.define(SECOND)
    stop, failures, count = threading.Event(), [], 0

    def ask_all_the_while():
        nonlocal count
        with other_channel(world) as channel:
            other = Stream(world, channel)
            while not stop.is_set():
                for id in range(100):
                    other.ask(id, request_for(world, id + 1))
                failures.extend(each for each in other.read(100) if each.WhichOneof("outcome") != "response")
                count += 1
            other.end_asking()

    thread = threading.Thread(target=ask_all_the_while)
    thread.start()
    eventually(lambda: count > 0)
    world.do("apply")

    def is_known():
        id = next(ids)
        stream.ask(id, request_for(world, 1, service="second"))
        return stream.read()[0].WhichOneof("outcome") == "response"

    eventually(is_known)
    count_before = count
    eventually(lambda: count > count_before)
    stop.set()
    thread.join()
    assert not failures
    stream.end_asking()
    assert stream.read_all() == CODES.OK


def test_a_schema_that_nobody_knows_fails_its_requests_alone(world):
    keys = [key for key in world.redis.command("KEYS", "{*") if world.redis.command("TYPE", key) == b"string"]
    rows = [key for key in keys if world.redis.command("GETRANGE", key, 39, 39) == b"\x01"]
    assert len(rows) == 200
    for key in rows[:10]:
        world.redis.command("SETRANGE", key, 36, b"\xe7\x03")
    stream = Stream(world, world.channel)
    for id in range(1, 201):
        stream.ask(id, request_for(world, id))
    stream.end_asking()
    assert stream.read_all() == CODES.OK
    failed = [stream.answer(id) for id in range(1, 201) if stream.answers[id][0].WhichOneof("outcome") == "failure"]
    assert len(failed) == 10 and {failure.code for failure in failed} == {CODES.INTERNAL.value[0]}


# Flow control, and limits --------------------------------------------------------------------------

class Deaf:
    """A connection with a stream on it, whose caller asks and takes no answer."""

    def __init__(self, world, request):
        self.message = world.stubs.larder.StreamFeaturesRequest(id=1, request=request).SerializeToString()
        self.connection = Connection(world.repository.port, window=0)
        self.stream = self.connection.call(STREAM_FEATURES, self.message, is_stream=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.__exit__()

    def ask(self, count):
        """How many go out before the server takes no more."""
        for sent in range(count):
            if not self.connection.say(self.stream, self.message, seconds=1):
                return sent
        return count


def test_a_caller_who_does_not_read_is_held_back_and_others_are_answered(world):
    before = memory_kib(world)
    with Deaf(world, request_for(world, *[i % 200 + 1 for i in range(1000)])) as deaf:
        sent = deaf.ask(100_000)
        assert TAKEN_IN_MAX <= sent and sent * len(deaf.message) < 20 << 20  # gRPC's window grows to 8 MiB
        for _ in range(50):
            assert unary(world, request_for(world, 3)).columns[0].int64_values.values[0] == 3
        with other_channel(world) as channel:
            stream = Stream(world, channel)
            for id in range(500):
                stream.ask(id, request_for(world, id % 200 + 1))
            stream.end_asking()
            assert stream.read_all() == CODES.OK and len(stream.order) == 500
        assert deaf.ask(100) == 0
    assert memory_kib(world) - before < 40 << 10


def test_streams_that_ask_for_more_than_may_wait_have_their_turn(world):
    streams = open_streams(world, world.channel, 30)
    world.redis.freeze()
    try:
        for id in range(2, 202):
            for stream in streams:  # 30 x 128 may be taken in of each, and 1,024 of all wait at a worker
                stream.ask(id, request_for(world, id - 1))
        time.sleep(0.5)
    finally:
        world.redis.thaw()
    end_all(streams)
    for stream in streams:
        assert sorted(stream.order) == list(range(1, 202))
        outcomes = {answer.WhichOneof("outcome") for (answer,) in stream.answers.values()}
        assert "response" in outcomes and {stream.answer(id).code for id in stream.order
                                           if stream.answers[id][0].HasField("failure")} <= {CODES.UNAVAILABLE.value[0]}


def test_heavy_requests_of_a_stream_leave_others_their_time(world):
    heavy = request_for(world, *range(1000, 11_000))  # 50 KB of "no such row": 100 ms
    with SlowRedis(world.redis.port, 8192, 0.016) as slow:
        settings = world.repository.settings_text().replace(world.place.redis_url, slow.url)
        world.repository.write("larder.yaml", settings.replace("server: {", "server: {workers: 1, "))
        world.server.end()
        with world.repository.serving() as world.server, other_channel(world) as channel:
            stream = Stream(world, channel)
            for id in range(TAKEN_IN_MAX):  # 13 s of work
                stream.ask(id, heavy)
            stream.read(15)  # more than is taken in before the worker knows how heavy they are
            for _ in range(3):
                answer = get_features(world.stubs, channel, request_for(world, 3), timeout=4)
                assert answer.columns[0].int64_values.values[0] == 3
            stream.call.cancel()
            stream.end_asking()


def test_many_who_do_not_read_hold_a_bounded_memory(world):
    before = memory_kib(world)
    nobody = request_for(world, *[None] * 10_000, with_event_times=True)
    with contextlib.ExitStack() as stack:
        for _ in range(40):  # each of whom is owed 30 MB
            stack.enter_context(Deaf(world, nobody)).ask(TAKEN_IN_MAX)
            assert unary(world, request_for(world, 3)).columns[0].int64_values.values[0] == 3
    assert memory_kib(world) - before < 500 << 10
    eventually(lambda: is_served(world, nobody))


@pytest.mark.long
def test_a_caller_who_does_not_read_is_given_up(world):
    with Deaf(world, request_for(world, 1)) as deaf:
        began = time.monotonic()
        deaf.connection.wait_ended()
        assert 25 < time.monotonic() - began < 45
    assert is_served(world)


def test_a_server_stops_although_nobody_takes_its_answers(world):
    with Deaf(world, request_for(world, 1)) as deaf:
        assert deaf.ask(3) == 3 and is_served(world)
        began = time.monotonic()
        assert world.server.stop() == 0
        assert time.monotonic() - began < 12


def open_streams(world, channel, count):
    """So many that stay open, each of which was answered once."""
    streams = [Stream(world, channel) for _ in range(count)]
    for stream in streams:
        stream.ask(1, request_for(world, 1))
        assert stream.read()[0].response.row_count == 1
    return streams


def end_all(streams):
    for stream in streams:
        stream.end_asking()
    assert {stream.read_all() for stream in streams} == {CODES.OK}


def refusal(world, channel):
    stream = Stream(world, channel)
    code = stream.read_all()
    stream.end_asking()
    return code, stream.call.details()


def test_streams_of_one_connection_have_a_limit(world):
    streams = open_streams(world, world.channel, STREAMS_PER_CONNECTION_MAX)
    code, details = refusal(world, world.channel)
    assert code == CODES.RESOURCE_EXHAUSTED and "connection" in details
    assert is_served(world)
    with other_channel(world) as channel:
        end_all(open_streams(world, channel, 2))
    end_all(streams)
    end_all(open_streams(world, world.channel, STREAMS_PER_CONNECTION_MAX))


def test_streams_of_all_have_a_limit(world):
    with contextlib.ExitStack() as stack:
        channels = [stack.enter_context(other_channel(world)) for _ in range(20)]
        streams, refused = [], None
        for channel in channels:
            while not refused and len(streams) < 20 * STREAMS_PER_CONNECTION_MAX:
                stream = Stream(world, channel)
                stream.ask(1, request_for(world, 1))
                try:
                    stream.read()
                except grpc.RpcError as error:
                    stream.end_asking()
                    if "connection" in error.details():
                        break
                    refused = error
                else:
                    streams.append(stream)
        assert refused.code() == CODES.RESOURCE_EXHAUSTED and "limit of streams" in refused.details()
        assert is_served(world)
        end_all(streams)
        end_all(open_streams(world, channels[0], 10))
