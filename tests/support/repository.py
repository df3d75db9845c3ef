"""repository.py - a folder of definitions, and the larder commands that a test runs in it.

The program is build/release/larder, or what LARDER_BIN names.
"""
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import services

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 30


def program():
    return os.environ.get("LARDER_BIN") or str(ROOT / "build" / "release" / "larder")


class Outcome:
    """What a command said and how it ended. err is what people read, out what programs do."""

    def __init__(self, completed):
        self.command = " ".join(map(str, completed.args))
        self.code, self.out, self.err = completed.returncode, completed.stdout, completed.stderr

    @property
    def said(self):
        return self.out + self.err

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"$ {self.command}\nexit {self.code}\n{self.out}{self.err}"


class Repository:
    """A repository folder. files: name -> text; larder.yaml is written from the two urls, or with other
    stores, such as offline="{type: sqlite, path: history.db}" and online="{type: lmdb, path: online/}"."""

    def __init__(self, folder, postgres_url, redis_url, files=(), project="demo", settings="", offline=None,
                 online=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.project, self.postgres_url, self.redis_url = project, postgres_url, redis_url
        self.offline = offline or f'{{type: postgres, url: "{postgres_url}"}}'
        self.online = online or f'{{type: redis, url: "{redis_url}"}}'
        self.port, self.http_port = services.free_port(), services.free_port()
        self.write("larder.yaml", self.settings_text() + settings)
        for name, text in dict(files).items():
            self.write(name, text)

    def settings_text(self):
        return (f"project: {self.project}\n"
                f'offline_store: {self.offline}\n'
                f'online_store: {self.online}\n'
                f'server: {{grpc: "127.0.0.1:{self.port}", http: "127.0.0.1:{self.http_port}"}}\n')

    def write(self, name, text):
        """Text as UTF-8, or bytes as they are. Returns the path."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def path(self, name):
        return self.folder / name

    def start(self, *arguments, **more):
        """The command as a running process, its output in pipes."""
        more = {"stdin": subprocess.DEVNULL, **more}
        return subprocess.Popen([program(), *map(str, arguments)], cwd=self.folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def run(self, *arguments, input=None, timeout=120, environment=None, **more):
        """The command's outcome, whatever it is."""
        return Outcome(subprocess.run(
            [program(), *map(str, arguments)], cwd=self.folder, text=True, input=input, capture_output=True,
            timeout=timeout, env={**os.environ, **(environment or {})}, **more))

    def do(self, *arguments, **more):
        """The outcome of a command that has to succeed."""
        outcome = self.run(*arguments, **more)
        assert outcome.code == 0, outcome
        return outcome

    def refused(self, *arguments, code=2, **more):
        """The outcome of a command that has to fail with this code (or one of several), and say why."""
        outcome = self.run(*arguments, **more)
        assert outcome.code in (code if isinstance(code, tuple) else (code,)) and outcome.err, outcome
        return outcome

    @contextlib.contextmanager
    def serving(self, wait=True):
        server = Serve(self)
        try:
            yield server.wait_ready() if wait else server
        finally:
            server.end()


class Serve:
    """`larder serve` in a repository. Its port opens when it can answer."""

    def __init__(self, repository, *arguments):
        self.repository = repository
        self.log = repository.path("serve.log")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([program(), "serve", *arguments], cwd=repository.folder,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def address(self):
        return f"127.0.0.1:{self.repository.port}"

    @property
    def said(self):
        return self.log.read_text(errors="replace")

    def is_open(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.repository.port), 1):
            return True
        return False

    def wait_ready(self, seconds=READY_SECONDS):
        deadline = time.monotonic() + seconds
        while not self.is_open():
            assert self.process.poll() is None, f"serve ended with {self.process.returncode}:\n{self.said}"
            assert time.monotonic() < deadline, f"serve did not open its port:\n{self.said}"
            time.sleep(0.01)
        return self

    def wait_said(self, text, seconds=READY_SECONDS):
        deadline = time.monotonic() + seconds
        while text not in self.said:
            assert self.process.poll() is None, f"serve ended with {self.process.returncode}:\n{self.said}"
            assert time.monotonic() < deadline, f"serve did not say {text!r}:\n{self.said}"
            time.sleep(0.02)

    def stop(self, seconds=15):
        """SIGTERM, as an orchestrator stops it. Returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def end(self):
        """Ends it whatever it does; a server that cannot be stopped, or that stops badly, is a failure."""
        if self.process.poll() is None:
            try:
                code = self.stop()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"serve did not stop on SIGTERM:\n{self.said}") from None
            assert code == 0, f"serve ended with {code}:\n{self.said}"
