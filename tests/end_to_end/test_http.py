"""test_http.py - the HTTP port: whether a server lives, whether it is ready and why not, and who misuses it."""
import contextlib
import re
import socket
import threading

import grpc
import pytest

import services
from asking import get_features, larder_request
from drivers import DEFINITIONS, Drivers
from metrics import metrics_of
from sql import psql
from test_server_faults import code_of, eventually
from web import ask, connect, is_open, rest

READY, UNREADY = 200, 503


def readiness(drivers, query=""):
    """(code, lines) of /readyz; whatever it says, the process lives."""
    port = drivers.repository.http_port
    alive = ask(port, "/healthz")
    assert (alive.code, alive.text) == (200, "alive\n")
    answer = ask(port, "/readyz" + query)
    return answer.code, answer.lines


def comes_to_be(drivers, code, *lines, query=""):
    eventually(lambda: readiness(drivers, query) == (code, list(lines)), 20)


@pytest.fixture
def served(drivers):
    with drivers.repository.serving():
        yield drivers


# Ready or not ---------------------------------------------------------------------------------------

NOT_APPLIED = "definitions: nothing is applied yet: run larder apply"
AWAY = "online store: it is away; the log says why"
FOREIGN = "online store: it belongs to another registry: run larder apply --take-over, or name another one"
REBUILD = ("feature view driver_stats: to be rebuilt by larder materialize; "
           "until then the rows of before are served")


def test_it_is_not_ready_until_definitions_are_applied(unapplied_drivers):
    drivers = unapplied_drivers
    with drivers.repository.serving(wait=False) as server:
        server.wait_said("watched over HTTP")
        comes_to_be(drivers, UNREADY, NOT_APPLIED)
        assert not server.is_open()
        drivers.do("apply")
        comes_to_be(drivers, READY, "ready")
        assert server.is_open()


def test_it_is_not_ready_while_its_store_is_away(on_own_redis):
    drivers = on_own_redis
    drivers.redis.stop()
    with drivers.repository.serving(wait=False) as server:
        server.wait_said("watched over HTTP")
        comes_to_be(drivers, UNREADY, AWAY)
        drivers.redis.start()
        comes_to_be(drivers, READY, "ready")
        drivers.redis.kill()
        comes_to_be(drivers, UNREADY, AWAY)
        drivers.redis.start()
        comes_to_be(drivers, READY, "ready")


def test_it_is_not_ready_while_its_store_is_anothers(served, place):
    comes_to_be(served, READY, "ready")
    other = place.postgres.create_database()
    try:
        stranger = place.repository({"features.yaml": DEFINITIONS}, postgres_url=place.postgres.url_of(other))
        psql(place.postgres.url_of(other), "CREATE TABLE trips AS SELECT 1::bigint AS driver_id, now() AS happened,"
             " now() AS recorded, 1::bigint AS trip_count, 1::float8 AS rating")
        stranger.do("apply", "--take-over")
        comes_to_be(served, UNREADY, FOREIGN)
    finally:
        place.postgres.drop_database(other)


def test_it_is_not_ready_while_a_view_is_to_be_rebuilt(served):
    served.add(1)
    served.materialize()
    served.sql("ALTER TABLE trips ADD ended timestamptz")
    served.define(("event_time: happened", "event_time: ended"))
    served.do("apply")
    comes_to_be(served, UNREADY, REBUILD)
    assert readiness(served, "?ignore=rebuilds") == (READY, ["ready", "note: " + REBUILD])
    assert readiness(served, "?ignore=others") == (UNREADY, [REBUILD])
    served.materialize()
    comes_to_be(served, READY, "ready")


