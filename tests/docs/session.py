"""session.py - the shell in which a document's commands run, one after the other, in a home of their own.

The reader's machine as the documents suppose it: a clone of Larder in ~/larder, built, its program on the PATH;
PostgreSQL with an empty database `flights`, and a Redis, on their usual ports.
Here they have other ports: what the documents write is replaced by what is so before a command or a file is
used, and the other way round in all that is printed.
"""
import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

import services
from repository import ROOT, program

STEP_SECONDS = 180
LANGUAGE = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "1", "COLUMNS": "80", "TERM": "dumb"}


class Failed(Exception):
    """What a document asked for did not happen."""


class Session:
    def __init__(self, folder, postgres, redis, programs=""):
        """postgres has an empty database `flights`. programs: a folder of more programs."""
        self.home = Path(folder) / "home"
        self.home.mkdir()
        self.postgres, self.redis = postgres, redis
        self.port, self.http_port = services.free_port(), services.free_port()
        self.path = f"{self.home}/.local/bin:{self.home.parent}/bin:{programs}:/usr/local/bin:/usr/bin:/bin"
        self.background, self.count = {}, 0
        self.replacements = self._replacements()
        (self.home / "larder").symlink_to(ROOT)
        self._install()
        self.shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=self.home, env=self._environment(), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        try:
            for name in list(self.background):
                self.stop(name, must_end_well=failure[0] is None)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.shell.pid, signal.SIGKILL)
            self.shell.wait()

    def _environment(self):
        kept = {name: os.environ[name] for name in ("http_proxy", "https_proxy") if name in os.environ}
        return {**kept, **LANGUAGE, "HOME": str(self.home), "USER": "ann", "LARDER_BIN": program(),
                "PATH": self.path, "PYTHONDONTWRITEBYTECODE": "1"}

    def _install(self):
        """The program alone; what else `cmake --install` brings is for the document that shows it."""
        folder = self.home.parent / "bin"
        folder.mkdir()
        (folder / "larder").symlink_to(program())

    def _replacements(self):
        """(as documents write it, as it is), longer ones first where one begins another."""
        postgres = self.postgres.url_of("flights")
        return [
            ("postgresql://localhost/flights", postgres),
            ("postgresql://localhost/", postgres.removesuffix("flights")),
            ("postgresql:///flights", postgres),
            ("@localhost/", "@" + postgres.split("@")[1].removesuffix("flights")),
            ("redis://localhost:6379", self.redis.url),
            ("redis-cli ", f"redis-cli -p {self.redis.port} "),
            ("localhost:5432", f"127.0.0.1:{self.postgres.port}"),
            ('"localhost", port 5432', f'"127.0.0.1", port {self.postgres.port}'),
            ("localhost:6379", f"127.0.0.1:{self.redis.port}"),
            ("127.0.0.1:6566", f"127.0.0.1:{self.port}"),
            ("localhost:6566", f"localhost:{self.port}"),
            ("127.0.0.1:6567", f"127.0.0.1:{self.http_port}"),
            ("~/larder/build/release", str(Path(program()).parent)),
        ]

    def real(self, text):
        for documented, real in self.replacements:
            text = text.replace(documented, real)
        return text

    def documented(self, text):
        for documented, real in self.replacements:
            text = text.replace(real, documented)
        return text.replace(str(self.home), "~").replace(str(ROOT), "~/larder")

    def has(self, name):
        return shutil.which(name, path=self.path) is not None

    # Files ----------------------------------------------------------------------------------------

    def write(self, name, text):
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.real(text))
        self._adopt(path)

    def _adopt(self, path):
        """A larder.yaml names the services that there are, and a port that is free."""
        if path.name != "larder.yaml":
            return
        text = path.read_text()
        real = self.real(text)
        if not re.search(r"^server:", real, re.M):
            real += self.real('server: {grpc: "127.0.0.1:6566"}\n')
        if real != text:
            path.write_text(real)

    # Commands -------------------------------------------------------------------------------------

    def run(self, command):
        """The lines that the command prints, with the last one "(exit N)" unless it exits with 0."""
        text, code = self._ask(f"{{ {self.real(command)}\n}} </dev/null")
        for path in [*self.home.glob("larder.yaml"), *self.home.glob("*/larder.yaml")]:
            self._adopt(path)
        lines = self.documented(text).removesuffix("\n").split("\n") if text else []
        return lines + ([f"(exit {code})"] if code else [])

    def _ask(self, command):
        """(output, exit code) of a command in the shell."""
        self.count += 1
        mark = f"\036{self.count} "
        self.shell.stdin.write(f"{command}\nprintf '{mark}%s\\n' $?\n".encode())
        self.shell.stdin.flush()
        output, deadline = b"", time.monotonic() + STEP_SECONDS
        while not (found := re.search(re.escape(mark.encode()) + rb"(\d+)\n", output)):
            ready, _, _ = select.select([self.shell.stdout], [], [], max(0, deadline - time.monotonic()))
            piece = os.read(self.shell.stdout.fileno(), 65536) if ready else b""
            if not piece:
                raise Failed(f"{command}\ndoes not end, or ends the shell; it printed:\n{output.decode()}")
            output += piece
        return output[:found.start()].decode(errors="replace"), int(found[1])

    # What runs on -----------------------------------------------------------------------------------

    def start(self, command, until):
        """Runs on in the background; the lines of its log up to the one that holds `until`."""
        name = re.search(r"\b(serve|follow)\b", command)[0]
        log = self.home.parent / f"{name}.log"
        log.write_text("")
        text, _ = self._ask(f"{{ exec {self.real(command)}\n}} </dev/null >{log} 2>&1 & echo $!")
        self.background[name] = (int(text), log)
        return self.wait_said(name, until)

    def wait_said(self, name, until):
        pid, log = self.background[name]
        deadline = time.monotonic() + 60
        while True:
            lines = self.documented(log.read_text(errors="replace")).split("\n")[:-1]
            for number, line in enumerate(lines):
                if until in line:
                    return lines[:number + 1]
            if time.monotonic() > deadline or not Path(f"/proc/{pid}").exists():
                raise Failed(f"larder {name} does not say {until!r}:\n" + "\n".join(lines))
            time.sleep(0.02)

    def stop(self, name, must_end_well=True):
        pid, log = self.background.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        _, code = self._ask(f"wait {pid}")
        if code and must_end_well:
            raise Failed(f"larder {name} ended with {code}:\n{log.read_text()}")

    def control(self, verb, what):
        """stop, start, freeze or thaw: redis, postgres or what runs in the background."""
        if what in self.background and verb == "stop":
            self.stop(what)
        else:
            getattr({"redis": self.redis, "postgres": self.postgres}[what], verb)()
