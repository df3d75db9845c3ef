"""slow_redis.py - a Redis far away: a proxy before a real one, which lets answers through slowly.

Commands pass at once; of what is answered on one connection, chunk_bytes pass in every pause.
"""
import socket
import threading
import time


class SlowRedis:
    def __init__(self, port, chunk_bytes, pause_seconds):
        self.redis_port, self.chunk_bytes, self.pause_seconds = port, chunk_bytes, pause_seconds
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
            threading.Thread(target=self._pass_on, args=(caller, redis, 1 << 16, 0), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(redis, caller, self.chunk_bytes, self.pause_seconds),
                             daemon=True).start()

    @staticmethod
    def _pass_on(source, target, chunk_bytes, pause_seconds):
        try:
            while data := source.recv(chunk_bytes):
                target.sendall(data)
                time.sleep(pause_seconds)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
