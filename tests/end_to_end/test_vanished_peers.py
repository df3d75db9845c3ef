"""test_vanished_peers.py - who is gone without a word keeps no place, and who is there keeps his.

A server asks a connection that is silent for 15 s whether its peer is there, and waits 20 s for the answer: so these
tests take most of a minute, and it is the server's times that they wait for.
"""
import contextlib
import time
from pathlib import Path

import grpc
import pytest

from asking import get_features, larder_request
from http2 import Connection
from test_server_faults import CODES, KEY, code_of, eventually
from test_stream import OWN_CONNECTION, STREAM_FEATURES, STREAMS_PER_CONNECTION_MAX, Stream

WATCH = "/grpc.health.v1.Health/Watch"
STREAMS_MAX, WATCHES_MAX, CALLS_PER_CONNECTION_MAX = 256, 1000, 100
PATIENCE_SECONDS = 100  # of these tests, with a machine that is busy


@pytest.fixture
def world(drivers):
    """Driver 1 online, and a server with one worker."""
    drivers.add(1)
    drivers.materialize()
    text = drivers.repository.settings_text()
    drivers.repository.write("larder.yaml", text.replace("server: {", "server: {workers: 1, "))
    drivers.request = larder_request(drivers.stubs, KEY, [(1,)], feature_service="dispatch")
    drivers.message = drivers.stubs.larder.StreamFeaturesRequest(id=1, request=drivers.request).SerializeToString()
    with drivers.repository.serving() as server, contextlib.ExitStack() as stack:
        drivers.server, drivers.stack = server, stack
        yield drivers


def connect(world):
    return world.stack.enter_context(Connection(world.repository.port))


def channel_to(world):
    return world.stack.enter_context(grpc.insecure_channel(world.server.address, OWN_CONNECTION))


def crowd(world):
    """Connections that have all places of streams and of watches: one more of each is asked for, and refused."""
    connections = [connect(world) for _ in range(STREAMS_MAX // STREAMS_PER_CONNECTION_MAX)]
    for connection in connections:
        for _ in range(STREAMS_PER_CONNECTION_MAX):
            connection.call(STREAM_FEATURES, world.message, is_stream=True)
    watching = [connect(world) for _ in range(WATCHES_MAX // CALLS_PER_CONNECTION_MAX)]
    for connection in watching:
        for _ in range(CALLS_PER_CONNECTION_MAX):
            connection.call(WATCH, b"")
    for of_a_kind in (connections, watching):  # a newcomer who asked before would have a place of theirs
        eventually(lambda: any(connection.ended for connection in of_a_kind), PATIENCE_SECONDS)
    return connections + watching


def ask_on_a_stream(world, channel):
    """The code of a stream that asks once."""
    stream = Stream(world, channel)
    stream.ask(1, world.request)
    stream.end_asking()
    return stream.read_all()


def begin_watching(channel):
    """The code of a watch, OK where it says something."""
    watch = channel.unary_stream(WATCH)(b"", timeout=30)
    code = code_of(lambda: next(watch))
    watch.cancel()
    return code


def connection_count(port):
    """How many the server has."""
    lines = [line for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    ends = [line.split()[1:4:2] for line in lines]
    return sum(local.endswith(f":{port:04X}") and state == "01" for local, state in ends)


def test_peers_that_vanished_lose_their_places_and_others_keep_theirs(world):
    present, idle, channel = connect(world), connect(world), channel_to(world)
    get_features(world.stubs, channel, world.request)  # and is used no more
    stream = present.call(STREAM_FEATURES, world.message, is_stream=True)
    before = connection_count(world.repository.port)
    peers, newcomer = crowd(world), channel_to(world)
    eventually(lambda: ask_on_a_stream(world, newcomer) == CODES.RESOURCE_EXHAUSTED, PATIENCE_SECONDS)
    eventually(lambda: begin_watching(newcomer) == CODES.RESOURCE_EXHAUSTED, PATIENCE_SECONDS)
    for peer in peers:
        peer.vanish()
    eventually(lambda: ask_on_a_stream(world, newcomer) == CODES.OK, PATIENCE_SECONDS)
    eventually(lambda: begin_watching(newcomer) == CODES.OK, PATIENCE_SECONDS)
    eventually(lambda: all(peer.is_closed for peer in peers), PATIENCE_SECONDS)
    assert present.say(stream, world.message, seconds=10) and not present.is_closed and not idle.is_closed
    assert connection_count(world.repository.port) == before + 1  # the newcomer's
    assert present.ping_count > 0 and idle.ping_count > 0


@pytest.mark.plain
def test_callers_that_ask_whether_the_server_is_there_are_answered(world):
    idle, watching = connect(world), connect(world)
    watching.call(WATCH, b"")
    for _ in range(4):
        idle.ping()
        watching.ping()
        time.sleep(7)
    assert idle.pong_count == watching.pong_count == 4
    assert not idle.is_closed and not watching.is_closed