def test_it_is_ready_without_its_registry_and_says_so(place, stubs, own_postgres):
    place.sql = lambda *statements: psql(own_postgres.url, *statements)
    place.postgres_url = own_postgres.url
    drivers = Drivers(place, stubs)
    drivers.do("apply")
    note = "note: the registry cannot be read: version 1 of the definitions stays, as "
    with drivers.repository.serving():
        comes_to_be(drivers, READY, "ready")
        own_postgres.kill()
        comes_to_be(drivers, READY, "ready", note + "it was read before")
    with drivers.repository.serving():
        comes_to_be(drivers, READY, "ready", note + "the online store has it")
        own_postgres.start()
        comes_to_be(drivers, READY, "ready")


def test_it_is_not_ready_with_neither_registry_nor_store(on_own_redis):
    drivers = on_own_redis
    drivers.repository.write("larder.yaml", drivers.repository.settings_text()
                             .replace(drivers.place.postgres_url, "postgresql://u:secret@127.0.0.1:1/none")
                             .replace(drivers.place.redis_url, f"redis://:secret@127.0.0.1:{services.free_port()}/0"))
    with drivers.repository.serving(wait=False) as server:
        server.wait_said("waiting for definitions")
        comes_to_be(drivers, UNREADY,
                    "definitions: neither the registry nor the online store gives any; the log says why", AWAY)
        assert "secret" not in ask(drivers.repository.http_port, "/readyz").text


def test_it_is_not_ready_once_the_project_is_removed(served):
    served.do("teardown", "--yes")
    comes_to_be(served, UNREADY, "definitions: the project was removed from the registry")
    served.do("apply")
    comes_to_be(served, READY, "ready")


def test_it_is_not_ready_while_it_stops(on_own_redis):
    drivers = on_own_redis
    text = drivers.repository.settings_text().replace(drivers.place.redis_url + '"', drivers.redis.url + '", timeout: 30s')
    drivers.repository.write("larder.yaml", text)
    request = larder_request(drivers.stubs, {"driver_id": "int64"}, [(1,)], feature_service="dispatch")
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        comes_to_be(drivers, READY, "ready")
        drivers.redis.freeze()
        asking = threading.Thread(target=lambda: code_of(lambda: get_features(drivers.stubs, channel, request)))
        asking.start()
        stopping = threading.Thread(target=lambda: server.stop(60))
        try:
            eventually(lambda: metrics_of(drivers.repository)["larder_open_calls"] == 1)
            stopping.start()
            comes_to_be(drivers, UNREADY, "server: it is stopping")
        finally:
            drivers.redis.thaw()
            asking.join()
            stopping.join()


# Pages ----------------------------------------------------------------------------------------------

def test_an_unknown_page_is_answered_with_those_that_there_are(served):
    answer = ask(served.repository.http_port, "/metric")
    assert answer.code == 404 and {"/healthz", "/readyz"} <= set(answer.lines)
    assert ask(served.repository.http_port, "/readyz/").code == 404
    assert ask(served.repository.http_port, "/%00healthz").code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "NONSENSE"])
def test_a_page_is_only_read(served, method):
    answer = ask(served.repository.http_port, "/healthz", method, b"x" * 100 if method == "POST" else None)
    assert answer.code == 405 and answer.headers["Allow"] == "GET, HEAD"


def test_a_head_is_a_page_without_its_text(served):
    eventually(lambda: ask(served.repository.http_port, "/readyz").code == 200)
    whole, head = [ask(served.repository.http_port, "/readyz", method) for method in ("GET", "HEAD")]
    assert head.code == 200 and head.text == ""
    assert head.headers["Content-Length"] == whole.headers["Content-Length"] == str(len(whole.text))
    assert whole.headers["Cache-Control"] == "no-store"


# The port -------------------------------------------------------------------------------------------

def with_http(drivers, value):
    text = drivers.repository.settings_text()
    own = f', http: "127.0.0.1:{drivers.repository.http_port}"'
    assert own in text
    drivers.repository.write("larder.yaml", text.replace(own, value))
    return drivers.repository


