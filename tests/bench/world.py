"""world.py - what every measurement needs: a build, private services, repositories, the bench programs."""
import json
import os
import shutil
import subprocess
import tempfile

import services
from repository import Repository
from sql import psql

RUN_SECONDS = 600  # nothing that is measured takes longer


def build(root):
    """The build directory to measure; built, unless LARDER_BUILD names one that is."""
    directory = os.environ.get("LARDER_BUILD")
    if not directory:
        directory = os.path.join(root, "build", "release")
        for command in ([os.path.join(root, "scripts", "setup")], ["cmake", "--preset", "release"],
                        ["cmake", "--build", "--preset", "release", "--target", "larder", "larder_bench"]):
            subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
    os.environ["LARDER_BIN"] = os.path.join(directory, "larder")
    return directory


def cores():
    return len(os.sched_getaffinity(0))


class World:
    """A temporary folder with a PostgreSQL; Redis servers come and go in it."""

    # Enough for the history to be in memory, on both sides of every ratio.
    POSTGRES = {"shared_buffers": "'512MB'", "max_wal_size": "'4GB'", "autovacuum": "off"}

    def __init__(self, build_directory, large=False):
        self.build = build_directory
        self.large = large  # also what takes very long
        self.number = 0

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="larder-bench-", dir="/tmp")
        os.chmod(self.folder, 0o755)
        self.postgres = services.Postgres(os.path.join(self.folder, "postgres"), settings=self.POSTGRES)
        self.servers = [self.postgres]
        try:
            self.postgres.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def sql(self, *statements):
        return psql(self.postgres.url, *statements)

    def redis(self):
        """A new one, empty."""
        self.number += 1
        redis = services.Redis(self.path(f"redis{self.number}"))
        self.servers.append(redis)
        return redis.start()

    def unapplied(self, redis, definitions, offline=None, near_cache=None):
        """A new repository with a registry of its own; without a Redis, its online store is a folder in it."""
        self.number += 1
        repository = Repository(self.path(f"repository{self.number}"), self.postgres.url, redis and redis.url,
                                {"features.yaml": definitions}, project="bench", offline=offline,
                                online=self.online(redis, near_cache),
                                settings=f"registry: {{schema: larder_{self.number}}}\n")
        repository.schema = f"larder_{self.number}"
        return repository

    def beside(self, repository, definitions, redis, near_cache=None):
        """Another folder of the same project, for a second server."""
        self.number += 1
        return Repository(self.path(f"repository{self.number}"), self.postgres.url, redis.url,
                          {"features.yaml": definitions}, project="bench", online=self.online(redis, near_cache),
                          settings=f"registry: {{schema: {repository.schema}}}\n")

    @staticmethod
    def online(redis, near_cache):
        if near_cache:
            return f'{{type: redis, url: "{redis.url}", near_cache: {near_cache}}}'
        return None if redis else "{type: lmdb, path: online/}"

    def repository(self, redis, definitions, near_cache=None):
        """The same, applied."""
        repository = self.unapplied(redis, definitions, near_cache=near_cache)
        repository.do("apply")
        return repository

    def program(self, name, **arguments):
        words = [os.path.join(self.build, "tests", "bench", name)]
        for key, value in arguments.items():
            words += ["--" + key.replace("_", "-"), str(value)]
        return words

    def run(self, name, **arguments):
        """What a bench program says, if anything."""
        done = subprocess.run(self.program(name, **arguments), capture_output=True, text=True, timeout=RUN_SECONDS)
        if done.returncode:
            raise RuntimeError(done.stderr.strip() or f"{name} ended with {done.returncode}")
        return json.loads(done.stdout) if done.stdout else None

    def start(self, name, **arguments):
        """A bench program that serves until its standard input closes; it dies with us."""
        return subprocess.Popen(self.program(name, **arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                text=True, preexec_fn=services.dying_with_us(9))


def definitions(views, features=10):
    """Views v0, v1, ... of float64 features of one entity, from one table: ten columns a view."""
    lines = ["entities:", "  - {name: thing, join_keys: {id: int64}}", "sources:",
             "  - {name: history, table: history, event_time: at}", "feature_views:"]
    for v in range(views):
        lines += [f"  - name: v{v}", "    entities: [thing]", "    source: history", "    ttl: 30d", "    features:"]
        lines += [f"      - {{name: v{v}f{f}, type: float64}}" for f in range(features)]
    lines += ["feature_services:", "  - name: everything", "    features: [" + ", ".join(f"v{v}" for v in range(views)) + "]"]
    return "\n".join(lines) + "\n"


def fill_history(world, rows, views):
    """The table of definitions(views): entities 1 to rows, an hour old."""
    columns = [f"v{v}f{f}" for v in range(views) for f in range(10)]
    world.sql("DROP TABLE IF EXISTS history")
    world.sql(f"CREATE TABLE history (id bigint, at timestamptz, {', '.join(f'{c} float8' for c in columns)})")
    world.sql(f"INSERT INTO history SELECT i, now() - interval '1 hour', {', '.join('random()' for _ in columns)} "
              f"FROM generate_series(1, {rows}) i")
    world.sql("CREATE INDEX ON history (id, at)")
    world.sql("VACUUM (FREEZE, ANALYZE) history")
