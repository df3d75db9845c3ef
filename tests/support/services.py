"""services.py - private PostgreSQL and Redis servers for tests.

with-services starts one of each for a whole run; tests that need to kill, freeze or configure a server
start their own. A server lives in a folder of its own, listens on a free loopback port, keeps nothing
durable, and dies with the process that started it, whatever happens to that process. (Start servers
from the main thread: the kernel counts the death of the thread that started them.)

Only the standard library is used, so that with-services runs under any python3.
"""
import contextlib
import ctypes
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
START_SECONDS = 60


def free_port():
    """A loopback port that nobody listens on now; another process may still be quicker, so retry."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ordinary_user():
    """Who runs the servers when we are root: PostgreSQL refuses to."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("running as root, and there is neither a user postgres nor nobody")


def postgres_program(name):
    """The server's programs are not on PATH in Debian; a system may have several versions."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda f: float(f.split("/")[4]))
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        folders.append(subprocess.check_output(["pg_config", "--bindir"], text=True).strip())
    for folder in reversed(folders):
        if os.access(os.path.join(folder, name), os.X_OK):
            return os.path.join(folder, name)
    found = shutil.which(name)
    if not found:
        raise RuntimeError(f"PostgreSQL's {name} is not installed; scripts/setup installs it")
    return found


def as_user(user):
    """The arguments that make subprocess run a program as that user."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def dying_with_us(death_signal):
    # Called after the change of user, which would clear it.
    return lambda: LIBC.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)


class Server:
    """What every server can be told; subclasses say how it starts and when it is ready."""

    stop_signal = signal.SIGTERM
    death_signal = signal.SIGTERM

    def __init__(self, folder, port=None):
        self.user = ordinary_user()
        self.folder = os.path.abspath(folder)
        self.port = port
        self.process = None
        os.makedirs(self.folder, exist_ok=True)
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return os.path.join(self.folder, "log")

    def start(self):
        """Starts and waits until it answers. Keeps the port of an earlier start."""
        chosen = self.port
        for attempt in range(5):
            self.port = chosen or free_port()
            self._spawn()
            deadline = time.monotonic() + START_SECONDS
            while time.monotonic() < deadline and self.process.poll() is None:
                if self._ready():
                    return self
                time.sleep(0.02)
            self.kill()
            if chosen and attempt == 0:
                break  # a port that has to be this one is not tried again
        raise RuntimeError(f"{type(self).__name__} did not start:\n{self._log_end()}")

    def _spawn(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self._command(), cwd=self.folder, env={**environment, **self._environment()},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=dying_with_us(self.death_signal), **as_user(self.user))

    def _environment(self):
        return {}

    def _log_end(self):
        with open(self.log, errors="replace") as log:
            return "".join(log.readlines()[-20:])

    def _end(self, how, seconds):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.send_signal(signal.SIGCONT)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def stop(self):
        """Cleanly: what a server keeps, it keeps."""
        self._end(self.stop_signal, 30)

    def kill(self):
        """At once. Harmless if it does not run."""
        self._end(signal.SIGKILL, 10)

    def freeze(self):
        """It keeps its port and its connections, and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)


class Redis(Server):
    """Redis that keeps nothing unless told to. options: more of redis-server's, such as ["--requirepass", "x"]."""

    death_signal = signal.SIGKILL

    def __init__(self, folder, port=None, options=(), environment=None, password=None):
        super().__init__(folder, port)
        self.options = [*options, *(["--requirepass", password] if password else [])]
        self.environment = environment or {}
        self.password = password

    @property
    def url(self):
        return f"redis://:{self.password}@127.0.0.1:{self.port}" if self.password else f"redis://127.0.0.1:{self.port}"

    def _command(self):
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder, "--save", "",
                "--appendonly", "no", "--databases", "64", "--daemonize", "no", *self.options]

    def _environment(self):
        return self.environment

    def _ready(self):
        with contextlib.suppress(OSError, RedisError):
            return self.command("PING") == b"PONG"
        return False

    def keep_much(self):
        """So many keys on disk that a Redis which starts with them can be watched while it loads."""
        self.command("CONFIG", "SET", "rdbcompression", "no")
        self.command("EVAL", "for i = 1, 10000 do redis.call('SET', 'filler:' .. i, string.rep('x', 2048)) end", "0")
        self.command("SAVE")

    def start_loading(self):
        """Starts, and loads what it keeps, 10 ms a key: over a minute, or until finish_loading."""
        options = self.options
        self.options = [*options, "--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024"]
        self._spawn()
        self.options = options
        self._wait_until(self._loads)

    def finish_loading(self):
        assert self._loads(), "it had loaded everything before the test was done"
        self.command("CONFIG", "SET", "key-load-delay", "0")
        self._wait_until(self._ready)

    def _loads(self):
        with contextlib.suppress(OSError, RedisError):
            return b"\nloading:1" in self.command("INFO", "persistence")
        return False

    @staticmethod
    def _wait_until(check):
        deadline = time.monotonic() + START_SECONDS
        while not check():
            assert time.monotonic() < deadline, "it does not start"
            time.sleep(0.02)

    def command(self, *words, database=0):
        with RedisConnection(self.port, self.password) as connection:
            if database:
                connection.command("SELECT", database)
            return connection.command(*words)


