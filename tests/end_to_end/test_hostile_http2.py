"""test_hostile_http2.py - whatever comes to the port: the next caller is answered, and the server holds no more.

LARDER_SEED=N changes other things in the conversations that are changed at random.
"""
import contextlib
import os
import resource
import socket
import threading

import grpc
import pytest

import hostile_http2 as hostile
from asking import get_features, larder_request
from test_server_faults import KEY, code_of, eventually, memory_kib

SEED = int(os.environ.get("LARDER_SEED", "1"))
MIB = 1024  # KiB, as the kernel counts
# What the address and the thread sanitizer hold beside what is used.
SHADOW = 1 if "release" in os.environ.get("LARDER_BUILD", "release") else 4
HALF_OPEN, FLOOD_SECONDS, STORM_BYTES, STORMS_MAX = 300, 0.5, 4 << 20, 5


class Serving:
    """A server with one worker, and one good call to it."""

    def __init__(self, drivers, server):
        self.stubs, self.server, self.port = drivers.stubs, server, drivers.repository.port
        self.request = larder_request(drivers.stubs, KEY, [(1,)], feature_service="dispatch")
        self.message = self.request.SerializeToString()
        self.check()

    def ask(self, timeout=20):
        with grpc.insecure_channel(self.server.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            return get_features(self.stubs, channel, self.request, timeout)

    def check(self, seconds=20):
        """A caller who comes now, and who is patient, is answered."""
        answers = []

        def is_answered():
            assert self.server.process.poll() is None, self.server.said
            code = code_of(lambda: answers.append(self.ask(seconds)))
            assert code in (grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE), code
            return code == grpc.StatusCode.OK

        eventually(is_answered, seconds)
        assert list(answers[0].columns[0].int64_values.values) == [1]

    def memory(self):
        """What it has held at the most until now, in KiB."""
        return memory_kib(self.server.process.pid) // SHADOW

    def resident(self):
        """What it holds now, in KiB."""
        return memory_kib(self.server.process.pid, "VmRSS") // SHADOW

    def line_count(self):
        return self.server.said.count("\n")

    @contextlib.contextmanager
    def bounded(self, lines=20, memory=100 * MIB):
        """What happens inside may make the server say, and hold, so much more."""
        line_count, held = self.line_count(), self.memory()
        yield
        self.check()
        assert self.line_count() - line_count <= lines, self.server.said
        assert self.memory() - held < memory


@pytest.fixture
def serving(drivers, monkeypatch):
    # The address sanitizer otherwise keeps what was freed, which would count as held.
    monkeypatch.setenv("ASAN_OPTIONS", "quarantine_size_mb=1:" + os.environ.get("ASAN_OPTIONS", ""))
    drivers.add(1)
    drivers.materialize()
    with drivers.repository.serving() as server:
        yield Serving(drivers, server)


# What breaks a rule ----------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["beginnings", "frames", "headers", "calls"])
def test_what_breaks_a_rule_does_no_harm(serving, kind):
    thrown = getattr(hostile, kind)(*([serving.message] if kind == "calls" else []))
    with serving.bounded():
        for name, sent in thrown.items():
            try:
                hostile.throw(serving.port, sent)
                serving.check()
            except Exception as error:
                raise AssertionError(f"after {name}: {error}\n{serving.server.said}") from error


def test_good_conversations_with_changes_at_random_do_no_harm(serving):
    parts = hostile.good_conversation(serving.message)
    assert hostile.throw(serving.port, b"".join(parts)) > 500  # it is a good one
    with serving.bounded():
        for seed in range(SEED * 1000, SEED * 1000 + 1000):
            try:
                hostile.throw(serving.port, hostile.mutation(parts, seed))
                if seed % 50 == 0:
                    serving.check()
            except Exception as error:
                raise AssertionError(f"with the seed {seed}: {error}\n{serving.server.said}") from error



# More than there may be ------------------------------------------------------------------------------

FLOODS = {name: chunks for name, chunks in hostile.FLOODS.items() if name not in hostile.TOO_MUCH}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_holds_nobody_up_for_long(serving, name):
    with serving.bounded(memory=300 * MIB):
        for takes_answers in (True, False):
            flood = threading.Thread(target=hostile.flood, args=(serving.port, FLOODS[name], FLOOD_SECONDS, takes_answers))
            flood.start()
            serving.check()
            flood.join()


@pytest.mark.parametrize("name", hostile.TOO_MUCH)
def test_what_grpc_does_not_withstand_is_over_when_it_ends(serving, name):
    hostile.flood(serving.port, hostile.FLOODS[name], 0.3, True)
    serving.check(60)
    assert serving.line_count() < 20, serving.server.said


@pytest.mark.skipif(SHADOW > 1, reason="a sanitizer's malloc is another one")
def test_what_a_storm_of_calls_took_is_given_back(serving):
    before = serving.resident()
    for _ in range(STORMS_MAX):
        hostile.flood(serving.port, hostile.FLOODS["calls that are reset"], 60, True, bytes_max=STORM_BYTES)
        serving.check(120)
        if serving.memory() - before > 100 * MIB:  # held meanwhile: how much depends on who is the faster
            break
    else:
        pytest.skip("the server was faster than every storm")
    eventually(lambda: serving.resident() - before < 40 * MIB, 90)
    serving.check()


@contextlib.contextmanager
def held_open(port, count):
    """Connections that come to nothing: silent, in the middle of the preface, of a frame, or of a call."""
    starts = [b"", hostile.PREFACE[:5], hostile.START, hostile.START + b"\0\0", hostile.START + hostile.call()]
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 10)) for _ in range(count)]
        for i, connection in enumerate(held):
            with contextlib.suppress(ConnectionError):
                connection.sendall(starts[i % len(starts)])
        yield held


def test_hundreds_of_half_open_connections_hold_up_nobody(serving):
    with serving.bounded(lines=5, memory=60 * MIB), held_open(serving.port, HALF_OPEN) as held:
        for byte in hostile.PREFACE[5:15]:
            for slow in held[1::5]:
                slow.send(bytes([byte]))
            serving.check()


def test_more_connections_than_files_may_be_open_cost_the_port_nothing(serving):
    files = 200
    with grpc.insecure_channel(serving.server.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        ask = lambda: get_features(serving.stubs, channel, serving.request, 20)
        ask()
        resource.prlimit(serving.server.process.pid, resource.RLIMIT_NOFILE, (files, files))
        with held_open(serving.port, 2 * files):
            serving.server.wait_said("too many connections")
            ask()
        eventually(lambda: code_of(serving.ask) == grpc.StatusCode.OK)
    assert serving.server.said.count("too many connections") == 1