@pytest.mark.parametrize("value", ["", ', http: ""', ', http: "${LARDER_NO_SUCH:-}"'])
def test_without_an_address_there_is_no_port(drivers, value):
    with with_http(drivers, value).serving() as server:
        assert not is_open(drivers.repository.http_port)
        assert "HTTP" not in server.said


def test_any_free_port_is_told(drivers):
    with with_http(drivers, ', http: "localhost:0"').serving() as server:
        line = next(line for line in server.said.splitlines() if "watched over HTTP" in line)
        port = int(line.rpartition("address=localhost:")[2])
        with socket.create_connection(("localhost", port), 10) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert rest(connection).endswith(b"\r\n\r\nalive\n")


def test_a_taken_port_is_refused(drivers):
    with socket.create_server(("127.0.0.1", drivers.repository.http_port)):
        refused = drivers.refused("serve", code=1)
    assert refused.err.splitlines()[-1] == (
        f"larder: cannot listen on 127.0.0.1:{drivers.repository.http_port}: Address already in use; "
        "end the server that has it, or set server.http in larder.yaml")


def test_an_address_that_is_none_is_refused(drivers):
    assert "host:port" in with_http(drivers, ', http: "6567"').refused("serve").err
    assert "server.http" in with_http(drivers, ', http: "no.such.host.invalid:6567"').refused("serve").err


# Who misuses it -------------------------------------------------------------------------------------

def check_others(drivers):
    """Everybody else is served, over HTTP and over gRPC."""
    assert ask(drivers.repository.http_port, "/healthz").code == 200
    with grpc.insecure_channel(f"127.0.0.1:{drivers.repository.port}") as channel:
        assert drivers.trips(channel, 1)[0] in ("PRESENT", "NOT_FOUND")


def test_a_client_that_never_ends_its_question_is_given_up(served):
    connection = connect(served.repository.http_port, b"GET /healthz HTTP/1.1\r\n")
    ended = threading.Event()

    def drip():
        with contextlib.suppress(OSError):
            while not ended.wait(0.2):
                connection.sendall(b"X: y\r\n")

    dripping = threading.Thread(target=drip)
    dripping.start()
    check_others(served)
    assert rest(connection) == b""
    ended.set()
    dripping.join()
    connection.close()
    check_others(served)


def test_clients_that_take_all_places_are_given_up(served):
    port = served.repository.http_port
    with contextlib.ExitStack() as stack:
        for data in (b"", b"GET /", b"GET /healthz HTTP/1.1\r\nHost: x\r\n") * 40:
            stack.enter_context(connect(port, data))
        check_others(served)


@pytest.mark.parametrize("data", [
    b"GET /healthz HTTP/1.1\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    b"GET /" + b"z" * 100_000 + b" HTTP/1.1\r\n\r\n",
    b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n" + b"x" * 100_000,
    b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    b"\xff" * 20_000,
    b"\r\n" * 20_000,
    b"GET\r\n\r\n",
], ids=["a long header", "many headers", "a long path", "a huge body", "a strange chunk", "HTTP/2", "TLS", "ones",
        "empty lines", "no path"])
def test_what_is_no_question_is_ended(served, data):
    connection = connect(served.repository.http_port)
    with connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        assert re.match(rb"$|HTTP/1\.[01] (4\d\d|505) ", rest(connection))
    check_others(served)


def test_of_questions_on_one_connection_the_first_is_answered(served):
    question = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with connect(served.repository.http_port, question * 50) as connection:
        assert rest(connection).count(b"HTTP/1.1 200") == 1


def test_a_client_that_goes_away_does_no_harm(served):
    for _ in range(50):
        connection = connect(served.repository.http_port, b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    check_others(served)


def test_a_server_stops_while_clients_are_connected(drivers):
    with drivers.repository.serving() as server:
        with connect(drivers.repository.http_port, b"GET /"), connect(drivers.repository.http_port):
            assert server.stop() == 0
        assert server.said.splitlines()[-1].endswith('msg="stopped"')
