"""hostile_http2.py - what a caller may send who means no good, or is broken: bytes for one connection each.

    for name, sent in malformed(message).items():
        throw(port, sent)

Every entry of malformed() breaks one rule of HTTP/2, HPACK or gRPC, behind a beginning that keeps them all.
mutations() are a good conversation in which something was changed at random.
"""
import contextlib
import gzip
import itertools
import random
import socket
import threading
import time

from http2 import DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, \
    frame, header

PRIORITY, PUSH_PROMISE, CONTINUATION, PADDED, ACK = 2, 5, 9, 8, 1
GET_FEATURES = "/larder.v1.FeatureService/GetFeatures"
START = PREFACE + frame(SETTINGS, 0, 0)
HEAD = {":method": "POST", ":scheme": "http", ":path": GET_FEATURES, ":authority": "x", "te": "trailers",
        "content-type": "application/grpc"}


def head(**changes):
    """The headers of a call; those that are None are left out. In names, _ stands for - and __ for the colon."""
    changes = {name.replace("__", ":").replace("_", "-"): value for name, value in changes.items()}
    return b"".join(header(name, value) for name, value in {**HEAD, **changes}.items() if value is not None)


def call(stream=1, body=None, flags=END_STREAM, **changes):
    return frame(HEADERS, END_HEADERS, stream, head(**changes)) + (
        b"" if body is None else frame(DATA, flags, stream, body))


def prefixed(message, size=None, flag=0):
    return bytes([flag]) + (len(message) if size is None else size).to_bytes(4, "big") + message


def number(value, size=4):
    return value.to_bytes(size, "big")


def setting(name, value):
    return frame(SETTINGS, 0, 0, number(name, 2) + number(value))


def hpack(block):
    return frame(HEADERS, END_HEADERS | END_STREAM, 1, block)


def beginnings():
    """Before anything is agreed upon."""
    return {
        "nothing": b"",
        "another protocol": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "a handshake of TLS": bytes.fromhex("16030100c8010000c40303") + bytes(200),
        "zeros": bytes(1000),
        "a preface that is cut off": PREFACE[:10],
        "a preface with a wrong end": PREFACE[:-1] + b"x",
        "a preface twice": PREFACE + PREFACE,
        "no settings": PREFACE + call(body=prefixed(b"")),
        "a frame that is cut off": START + number(100, 3) + b"\0\0\0\0\0\1" + b"x" * 10,
        "half a frame's head": START + b"\0\0",
    }


def frames():
    """Of a wrong length, on a wrong stream, at a wrong time."""
    return {
        "settings on a stream": START + frame(SETTINGS, 0, 1),
        "settings of an odd length": START + frame(SETTINGS, 0, 0, bytes(5)),
        "settings acknowledged with a payload": START + frame(SETTINGS, ACK, 0, bytes(6)),
        "settings acknowledged that were not sent": START + frame(SETTINGS, ACK, 0) * 100,
        "too large a window": START + setting(4, 1 << 31),
        "too small frames": START + setting(5, 0),
        "too large frames": START + setting(5, 0xffffffff),
        "a push that is neither": START + setting(2, 2),
        "settings that nobody knows": START + frame(SETTINGS, 0, 0, (number(0xbbbb, 2) + number(1)) * 2730),
        "data on no stream": START + frame(DATA, 0, 0, b"x"),
        "data on a stream that is not there": START + frame(DATA, 0, 7, b"x"),
        "data after the end": START + call(body=prefixed(b"")) + frame(DATA, END_STREAM, 1, b"x"),
        "data padded beyond its end": START + call() + frame(DATA, PADDED, 1, b"\xffx"),
        "headers on no stream": START + frame(HEADERS, END_HEADERS, 0, head()),
        "headers on an even stream": START + call(stream=2, body=prefixed(b"")),
        "streams that go back": START + call(stream=5, body=prefixed(b"")) + call(stream=3, body=prefixed(b"")),
        "headers padded beyond their end": START + frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff"),
        "headers after the end": START + call(body=prefixed(b"")) + call(body=prefixed(b"")),
        "a stream that depends on itself": START + frame(HEADERS, END_HEADERS | 0x20, 1, number(1) + b"\0" + head()),
        "a short priority": START + frame(PRIORITY, 0, 1, bytes(4)),
        "a short reset": START + call() + frame(RST_STREAM, 0, 1, bytes(3)),
        "a reset of no stream": START + frame(RST_STREAM, 0, 0, bytes(4)),
        "a reset of a stream that is not there": START + frame(RST_STREAM, 0, 9, bytes(4)),
        "a short ping": START + frame(PING, 0, 0, bytes(7)),
        "a ping on a stream": START + frame(PING, 0, 1, bytes(8)),
        "answers to pings that were not sent": START + frame(PING, ACK, 0, bytes(8)) * 100,
        "a short goodbye": START + frame(GOAWAY, 0, 0, bytes(4)),
        "a goodbye, and more": START + frame(GOAWAY, 0, 0, bytes(8)) + call(body=prefixed(b"")),
        "a window that grows by nothing": START + frame(WINDOW_UPDATE, 0, 0, bytes(4)),
        "a short window": START + frame(WINDOW_UPDATE, 0, 0, bytes(3)),
        "a window that overflows": START + frame(WINDOW_UPDATE, 0, 0, number(0x7fffffff)) * 3,
        "a stream's window that overflows": START + call() + frame(WINDOW_UPDATE, 0, 1, number(0x7fffffff)) * 3,
        "a promise by the client": START + frame(PUSH_PROMISE, END_HEADERS, 1, number(2) + head()),
        "a continuation of nothing": START + frame(CONTINUATION, END_HEADERS, 1, head()),
        "a continuation of another stream": START + frame(HEADERS, 0, 1, head()) + frame(CONTINUATION, 4, 3, b""),
        "headers that data interrupts": START + frame(HEADERS, 0, 1, head()) + frame(DATA, 0, 1, b"x"),
        "frames that nobody knows": START + frame(0xbb, 0xff, 0x7fffffff, bytes(16000)) * 20,
        "a frame of 16 MiB": START + number(0xffffff, 3) + b"\0\0\0\0\0\1" + bytes(1 << 20),
        "headers of 16 MiB": START + number(0xffffff, 3) + b"\1\4\0\0\0\1" + bytes(1 << 20),
        "more data than the window": START + call() + frame(DATA, 0, 1, bytes(16384)) * 300,
    }


