"""http2.py - calls on a bare HTTP/2 connection, for callers who behave as no gRPC client would.

    with Connection(port, window=0) as connection:     # it takes nothing that is answered
        connection.call("/larder.v1.FeatureService/GetFeatures", message)
        connection.wait_ended()

A call's message may be compressed already, and is sent as the server's windows let it. What the server
answers is not looked into: only which calls have ended, or were reset, is known. Pings are acknowledged, as by
every caller who is there; one who has vanished does not say that he has.
"""
import contextlib
import socket
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
CONCURRENT_STREAMS, INITIAL_WINDOW, WINDOW_DEFAULT, FRAME_MAX = 3, 4, 65535, 16384


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def header(name, value):
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def framed(message, compression=None):
    return bytes([compression is not None]) + len(message).to_bytes(4, "big") + message


class Connection:
    """window: how many bytes of each answer are taken; those of the connection as a whole are always given back."""

    def __init__(self, port, window=1 << 30):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.changed = threading.Condition()
        self.windows, self.first_window, self.next_stream = {0: WINDOW_DEFAULT}, WINDOW_DEFAULT, 1
        self.ended, self.is_closed, self.is_gone = set(), False, False
        self.ping_count, self.pong_count = 0, 0  # the server's pings, and what it acknowledged of ours
        self.settings = {}  # the server's, by their numbers
        self._send(PREFACE + frame(SETTINGS, 0, 0, INITIAL_WINDOW.to_bytes(2, "big") + window.to_bytes(4, "big")))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.reader.join()
        self.socket.close()

    def call(self, method, message, compression=None, is_whole=True, is_stream=False):
        """Begins a call, and returns its number. Without is_whole, the last byte of its message never comes; one that
        is_stream may say more."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        headers = {":method": "POST", ":scheme": "http", ":path": method, ":authority": "x", "te": "trailers",
                   "content-type": "application/grpc", **({"grpc-encoding": compression} if compression else {})}
        body = framed(message, compression)
        with self.changed:
            self.windows[stream] = self.first_window
        self._send(frame(HEADERS, END_HEADERS, stream, b"".join(header(*each) for each in headers.items())))
        last_flags = END_STREAM if is_whole and not is_stream else 0
        self._send_body(stream, memoryview(body if is_whole else body[:-1]), last_flags)
        return stream

    def say(self, stream, message, seconds):
        """Sends one more message; False if the server's windows did not let it within so many seconds."""
        body = framed(message)
        with self.changed:
            if not self.changed.wait_for(lambda: self._window(stream) >= len(body) or self._is_over(stream), seconds):
                return False
        self._send_body(stream, memoryview(body), 0)
        return not self._is_over(stream)

    def _send_body(self, stream, left, last_flags):
        while left:
            with self.changed:
                assert self.changed.wait_for(lambda: self._window(stream) > 0 or self._is_over(stream), 60), "no window"
                if self._is_over(stream):
                    return
                part = left[:min(FRAME_MAX, self._window(stream))]
                self.windows[0] -= len(part)
                self.windows[stream] -= len(part)
            left = left[len(part):]
            self._send(frame(DATA, 0 if left else last_flags, stream, part))

    def _window(self, stream):
        return min(self.windows[0], self.windows[stream])

    def _is_over(self, stream):
        return stream in self.ended or self.is_closed

    def wait_ended(self, count=None, seconds=60):
        """Until so many calls, or all, have ended or were reset."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.ended) >= (count or self.next_stream // 2), seconds), \
                f"{len(self.ended)} of {self.next_stream // 2} calls ended"

    def ping(self):
        self._send(frame(PING, 0, 0, bytes(8)))

    def vanish(self):
        """From now on nothing comes from here, and the connection stays, as when a cable is drawn."""
        self.is_gone = True

    def _send(self, data):
        if self.is_gone:
            return
        with contextlib.suppress(OSError):  # which the reader sees, too
            self.socket.sendall(data)

    def _read(self):
        file = self.socket.makefile("rb")
        with contextlib.suppress(OSError):
            while len(head := file.read(9)) == 9:
                payload = file.read(int.from_bytes(head[:3], "big"))
                self._take(head[3], head[4], int.from_bytes(head[5:], "big"), payload)
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()

    def _take(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            self._take_settings(payload)
            self._send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self._send(frame(PING, ACK, 0, payload))
        elif kind == DATA and payload:
            self._send(frame(WINDOW_UPDATE, 0, 0, len(payload).to_bytes(4, "big")))
        with self.changed:
            if kind == PING:
                self.ping_count, self.pong_count = self.ping_count + (not flags), self.pong_count + flags
            if kind == WINDOW_UPDATE and stream in self.windows:
                self.windows[stream] += int.from_bytes(payload, "big")
            if kind == RST_STREAM or (kind in (HEADERS, DATA) and flags & END_STREAM):
                self.ended.add(stream)
            self.changed.notify_all()

    def _take_settings(self, payload):
        for at in range(0, len(payload), 6):
            name, value = int.from_bytes(payload[at:at + 2], "big"), int.from_bytes(payload[at + 2:at + 6], "big")
            self.settings[name] = value
            if name == INITIAL_WINDOW:
                with self.changed:
                    for stream in self.windows.keys() - {0}:
                        self.windows[stream] += value - self.first_window
                    self.first_window = value
