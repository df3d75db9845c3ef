"""test_serving.py - a running server: bad requests, services that go away, changes, and its end."""
import signal
import socket
import time

import grpc
import pytest

from asking import feast_request, get_features, get_online_features, larder_request
from drivers import DEFINITIONS, SECOND, TIPS, Drivers
from services import free_port
from sql import psql

KEY = {"driver_id": "int64"}
CODES = grpc.StatusCode


@pytest.fixture
def serving(drivers):
    """(drivers, a channel to a server that has driver 1 online)"""
    drivers.add(1)
    drivers.materialize()
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        drivers.server = server
        yield drivers, channel


def code_of(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    assert caught.value.details() or caught.value.code() == CODES.CANCELLED, "an error without a word"
    return caught.value.code()


def larder_code(stubs, channel, key_types=KEY, keys=((1,),), timeout=30, **what):
    request = larder_request(stubs, key_types, list(keys), **what)
    return code_of(lambda: get_features(stubs, channel, request, timeout))


def feast_code(stubs, channel, key_types=KEY, keys=((1,),), timeout=30, **what):
    request = feast_request(stubs, key_types, list(keys), **what)
    return code_of(lambda: get_online_features(stubs, channel, request, timeout))


BAD_REQUESTS = [
    ("unknown service", {"feature_service": "dispatc"}, CODES.NOT_FOUND),
    ("unknown view", {"features": ["driver_stat:rating"]}, CODES.NOT_FOUND),
    ("unknown feature", {"features": ["driver_stats:ratin"]}, CODES.NOT_FOUND),
    ("no view in the reference", {"features": ["rating"]}, CODES.INVALID_ARGUMENT),
    ("the same feature twice", {"features": ["driver_stats:rating", "driver_stats:rating"]}, CODES.INVALID_ARGUMENT),
    ("nothing asked for", {}, CODES.INVALID_ARGUMENT),
    ("missing key", {"feature_service": "dispatch", "key_types": {}}, CODES.INVALID_ARGUMENT),
    ("another key", {"feature_service": "dispatch", "key_types": {"driver": "int64"}}, CODES.INVALID_ARGUMENT),
    ("a key of the wrong type", {"feature_service": "dispatch", "key_types": {"driver_id": "string"}, "keys": [("1",)]},
     CODES.INVALID_ARGUMENT),
    ("no entities", {"feature_service": "dispatch", "keys": []}, CODES.INVALID_ARGUMENT),
    ("10,001 entities", {"feature_service": "dispatch", "keys": [(i,) for i in range(10001)]},
     CODES.RESOURCE_EXHAUSTED),
]


@pytest.mark.parametrize("ask", [larder_code, feast_code], ids=["larder", "feast"])
@pytest.mark.parametrize("wrong, code", [bad[1:] for bad in BAD_REQUESTS], ids=[bad[0] for bad in BAD_REQUESTS])
def test_a_bad_request_gets_its_status(serving, stubs, ask, wrong, code):
    drivers, channel = serving
    assert ask(stubs, channel, **wrong) == code
    assert drivers.trips(channel, 1) == ("PRESENT", 1)


def test_10_000_entities_are_answered(serving):
    drivers, channel = serving
    answer = drivers.trips(channel, *range(10000))
    assert answer[1] == ("PRESENT", 1) and answer[9999] == ("NOT_FOUND", None) and len(answer) == 10000


def test_columns_of_different_lengths_are_refused(place, stubs):
    place.sql("CREATE TABLE pairs (a bigint, b bigint, at timestamptz, v bigint)")
    repository = place.repository({"features.yaml": """\
entities: [{name: pair, join_keys: {a: int64, b: int64}}]
sources: [{name: pairs, table: pairs, event_time: at}]
feature_views: [{name: vs, entities: [pair], source: pairs, features: [{name: v, type: int64}]}]
feature_services: [{name: s, features: [vs]}]
"""})
    repository.do("apply")
    with repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        request = larder_request(stubs, {"a": "int64", "b": "int64"}, [(1, 1), (2, 2)], feature_service="s")
        request.entities[1].int64_values.values.append(3)
        assert code_of(lambda: get_features(stubs, channel, request)) == CODES.INVALID_ARGUMENT
        request = feast_request(stubs, {"a": "int64", "b": "int64"}, [(1, 1), (2, 2)], feature_service="s")
        request.entities["b"].val.add(int64_val=3)
        assert code_of(lambda: get_online_features(stubs, channel, request)) == CODES.INVALID_ARGUMENT
        request = larder_request(stubs, {"a": "int64", "b": "int64"}, [(1, 1)], feature_service="s")
        request.entities.add().CopyFrom(request.entities[0])
        assert code_of(lambda: get_features(stubs, channel, request)) == CODES.INVALID_ARGUMENT


def test_integers_of_either_width_are_taken_if_in_range(drivers, stubs):
    drivers.add(1)
    drivers.materialize()
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        request = feast_request(stubs, {"driver_id": "int32"}, [(1,)], feature_service="dispatch")
        answer = get_online_features(stubs, channel, request)
        assert answer.results[1].values[0].int64_val == 1


def test_a_null_key_is_not_found(serving):
    drivers, channel = serving
    assert drivers.trips(channel, None, 1) == [("NOT_FOUND", None), ("PRESENT", 1)]


METHODS = ["/larder.v1.FeatureService/GetFeatures", "/feast.serving.ServingService/GetOnlineFeatures"]


def raw_call(channel, method, message):
    return channel.unary_unary(method, request_serializer=None, response_deserializer=None)(message, timeout=20)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("message", [b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x05ab", b"\x08\x01" * 1000],
                         ids=["ones", "an endless length", "cut off", "a number for a text"])
def test_garbage_is_refused_and_does_no_harm(serving, method, message):
    drivers, channel = serving
    assert code_of(lambda: raw_call(channel, method, message)) == CODES.INVALID_ARGUMENT
    assert drivers.trips(channel, 1) == ("PRESENT", 1)


@pytest.mark.parametrize("method", METHODS)
def test_a_message_over_the_limit_is_refused(serving, method):
    drivers, channel = serving
    assert code_of(lambda: raw_call(channel, method, b"\0" * ((16 << 20) + 1))) == CODES.RESOURCE_EXHAUSTED
    assert drivers.trips(channel, 1) == ("PRESENT", 1)


def test_bytes_that_are_no_http2_do_no_harm(serving):
    drivers, channel = serving
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 1000, b""):
        with socket.create_connection(("127.0.0.1", drivers.repository.port)) as connection:
            connection.sendall(junk)
    assert drivers.trips(channel, 1) == ("PRESENT", 1)


@pytest.mark.parametrize("method", ["/larder.v1.FeatureService/Nothing", "/larder.v1.FeatureService/",
                                    "/no.Service/Knows", "/x"])
def test_a_method_nobody_registered_is_unimplemented(serving, method):
    assert code_of(lambda: raw_call(serving[1], method, b"")) == CODES.UNIMPLEMENTED


def test_feasts_info_and_health_are_answered(serving, stubs):
    drivers, channel = serving
    feast = stubs.feast_grpc.ServingServiceStub(channel)
    assert feast.GetFeastServingInfo(stubs.feast.GetFeastServingInfoRequest(), timeout=10).version
    health = stubs.health_grpc.HealthStub(channel)
    for name in ("", "larder.v1.FeatureService", "feast.serving.ServingService"):
        answer = health.Check(stubs.health.HealthCheckRequest(service=name), timeout=10)
        assert answer.status == stubs.health.HealthCheckResponse.SERVING
    nobody = stubs.health.HealthCheckRequest(service="nobody")
    assert code_of(lambda: health.Check(nobody, timeout=10)) == CODES.NOT_FOUND


def test_full_names_are_given_when_asked_for(serving, stubs):
    drivers, channel = serving
    assert set(drivers.ask(channel, [1], feature_service="dispatch", full_feature_names=True)) == {
        "driver_stats__trip_count", "driver_stats__rating"}
    request = feast_request(stubs, KEY, [(1,)], feature_service="dispatch", full_feature_names=True)
    answer = get_online_features(stubs, channel, request)
    assert list(answer.metadata.feature_names.val) == ["driver_id", "driver_stats__trip_count", "driver_stats__rating"]


# Changes while serving -----------------------------------------------------------------------------

def eventually(check, seconds=5):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def test_a_change_is_picked_up_within_a_second_and_no_request_fails(serving):
    drivers, channel = serving
    drivers.define(SECOND)
    process = drivers.repository.start("apply")
    applied = None

    def second_is_served():
        nonlocal applied
        assert drivers.trips(channel, 1) == ("PRESENT", 1)
        if applied is None and process.poll() is not None:
            applied = time.monotonic()
        try:
            return "rating" in drivers.ask(channel, [1], feature_service="second")
        except grpc.RpcError as error:
            assert error.code() == CODES.NOT_FOUND
            return False

    eventually(second_is_served, 15)
    process.communicate()
    assert process.returncode == 0
    assert applied is None or time.monotonic() - applied < 1.5


def test_rows_of_a_schema_that_the_server_does_not_know_yet_are_read(serving):
    drivers, channel = serving
    drivers.sql("ALTER TABLE trips ADD tips bigint DEFAULT 7")
    drivers.define(TIPS)
    drivers.do("apply")
    drivers.materialize()
    assert drivers.trips(channel, 1) == ("PRESENT", 1)
    eventually(lambda: drivers.ask(channel, [1], feature_service="dispatch").get("tips") == [("PRESENT", 7)])


def test_after_teardown_nothing_is_served(serving):
    drivers, channel = serving
    drivers.do("teardown", "--yes")
    eventually(lambda: try_code(lambda: drivers.trips(channel, 1)) in (CODES.NOT_FOUND, CODES.UNAVAILABLE))


def try_code(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return None


# Services that go away -----------------------------------------------------------------------------

def test_without_redis_it_is_unavailable_and_comes_back_by_itself(on_own_redis, own_redis, stubs):
    drivers = on_own_redis
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert drivers.trips(channel, 1) == ("PRESENT", 1)
        own_redis.kill()
        for _ in range(3):
            began = time.monotonic()
            assert larder_code(stubs, channel, feature_service="dispatch") == CODES.UNAVAILABLE
            assert feast_code(stubs, channel, feature_service="dispatch") == CODES.UNAVAILABLE
            assert time.monotonic() - began < 2
        own_redis.start()
        eventually(lambda: try_code(lambda: drivers.trips(channel, 1)) is None)
        drivers.materialize()
        assert drivers.trips(channel, 1) == ("PRESENT", 1)


def test_a_redis_that_hangs_costs_one_timeout_and_holds_up_no_health_check(on_own_redis, own_redis, stubs):
    drivers = on_own_redis
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        drivers.trips(channel, 1)
        own_redis.freeze()
        try:
            began = time.monotonic()
            calls = [stubs.larder_grpc.FeatureServiceStub(channel).GetFeatures.future(
                larder_request(stubs, KEY, [(1,)], feature_service="dispatch"), timeout=20) for _ in range(20)]
            stubs.health_grpc.HealthStub(channel).Check(stubs.health.HealthCheckRequest(), timeout=2)
            assert {call.code() for call in calls} <= {CODES.UNAVAILABLE, CODES.RESOURCE_EXHAUSTED}
            assert time.monotonic() - began < 3
        finally:
            own_redis.thaw()
        eventually(lambda: try_code(lambda: drivers.trips(channel, 1)) is None)


def test_a_deadline_is_kept(on_own_redis, own_redis, stubs):
    drivers = on_own_redis
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        drivers.trips(channel, 1)
        own_redis.freeze()
        try:
            assert larder_code(stubs, channel, feature_service="dispatch", timeout=0.05) == CODES.DEADLINE_EXCEEDED
        finally:
            own_redis.thaw()


def test_it_serves_while_postgres_is_away_at_start_and_later(place, stubs, own_postgres):
    place.sql = lambda *statements: psql(own_postgres.url, *statements)
    place.postgres_url = own_postgres.url
    drivers = Drivers(place, stubs)
    drivers.do("apply")
    drivers.add(1)
    drivers.materialize()
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        own_postgres.kill()
        assert drivers.trips(channel, 1) == ("PRESENT", 1)
    assert drivers.online(1) == ("PRESENT", 1)
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        own_postgres.start()
        drivers.define(SECOND)
        drivers.do("apply")
        eventually(lambda: try_code(lambda: drivers.ask(channel, [1], feature_service="second")) is None, 15)


def test_a_server_that_cannot_open_its_port_yet_waits_and_says_for_what(unapplied_drivers):
    with unapplied_drivers.repository.serving(wait=False) as server:
        server.wait_said("apply")
        assert not server.is_open()
        unapplied_drivers.do("apply")
        server.wait_ready()


def test_a_server_waits_for_redis(drivers, own_redis):
    own_redis.kill()
    drivers.use_redis(own_redis.url)
    with drivers.repository.serving(wait=False) as server:
        server.wait_said(str(own_redis.port))
        assert not server.is_open()
        own_redis.start()
        server.wait_ready()


def test_another_registrys_redis_is_not_served(drivers, postgres):
    drivers.add(1)
    drivers.materialize()
    database = postgres.create_database()
    stranger = drivers.place.repository({"features.yaml": DEFINITIONS}, postgres_url=postgres.url_of(database))
    with stranger.serving(wait=False) as server:
        time.sleep(1)
        assert not server.is_open()
    postgres.drop_database(database)


# Its end -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_when_it_is_told_to(drivers, how):
    with drivers.repository.serving() as server:
        server.process.send_signal(how)
        assert server.process.wait(15) == 0


def test_what_runs_is_finished_before_it_ends(on_own_redis, own_redis, stubs):
    drivers = on_own_redis
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        drivers.trips(channel, 1)
        own_redis.freeze()
        call = stubs.larder_grpc.FeatureServiceStub(channel).GetFeatures.future(
            larder_request(stubs, KEY, [(1,)], feature_service="dispatch"), timeout=20)
        time.sleep(0.05)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
        own_redis.thaw()
        assert call.result().row_count == 1
        assert server.process.wait(15) == 0


def test_a_port_in_use_is_told(drivers):
    text, http = drivers.repository.settings_text(), str(drivers.repository.http_port)
    with drivers.repository.serving():
        assert http in drivers.refused("serve", code=(1, 2), timeout=30).err
        drivers.repository.write("larder.yaml", text.replace(http, str(free_port())))
        assert str(drivers.repository.port) in drivers.refused("serve", code=(1, 2), timeout=30).err


def test_the_next_server_may_have_the_port_at_once(drivers):
    drivers.add(1)
    drivers.materialize()
    for _ in range(3):
        assert drivers.online(1) == ("PRESENT", 1)