def headers():
    """Header blocks, and headers that are none."""
    bomb = b"\x40\x01b\x7f\xb1\x1e" + b"v" * 4000  # kept by the server, and named 10,000 times by one byte each
    return {
        "the header of index 0": START + hpack(b"\x80"),
        "a header that nobody sent": START + hpack(b"\xff\x80\x01"),
        "an endless number": START + hpack(b"\xff" * 2000),
        "a text longer than its frame": START + hpack(b"\0\x7f\xff\xff\x7f"),
        "a code of no letter": START + hpack(b"\0\x84\xff\xff\xff\xff\x01x"),
        "a table without a limit": START + hpack(b"\x3f\xff\xff\xff\xff\x0f" + head()),
        "rubbish": START + hpack(random.Random(1).randbytes(5000)),
        "headers that name one another": START + hpack(head() + bomb + b"\xbe" * 10_000),
        "many headers": START + b"".join(call(stream, b"", **{f"x{i}": "y" * 120 for i in range(100)})
                                         for stream in range(1, 20, 2)),
        "capitals": START + hpack(head() + header("Large", "x")),
        "zeros in a value": START + hpack(head() + header("x", "\0\r\n")),
        "zeros in a name": START + hpack(head() + header("a\0b\r\n", "x")),
        "a header without a name": START + hpack(head() + header("", "x")),
        "two paths": START + hpack(head() + header(":path", "/x")),
        "a path at the end": START + hpack(head(__path=None) + header("x", "y") + header(":path", GET_FEATURES)),
        "no path": START + call(body=prefixed(b""), __path=None),
        "an empty path": START + call(body=prefixed(b""), __path=""),
        "a path without a beginning": START + call(body=prefixed(b""), __path="larder"),
        "a pseudo-header that nobody knows": START + hpack(header(":larder", "x") + head()),
        "headers of a connection": START + call(body=prefixed(b""), connection="close"),
    }


def calls(message):
    """Well-formed HTTP/2, and calls that are not as gRPC has them."""
    return {
        "another content type": START + call(body=prefixed(message), content_type="text/html"),
        "no content type": START + call(body=prefixed(message), content_type=None),
        "another method": START + call(body=prefixed(message), __method="GET"),
        "no method": START + call(body=prefixed(message), __method=None),
        "no trailers": START + call(body=prefixed(message), te=None),
        "a path that nobody knows": START + call(body=prefixed(message), __path="/" + "x" * 100),
        "a message longer than it says": START + call(body=prefixed(message, size=1)),
        "a message shorter than it says": START + call(body=prefixed(message, size=len(message) + 1)),
        "a message of 4 GiB": START + call(body=prefixed(message, size=0xffffffff)),
        "half a length": START + call(body=b"\0\0\0"),
        "a flag that nobody knows": START + call(body=prefixed(message, flag=0xfe)),
        "compressed without a word of how": START + call(body=prefixed(message, flag=1)),
        "compressed rubbish": START + call(body=prefixed(b"\x1f\x8b" + message, flag=1), grpc_encoding="gzip"),
        "half of what was compressed": START + call(body=prefixed(gzip.compress(message)[:-9], flag=1),
                                                    grpc_encoding="gzip"),
        "compressed as nobody knows": START + call(body=prefixed(message, flag=1), grpc_encoding="larder"),
        "two messages": START + call(body=prefixed(message) * 2),
        "no message": START + call(body=b""),
        "timeouts that are none": START + b"".join(
            call(1 + 2 * i, prefixed(message), grpc_timeout=timeout) for i, timeout in
            enumerate(("", "x", "S", "-1S", "1x", "99999999999S", "1.5S", "0n", "99999999H"))),
        "a call that is reset": START + call(body=prefixed(message)) + frame(RST_STREAM, 0, 1, bytes(4)),
        "no room for the answer": PREFACE + setting(4, 0) + call(body=prefixed(message)),
        "more calls than there may be": START + b"".join(call(1 + 2 * i) for i in range(1000)),
    }


