"""http2.py - calls on a bare HTTP/2 connection, for callers who behave as no gRPC client would.

    with Connection(port, window=0) as connection:     # it takes nothing that is answered
        connection.call("/larder.v1.FeatureService/GetFeatures", message)
        connection.wait_ended()

A call's message may be compressed already, and is sent as far as the server's windows let it. What the
server answers is not looked into: only which calls have ended is known, and which were reset.
"""
import socket
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
WINDOW_DEFAULT, FRAME_MAX = 65535, 16384


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def header(name, value):
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


class Connection:
    """window: how many bytes of each answer are taken; those of the connection as a whole are always given back."""

    def __init__(self, port, window=1 << 30):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.changed = threading.Condition()
        self.window, self.next_stream, self.data_bytes = WINDOW_DEFAULT, 1, 0
        self.ended, self.was_reset, self.is_closed = set(), set(), False
        self._send(PREFACE + frame(SETTINGS, 0, 0, b"\0\4" + window.to_bytes(4, "big")))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.reader.join()
        self.socket.close()

    def call(self, method, message, compression=None):
        """Begins a call; its number."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        headers = {":method": "POST", ":scheme": "http", ":path": method, ":authority": "x", "te": "trailers",
                   "content-type": "application/grpc", **({"grpc-encoding": compression} if compression else {})}
        self._send(frame(HEADERS, END_HEADERS, stream, b"".join(header(*each) for each in headers.items())))
        body = bytes([compression is not None]) + len(message).to_bytes(4, "big") + message
        assert len(body) <= WINDOW_DEFAULT, "the window of one call is not followed here"
        for at in range(0, len(body), FRAME_MAX):
            part = body[at:at + FRAME_MAX]
            with self.changed:
                assert self.changed.wait_for(lambda: self.window >= len(part) or self.is_closed, 60)
                self.window -= len(part)
            self._send(frame(DATA, END_STREAM if at + FRAME_MAX >= len(body) else 0, stream, part))
        return stream

    def wait_ended(self, count=None, seconds=60):
        """Until so many calls, or all, have ended or were reset."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.ended) >= (count or self.next_stream // 2), seconds), \
                f"{len(self.ended)} of {self.next_stream // 2} calls ended"

    def _send(self, data):
        self.socket.sendall(data)

    def _read(self):
        file = self.socket.makefile("rb")
        while len(head := file.read(9)) == 9:
            payload = file.read(int.from_bytes(head[:3], "big"))
            self._take(head[3], head[4], int.from_bytes(head[5:], "big"), payload)
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()

    def _take(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            self._send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self._send(frame(PING, ACK, 0, payload))
        elif kind == DATA and payload:
            self._send(frame(WINDOW_UPDATE, 0, 0, len(payload).to_bytes(4, "big")))
        with self.changed:
            self.data_bytes += len(payload) if kind == DATA else 0
            if kind == WINDOW_UPDATE and stream == 0:
                self.window += int.from_bytes(payload, "big")
            if kind == RST_STREAM:
                self.was_reset.add(stream)
            if kind == RST_STREAM or (kind in (HEADERS, DATA) and flags & END_STREAM):
                self.ended.add(stream)
            self.changed.notify_all()
