"""conftest.py - what every pytest suite shares: the options of scripts/test, services, stubs, a clean place."""
import itertools
import os
import re
import signal
import tempfile

import pytest

import services
from repository import ROOT, Repository
from sql import psql


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also what takes minutes")
    parser.addoption("--filter", default="", metavar="REGEX", help="only the tests whose id matches")
    parser.addoption("--claims", default=None, metavar="FOLDER",
                     help="share the tests with other runs that are given this folder")
    parser.addoption("--patience", default=300, type=float, metavar="SECONDS",
                     help="what a test may take, and six times that if it is a long one; so may what sets it up")


def pytest_collection_modifyitems(config, items):
    is_sanitized = os.path.basename(os.environ.get("LARDER_BUILD", "")) in ("asan", "tsan")
    unwanted = () if config.getoption("--long") else ("long", "plain") if is_sanitized else ("long",)
    wanted = [item for item in items if re.search(config.getoption("--filter"), item.nodeid)
              and not any(item.get_closest_marker(mark) for mark in unwanted)]
    if len(wanted) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
        items[:] = wanted


CLAIM = 40  # tests; a file of many is shared, too


def claimed(items, folder):
    """The tests that no other run has claimed; a handful of a file is claimed when its turn comes."""
    for path, of_file in itertools.groupby(items, key=lambda item: item.path):
        of_file = list(of_file)
        name = os.path.relpath(path, ROOT).replace(os.sep, ".")
        for first in range(0, len(of_file), CLAIM):
            try:
                os.mkdir(os.path.join(folder, f"{name}.{first}"))
            except FileExistsError:
                continue
            yield from of_file[first:first + CLAIM]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    folder = session.config.getoption("--claims")
    if not folder or session.testsfailed or session.config.option.collectonly:
        return None
    items = claimed(session.items, folder)
    item = next(items, None)
    while item:
        following = next(items, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        item = following
    return True


def in_time(item):
    """A test that hangs fails, and says where, and the run goes on."""
    seconds = item.config.getoption("--patience") * (6 if item.get_closest_marker("long") else 1)

    def give_up(*_):
        pytest.fail(f"it took longer than {seconds:g} s")

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    yield from in_time(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    yield from in_time(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item):
    yield from in_time(item)


def variable(name):
    if name not in os.environ:
        pytest.fail(f"{name} is not set: run this with tests/support/with-services, or run scripts/test", pytrace=False)
    return os.environ[name]


@pytest.fixture(scope="session")
def stubs(tmp_path_factory):
    """Modules for all three gRPC services."""
    from stubs import generate  # grpcio alone makes a run of other tests slower to start
    return generate(tmp_path_factory.mktemp("stubs"))


class Postgres:
    """The shared PostgreSQL server: databases and statements."""

    def __init__(self, url):
        self.url = url
        self.numbers = itertools.count(1)

    def url_of(self, database):
        return f"{self.url.rsplit('/', 1)[0]}/{database}"

    def create_database(self, prefix="test"):
        """The name of a new database: empty, with ordinary defaults."""
        name = f"{prefix}_{os.getpid()}_{next(self.numbers)}"
        psql(self.url, f"CREATE DATABASE {name}")
        return name

    def drop_database(self, name):
        psql(self.url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class SharedRedis:
    """The shared Redis server: its databases are handed out in turn, each emptied first."""

    def __init__(self, url, pid):
        self.url, self.pid = url, pid
        self.port = int(url.rsplit(":", 1)[1])
        self.numbers = itertools.cycle(range(16, 64))  # the C tests have those below

    def empty_database(self):
        number = next(self.numbers)
        self.command(number, "FLUSHDB", "ASYNC")  # millions of rows take their time
        return number

    def command(self, number, *words):
        with services.RedisConnection(self.port) as connection:
            connection.command("SELECT", number)
            return connection.command(*words)


@pytest.fixture(scope="session")
def postgres():
    return Postgres(variable("LARDER_TEST_POSTGRES"))


@pytest.fixture(scope="session")
def redis():
    return SharedRedis(variable("LARDER_TEST_REDIS"), int(variable("LARDER_TEST_REDIS_PID")))


class Place:
    """A database, a Redis database and a folder that are this test's alone."""

    def __init__(self, folder, postgres, redis):
        self.folder, self.postgres, self.redis = folder, postgres, redis
        self.database = postgres.create_database()
        self.redis_number = redis.empty_database()
        self.postgres_url = postgres.url_of(self.database)
        self.redis_url = f"{redis.url}/{self.redis_number}"
        self.count = 0

    def sql(self, *statements, file=None):
        return psql(self.postgres_url, *statements, file=file)

    def redis_command(self, *words):
        return self.redis.command(self.redis_number, *words)

    def repository(self, files=(), **more):
        """A repository on these services; a second one is another folder of the same."""
        self.count += 1
        more = {"postgres_url": self.postgres_url, "redis_url": self.redis_url, **more}
        return Repository(self.folder / f"repository{self.count}", files=files, **more)


@pytest.fixture
def place(tmp_path, postgres, redis):
    place = Place(tmp_path, postgres, redis)
    yield place
    postgres.drop_database(place.database)
    place.redis_command("FLUSHDB", "ASYNC")


@pytest.fixture
def server_folder():
    """Where a test's own servers live: pytest's folders are closed to the user who runs them."""
    folder = tempfile.mkdtemp(dir=variable("LARDER_TEST_TMP"))
    os.chmod(folder, 0o755)
    return folder


@pytest.fixture
def own_redis(server_folder):
    """A Redis to kill, freeze and restart."""
    with services.Redis(os.path.join(server_folder, "redis")) as server:
        yield server


@pytest.fixture
def own_postgres(server_folder):
    """A PostgreSQL to stop, freeze and restart."""
    with services.Postgres(os.path.join(server_folder, "postgres")) as server:
        yield server