class RedisError(Exception):
    """What Redis answered instead of an answer."""


class RedisConnection:
    """The few lines of RESP that tests need."""

    def __init__(self, port, password=None, seconds=10):
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)
        self.file = self.socket.makefile("rb")
        if password:
            self.command("AUTH", password)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def command(self, *words):
        self.send(*words)
        return self._answer()

    def send(self, *words):
        """Without waiting for the answer."""
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))

    def _answer(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self._answer() for _ in range(int(rest))]
        return rest


class Postgres(Server):
    """PostgreSQL without durability. settings: lines for postgresql.conf.

    Its defaults for time are as unfriendly as an owner's may be: Larder's sessions set their own.
    """

    stop_signal = signal.SIGINT
    death_signal = signal.SIGQUIT
    SETTINGS = {
        "listen_addresses": "'127.0.0.1'", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
        "shared_buffers": "'64MB'", "max_connections": "200", "wal_level": "logical", "jit": "off",
        "timezone": "'Asia/Kathmandu'", "datestyle": "'SQL, DMY'", "log_min_messages": "warning",
        "max_wal_size": "'512MB'",
    }

    def __init__(self, folder, port=None, settings=None):
        super().__init__(folder, port)
        self.settings = {**self.SETTINGS, **(settings or {})}

    @property
    def data(self):
        return os.path.join(self.folder, "data")

    @property
    def url(self):
        return self.url_of("postgres")

    def url_of(self, database):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self):
        if not os.path.exists(self.data):
            self._initdb()
        return super().start()

    def standby(self, folder):
        """A copy of this one that follows it; not started yet."""
        copy = Postgres(folder)
        subprocess.run([postgres_program("pg_basebackup"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres",
                        "-D", copy.data, "-R", "--checkpoint=fast"], check=True, cwd=copy.folder,
                       stdin=subprocess.DEVNULL, **as_user(self.user))
        with open(os.path.join(copy.data, "postgresql.conf"), "a") as conf:
            conf.write(f"unix_socket_directories = '{copy.folder}'\n")
        return copy

    def _initdb(self):
        subprocess.run([postgres_program("initdb"), "--no-sync", "--no-instructions", "--auth=trust",
                        "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "-D", self.data],
                       check=True, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       **as_user(self.user))
        with open(os.path.join(self.data, "postgresql.conf"), "a") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in self.settings.items())
            conf.write(f"unix_socket_directories = '{self.folder}'\n")

    def _command(self):
        return [postgres_program("postgres"), "-D", self.data, "-p", str(self.port)]

    def _ready(self):
        # The eighth line of its own pid file says when it takes connections.
        with contextlib.suppress(OSError, IndexError, ValueError):
            with open(os.path.join(self.data, "postmaster.pid")) as file:
                lines = file.read().split("\n")
            return int(lines[0]) == self.process.pid and lines[7].strip() == "ready"
        return False

    def kill(self):
        """An immediate shutdown: as abrupt for its clients as SIGKILL, and no shared memory is left behind."""
        self.thaw()
        self._end(signal.SIGQUIT, 10)

    def freeze(self):
        """With its backends; it makes no more of them once it is frozen itself."""
        super().freeze()
        self._signal_backends(signal.SIGSTOP)

    def thaw(self):
        if self.process.poll() is None:
            self._signal_backends(signal.SIGCONT)
            super().thaw()

    def _signal_backends(self, number):
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as file:
            for pid in map(int, file.read().split()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
