"""slow_redis.py - stand-ins for Redis: one far away, one that answers some things wrongly, and one that is none.

SlowRedis is a proxy before a real one. Commands pass at once; of what is answered on one connection,
chunk_bytes pass in every pause, which may be changed while it runs; passed_bytes counts. MangledRedis is a proxy, too,
which answers some commands itself. StrangeRedis answers the same bytes to whatever it is sent.
"""
import contextlib
import socket
import threading
import time


class SlowRedis:
    def __init__(self, port, chunk_bytes, pause_seconds):
        self.redis_port, self.chunk_bytes, self.pause_seconds = port, chunk_bytes, pause_seconds
        self.passed_bytes = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return
            redis = socket.create_connection(("127.0.0.1", self.redis_port))
            for each in (caller, redis):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pass_on, args=(caller, redis, False), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(redis, caller, True), daemon=True).start()

    def _pass_on(self, source, target, is_slow):
        with contextlib.suppress(OSError):
            while data := source.recv(self.chunk_bytes if is_slow else 1 << 16):
                if is_slow:
                    time.sleep(self.pause_seconds)
                    self.passed_bytes += len(data)
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class MangledRedis(SlowRedis):
    """While `answer` is set, it is what comes back whenever what was sent holds the word; then, if `hangs_up`, the end."""

    def __init__(self, port, word):
        super().__init__(port, 1 << 16, 0)
        self.word, self.answer, self.hangs_up = word, None, False

    def _pass_on(self, source, target, is_answer):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                answer, hangs_up = self.answer, self.hangs_up
                if is_answer or answer is None or self.word not in data:
                    target.sendall(data)
                    continue
                source.sendall(answer)
                if hangs_up:
                    break
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class StrangeRedis:
    def __init__(self, port, answer):
        self.answer, self.callers = answer, []
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for caller in self.callers:
            with contextlib.suppress(OSError):
                caller.shutdown(socket.SHUT_RDWR)
            caller.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self.listener.accept()
                self.callers.append(caller)
                threading.Thread(target=self._answer, args=(caller,), daemon=True).start()

    def _answer(self, caller):
        with contextlib.suppress(OSError):
            while caller.recv(1 << 16):
                caller.sendall(self.answer)
