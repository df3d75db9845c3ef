"""test_metrics.py - /metrics: what it says is what was asked."""
import re
import socket

import grpc
import pytest

from asking import feast_request, larder_request
from hostile_http2 import START, head, number
from hostile_http2 import call as call_begins
from http2 import END_HEADERS, END_STREAM, HEADERS, RST_STREAM, frame
from metrics import Metrics
from repository import ROOT
from slow_redis import SlowRedis
from test_server_faults import code_of, eventually
from test_stream import Stream
from web import ask

LARDER, FEAST = "larder.v1.FeatureService/GetFeatures", "feast.serving.ServingService/GetOnlineFeatures"
STREAM = "larder.v1.FeatureService/StreamFeatures"
REQUESTS = {LARDER: larder_request, FEAST: feast_request}
KEY = {"driver_id": "int64"}
CODES = grpc.StatusCode


def metrics(drivers):
    answer = ask(drivers.repository.http_port, "/metrics")
    assert answer.code == 200 and answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Metrics(answer.text)


def call(drivers, channel, method, keys, **what):
    """(code, bytes asked, bytes answered) of one call."""
    request = REQUESTS[method](drivers.stubs, KEY, [(key,) for key in keys], **what).SerializeToString()
    answers = []
    code = code_of(lambda: answers.append(channel.unary_unary("/" + method)(request, timeout=30)))
    return code, len(request), sum(map(len, answers))


@pytest.fixture
def known(drivers):
    """Driver 1 is present, 2 has a null, 3 is too old, and 4 is not there."""
    drivers.add(1)
    drivers.add(2, rating="NULL")
    drivers.add(3, ago="8 hours")
    drivers.materialize()
    return drivers


def test_a_server_that_was_asked_nothing_has_counted_nothing(known):
    with known.repository.serving():
        eventually(lambda: metrics(known)["larder_ready"] == 1)
        found = metrics(known)
        assert found["larder_requests_total"] == found["larder_view_rows_total"] == found["larder_open_calls"] == 0
        assert found["larder_request_seconds_count"] == found["larder_store_read_seconds_count"] == 0
        assert found["larder_definitions_version"] == found["larder_registry_up"] == 1
        assert found["larder_online_store_state", {"state": "ready"}] == found["larder_online_store_state"] == 1
        assert found.values("larder_requests_total", "method") == {LARDER, FEAST, STREAM}
        assert 1 << 20 < found["process_resident_memory_bytes"] < 1 << 30
        assert found["process_open_fds"] < found["process_max_fds"]
        assert 1.7e9 < found["process_start_time_seconds"] < 1e10


@pytest.mark.parametrize("method", [LARDER, FEAST])
def test_each_request_and_row_is_counted_once(known, method):
    with known.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        rounds = 5
        good = [call(known, channel, method, [1, 2, 3, 4], feature_service="dispatch") for _ in range(rounds)]
        listed = call(known, channel, method, [1, 2], features=["driver_stats:rating", "driver_stats:trip_count"])
        unknown = call(known, channel, method, [1], feature_service="nobody")
        empty = call(known, channel, method, [], feature_service="dispatch")
        assert {code for code, _, _ in good} == {listed[0]} == {CODES.OK}
        assert (unknown[0], empty[0]) == (CODES.NOT_FOUND, CODES.INVALID_ARGUMENT)
        eventually(lambda: metrics(known)["larder_open_calls"] == 0)
        found = metrics(known)

    calls = [*good, listed, unknown, empty]
    codes = {code: found["larder_requests_total", {"method": method, "code": code}]
             for code in found.values("larder_requests_total", "code")}
    assert {code: count for code, count in codes.items() if count} == {
        "OK": rounds + 1, "NOT_FOUND": 1, "INVALID_ARGUMENT": 1}
    assert found["larder_requests_total"] == len(calls)
    assert found["larder_request_seconds_count", {"method": method}] == len(calls)
    assert 0 < found["larder_request_seconds_sum", {"method": method}] < 60
    assert found["larder_request_bytes_total", {"method": method}] == sum(size for _, size, _ in calls)
    assert found["larder_response_bytes_total", {"method": method}] == sum(size for _, _, size in calls)
    assert found["larder_batch_requests_count"] == found["larder_batch_requests_sum"] == len(calls)
    assert found["larder_store_read_seconds_count"] == rounds + 1
    assert found["larder_store_read_keys_total"] == 4 * rounds + 2
    assert found["larder_store_read_failures_total"] == found["larder_refused_calls_total"] == 0

    rows = {status: found["larder_view_rows_total", {"view": "driver_stats", "status": status}]
            for status in found.values("larder_view_rows_total", "status")}
    assert rows == {"present": 2 * rounds + 2, "too_old": rounds, "not_found": rounds}
    assert found["larder_view_null_values_total", {"view": "driver_stats"}] == rounds + 1
    ages = {le: found["larder_view_age_seconds_bucket", {"view": "driver_stats", "le": le}]
            for le in found.values("larder_view_age_seconds_bucket", "le")}
    assert ages["900"] == 0 and ages["21600"] == 2 * rounds + 2 and ages["86400"] == ages["+Inf"] == 3 * rounds + 2
    sum_s = (2 * rounds + 2) * 3600 + rounds * 8 * 3600
    assert sum_s <= found["larder_view_age_seconds_sum"] < sum_s + 3600