def malformed(message):
    return {**beginnings(), **frames(), **headers(), **calls(message)}


def good_conversation(message):
    """As parts, which are frames but for the preface."""
    service = b"\x0a\x18larder.v1.FeatureService"
    return [PREFACE, setting(4, 1 << 20), frame(WINDOW_UPDATE, 0, 0, number(1 << 20)),
            frame(HEADERS, END_HEADERS, 1, head()), frame(DATA, END_STREAM, 1, prefixed(message)),
            frame(PING, 0, 0, bytes(8)), frame(SETTINGS, ACK, 0),
            call(3, prefixed(service), __path="/grpc.health.v1.Health/Check"),
            call(5, prefixed(b"\x3a\x01*"), __path="/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"),
            call(7, prefixed(gzip.compress(message), flag=1), grpc_encoding="gzip"),
            call(9, prefixed(service), __path="/grpc.health.v1.Health/Watch"),
            call(11, prefixed(b""), __path="/larder.v1.FeatureService/Nothing"),
            frame(RST_STREAM, 0, 9, number(8)), frame(GOAWAY, 0, 0, bytes(8))]


def mutation(parts, seed):
    """The conversation with one to five things changed."""
    chance = random.Random(seed)
    parts = list(parts)
    for _ in range(chance.randrange(3)):
        at, other = chance.randrange(1, len(parts)), chance.randrange(1, len(parts))
        chance.choice([lambda: parts.pop(at), lambda: parts.insert(other, parts[at]),
                       lambda: parts.insert(at, parts.pop(other))])()
    sent = bytearray(b"".join(parts))
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(PREFACE), len(sent))
        size = chance.choice([1, 1, 2, 4, 30])
        sent[at:at + chance.choice([0, 1, size])] = chance.choice(
            [b"", chance.randbytes(size), b"\xff" * size, bytes(size), bytes([sent[at] ^ 1 << chance.randrange(8)])])
    return bytes(sent[:chance.randrange(30, len(sent))] if chance.random() < 0.1 else sent)


def many(part, count=1000):
    return lambda chunk: part * count


def streams(make, count=500):
    """Of each stream its own; the numbers go on from chunk to chunk."""
    return lambda chunk: b"".join(make(2 * (chunk * count + i) + 1) for i in range(count))


# What comes over and over: from the number of a chunk to its bytes. The first chunk may begin with something else.
FLOODS = {
    "settings": many(setting(4, 65535)),
    "pings": many(frame(PING, 0, 0, bytes(8))),
    "priorities": many(frame(PRIORITY, 0, 1, number(0) + b"\0")),
    "windows": many(frame(WINDOW_UPDATE, 0, 0, number(1))),
    "frames that nobody knows": many(frame(0xbb, 0, 0, bytes(8))),
    "headers that never end": lambda chunk: (frame(HEADERS, 0, 1, head()) if chunk == 0 else b"")
    + frame(CONTINUATION, 0, 1, header("x", "y" * 100)) * 100,
    "empty data": lambda chunk: (call() if chunk == 0 else b"") + frame(DATA, 0, 1) * 1000,
    "calls that are reset": streams(lambda stream: call(stream) + frame(RST_STREAM, 0, stream, number(8))),
    "whole calls that are reset": streams(
        lambda stream: call(stream, prefixed(b"")) + frame(RST_STREAM, 0, stream, number(8))),
    "calls without a message": streams(call),
    "calls that nobody knows": streams(lambda stream: call(stream, prefixed(b""), __path="/larder")),
}


# Of these, gRPC core 1.51 takes without a limit; docs/operations.md tells of it.
TOO_MUCH = ["headers that never end", "calls that are reset", "whole calls that are reset", "calls without a message"]


def flood(port, chunks, seconds, is_taking, bytes_max=1 << 40):
    """Sends chunk after chunk until the server hangs up, or takes no more, or the time or so many bytes are over; how
    many bytes."""
    until, sent = time.monotonic() + seconds, 0
    with socket.create_connection(("127.0.0.1", port), seconds) as connection:
        if is_taking:
            threading.Thread(target=_take, args=(connection,), daemon=True).start()
        with contextlib.suppress(OSError):
            connection.sendall(START + frame(SETTINGS, ACK, 0))
            for number_of_chunk in itertools.count():
                if time.monotonic() > until or sent > bytes_max:
                    break
                chunk = chunks(number_of_chunk)
                connection.sendall(chunk)
                sent += len(chunk)
    return sent


def _take(connection):
    with contextlib.suppress(OSError):
        while connection.recv(1 << 16):
            continue


def throw(port, sent, seconds=10):
    """Sends it, ends its side, and takes what comes until the server ends, too; how many bytes that was."""
    taken = 0
    with socket.create_connection(("127.0.0.1", port), seconds) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(1 << 16):
                taken += len(part)
        except TimeoutError:
            raise
        except OSError:  # it has hung up
            pass
    return taken
