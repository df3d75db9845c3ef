"""faults.py - what goes wrong in a soak, one after the other, each over in a few seconds.

A fault is a function of the soak; what it says in its docstring is what the table calls it. Those that lose
rows are marked: entities may be NOT_FOUND until the next run of the materializer has brought them back.
"""
import contextlib
import socket
import subprocess
import time

from http2 import Connection

METHOD = "/larder.v1.FeatureService/GetFeatures"


def redis_is_killed(soak):
    """Redis killed, and back after 2 s, empty"""
    soak.redis.kill()
    time.sleep(2)
    soak.redis.start()


def redis_is_frozen(soak):
    """Redis frozen for 2 s"""
    soak.redis.freeze()
    try:
        time.sleep(2)
    finally:
        soak.redis.thaw()


def postgres_is_restarted(soak):
    """PostgreSQL shut down at once, and back"""
    soak.world.postgres.kill()
    time.sleep(1)
    soak.world.postgres.start()


def server_is_killed(soak):
    """the server killed, and started again"""
    soak.restart_server()


def definitions_change(soak):
    """changed definitions applied"""
    soak.apply_longer_ttl()


def callers_are_slow(soak):
    """8 callers who take no answers for 5 s"""
    with contextlib.ExitStack() as stack, open(soak.large_request, "rb") as file:
        message = file.read()
        for _ in range(8):
            connection = stack.enter_context(Connection(soak.repository.port, window=0))
            for _ in range(60):
                connection.call(METHOD, message)
        time.sleep(5)


def connections_flood(soak):
    """500 connections that say nothing or rubbish, for 3 s"""
    with contextlib.ExitStack() as stack:
        for number in range(500):
            with contextlib.suppress(OSError):
                each = stack.enter_context(socket.create_connection(("127.0.0.1", soak.repository.port), 5))
                if number % 2:
                    each.sendall(b"GET / HTTP/1.1\r\nHost: nobody\r\n\r\n" * 10)
        time.sleep(3)


def calls_flood(soak):
    """2,000 calls in flight for 3 s"""
    with contextlib.suppress(RuntimeError):  # it ends with the first refusal, which is not its own to judge
        soak.flood(seconds=3)


def views_are_rebuilt(soak):
    """a source changed, so that its view is rebuilt"""
    soak.apply_other_misfits()


def redis_is_emptied(soak):
    """FLUSHDB"""
    soak.redis.command("FLUSHDB")


IN_TURN = [redis_is_killed, definitions_change, redis_is_frozen, callers_are_slow, postgres_is_restarted,
           connections_flood, redis_is_emptied, calls_flood, views_are_rebuilt]
LOSING_ROWS = {redis_is_killed, redis_is_emptied}
ERRORS = (OSError, AssertionError, RuntimeError, subprocess.SubprocessError)