def test_requests_of_a_stream_are_counted_each(known):
    with known.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        stream = Stream(known, channel)
        for id in range(1, 11):
            stream.ask(id, larder_request(known.stubs, KEY, [(1,), (4,)], feature_service="dispatch"))
        stream.ask(11, larder_request(known.stubs, KEY, [(1,)], feature_service="nobody"))
        stream.read(11)
        assert metrics(known)["larder_open_streams"] == 1
        stream.end_asking()
        assert stream.read_all() == CODES.OK
        eventually(lambda: metrics(known)["larder_open_streams"] == 0)
        found = metrics(known)
    assert found["larder_requests_total", {"method": STREAM, "code": "OK"}] == 10
    assert found["larder_requests_total", {"method": STREAM, "code": "NOT_FOUND"}] == 1
    assert found["larder_requests_total"] == found["larder_request_seconds_count", {"method": STREAM}] == 11
    sizes = [answer.ByteSize() for answers in stream.answers.values() for answer in answers]
    assert found["larder_response_bytes_total", {"method": STREAM}] == sum(sizes)
    assert found["larder_view_rows_total", {"status": "present"}] == 10 == found["larder_view_rows_total"] / 2


def test_a_large_request_counts_as_one(known):
    count = 10_000
    with known.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        views = ["driver_stats:rating"]
        assert call(known, channel, LARDER, range(1, count + 1), features=views)[0] == CODES.OK
        found = metrics(known)
    assert found["larder_requests_total"] == 1 and found["larder_view_rows_total"] == count
    assert found["larder_store_read_keys_total"] == count
    assert found["larder_view_rows_total", {"status": "present"}] == 2


def test_a_call_that_its_caller_gives_up_before_its_message_is_not_counted_as_a_wrong_one(known):
    with known.repository.serving(), socket.create_connection(("127.0.0.1", known.repository.port), 10) as connection:
        given_up = [call_begins(stream) + frame(RST_STREAM, 0, stream, number(8)) for stream in (1, 3, 5)]
        connection.sendall(START + b"".join(given_up) + frame(HEADERS, END_HEADERS | END_STREAM, 7, head()))
        eventually(lambda: metrics(known)["larder_requests_total"] == 4)
        found = metrics(known)
    assert found["larder_requests_total", {"code": "CANCELLED"}] == 3
    assert found["larder_requests_total", {"code": "INVALID_ARGUMENT"}] == 1


def test_numbers_survive_an_apply(known):
    with known.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        call(known, channel, LARDER, [1, 4], feature_service="dispatch")
        known.define(("  - name: driver_stats\n", "  - name: others\n    entities: [driver]\n    source: trips\n"
                      "    features: [{name: rating, type: float64}]\n  - name: driver_stats\n"))
        known.do("apply")
        eventually(lambda: metrics(known)["larder_definitions_version"] == 2)
        call(known, channel, LARDER, [1], features=["others:rating", "driver_stats:rating"], full_feature_names=True)
        found = metrics(known)
        assert found["larder_view_rows_total", {"view": "driver_stats", "status": "present"}] == 2
        assert found["larder_view_rows_total", {"view": "others", "status": "not_found"}] == 1
        known.define()
        known.do("apply", "--prune")
        eventually(lambda: metrics(known)["larder_definitions_version"] == 3)
        found = metrics(known)
        assert found.values("larder_view_rows_total", "view") == {"driver_stats"}
        assert found["larder_view_rows_total"] == 3


def with_near_cache(drivers):
    text = drivers.repository.settings_text()
    url = drivers.place.redis_url + '"'
    assert url in text
    drivers.repository.write("larder.yaml", text.replace(url, url + ", near_cache: 16MiB"))


def test_what_the_near_cache_does_is_counted(known):
    with_near_cache(known)
    with known.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        eventually(lambda: metrics(known)["larder_near_cache_in_use"] == 1)
        before = metrics(known)
        for _ in range(5):
            call(known, channel, LARDER, [1, 4], feature_service="dispatch")
        found = metrics(known)
        keys = {result: found["larder_near_cache_keys_total", {"result": result}]
                - before["larder_near_cache_keys_total", {"result": result}] for result in ("hit", "miss", "bypass")}
        assert keys == {"hit": 8, "miss": 2, "bypass": 0}
        assert found["larder_near_cache_entries"] == 2
        assert 0 < found["larder_near_cache_bytes"] <= found["larder_near_cache_max_bytes"] == 16 << 20
        known.add(1, ago="1 minute")
        known.materialize()
        eventually(lambda: metrics(known)["larder_near_cache_invalidations_total"] >= 1)
        assert metrics(known)["larder_near_cache_losses_total"] == before["larder_near_cache_losses_total"]


