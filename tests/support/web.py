"""web.py - what the HTTP port of a server says, asked as a decent client asks, or with any bytes."""
import contextlib
import socket
import urllib.error
import urllib.request


class Answer:
    def __init__(self, code, headers, body):
        self.code, self.headers, self.text = code, headers, body.decode()

    @property
    def lines(self):
        return self.text.splitlines()

    def __repr__(self):
        return f"HTTP {self.code}\n{self.text}"


def ask(port, path, method="GET", data=None, seconds=30):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, data=data)
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def is_open(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def connect(port, data=b"", seconds=60):
    """A connection over which these bytes were sent."""
    connection = socket.create_connection(("127.0.0.1", port), seconds)
    if data:
        connection.sendall(data)
    return connection


def rest(connection):
    """All that comes until the other side ends; one that resets has ended, too."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)