def test_a_store_that_is_away_is_seen(on_own_redis):
    drivers = on_own_redis
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        drivers.redis.kill()
        eventually(lambda: metrics(drivers)["larder_online_store_state", {"state": "away"}] == 1)
        assert metrics(drivers)["larder_ready"] == 0
        for method in REQUESTS:
            assert call(drivers, channel, method, [1], feature_service="dispatch")[0] == CODES.UNAVAILABLE
        found = metrics(drivers)
        assert found["larder_requests_total", {"code": "UNAVAILABLE"}] == found["larder_requests_total"] == 2
        assert found["larder_store_read_failures_total"] == 2 and found["larder_view_rows_total"] == 0
        drivers.redis.start()
        eventually(lambda: metrics(drivers)["larder_ready"] == 1)
        assert metrics(drivers)["larder_online_store_state", {"state": "away"}] == 0


def test_a_call_that_comes_too_late_is_refused_and_counted(on_own_redis):
    drivers = on_own_redis
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        request = larder_request(drivers.stubs, KEY, [(1,)], feature_service="dispatch").SerializeToString()
        drivers.redis.freeze()
        waiting = [channel.unary_unary("/" + LARDER).future(request, timeout=0.1) for _ in range(300)]
        assert CODES.OK not in {call.code() for call in waiting}
        drivers.redis.thaw()
        eventually(lambda: metrics(drivers)["larder_open_calls"] == 0)
        found = metrics(drivers)
        late = found["larder_requests_total", {"code": "DEADLINE_EXCEEDED"}]
        assert found["larder_refused_calls_total", {"reason": "deadline_passed"}] == late > 0


def test_requests_of_a_stream_that_its_caller_gives_up_are_not_counted_as_late_ones(on_own_redis):
    drivers = on_own_redis
    heavy = larder_request(drivers.stubs, KEY, [(key,) for key in range(1000, 11_000)], feature_service="dispatch")
    with SlowRedis(drivers.redis.port, 8192, 0.016) as slow:  # 100 ms for each
        drivers.use_redis(slow.url)
        with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
            for _ in range(10):  # the end may come behind the last of what is in hand: then once more
                stream = Stream(drivers, channel)
                for id in range(8):
                    stream.ask(id, heavy)
                stream.read()
                stream.call.cancel()
                stream.end_asking()
                eventually(lambda: metrics(drivers)["larder_open_streams"] == 0)
                found = metrics(drivers)
                if found["larder_requests_total", {"code": "CANCELLED"}] > 0:
                    break
    assert found["larder_requests_total", {"code": "CANCELLED"}] > 0
    assert found["larder_requests_total", {"code": "DEADLINE_EXCEEDED"}] == found["larder_refused_calls_total"] == 0


def test_a_server_without_definitions_has_metrics(unapplied_drivers):
    with unapplied_drivers.repository.serving(wait=False) as server:
        server.wait_said("waiting for definitions")
        found = metrics(unapplied_drivers)
        assert found["larder_ready"] == found["larder_definitions_version"] == 0
        assert "larder_view_rows_total" not in found.families


def test_what_is_to_be_rebuilt_is_counted(known):
    with known.repository.serving():
        known.sql("ALTER TABLE trips ADD ended timestamptz")
        known.define(("event_time: happened", "event_time: ended"))
        known.do("apply")
        eventually(lambda: metrics(known)["larder_views_to_rebuild"] == 1)
        assert metrics(known)["larder_ready"] == 0


def test_another_reader_finds_the_same(known):
    parser = pytest.importorskip("prometheus_client.parser")
    with known.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        call(known, channel, FEAST, [1, 2, 3, 4], feature_service="dispatch")
        text = ask(known.repository.http_port, "/metrics").text
    theirs = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
              for family in parser.text_string_to_metric_families(text) for sample in family.samples}
    assert theirs == Metrics(text).samples


def test_no_page_shows_a_secret(drivers, server_folder):
    import services
    with services.Redis(server_folder + "/guarded", password="swordfish") as redis:
        drivers.use_redis(redis.url.replace("redis://", "redis://:swordfish@") if "@" not in redis.url else redis.url)
        drivers.do("apply")
        with drivers.repository.serving() as server:
            redis.kill()
            eventually(lambda: metrics(drivers)["larder_ready"] == 0)
            for path in ("/healthz", "/readyz", "/metrics", "/nothing"):
                text = ask(drivers.repository.http_port, path).text
                assert "swordfish" not in text and "postgresql://" not in text and "redis://" not in text
            assert "swordfish" not in server.said


def test_the_manual_has_each_metric(known):
    """Each family stands in the table of docs/operations.md, with its labels, and nothing else does."""
    with_near_cache(known)
    with known.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        call(known, channel, LARDER, [1], feature_service="dispatch")
        found = metrics(known)
    labels = {}
    for (name, pairs) in found.samples:
        family = name if name in found.families else re.sub(r"_(bucket|sum|count)$", "", name)
        labels.setdefault(family, set()).update(key for key, _ in pairs if key != "le")
    text = (ROOT / "docs" / "operations.md").read_text()
    told = {name: set(filter(None, (given or "").split(","))) for name, given in
            re.findall(r"^\| `((?:larder|process)_[a-z_]+)(?:\{([a-z,]+)\})?` \|", text, re.M)}
    assert told == labels
