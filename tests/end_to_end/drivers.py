"""drivers.py - drivers and their trips: the small world of these suites."""
import contextlib
import subprocess
import time

import grpc

from asking import STATUS_NAMES, ask_larder

DEFINITIONS = """\
entities:
  - name: driver
    join_keys: {driver_id: int64}
sources:
  - name: trips
    table: trips
    event_time: happened
    created_time: recorded
feature_views:
  - name: driver_stats
    entities: [driver]
    source: trips
    ttl: 6h
    features:
      - {name: trip_count, type: int64}
      - {name: rating, type: float64}
feature_services:
  - name: dispatch
    features: [driver_stats]
"""
# What define() takes, for a feature and a service more.
TIPS = ("{name: rating, type: float64}", "{name: rating, type: float64}\n      - {name: tips, type: int64}")
SECOND = ("  - name: dispatch\n", "  - {name: second, features: [driver_stats: [rating]]}\n  - name: dispatch\n")

TRAINING_SET = ["training-set", "--service", "dispatch", "--entities", "ask.csv", "--out", "out.csv"]

TABLE = """CREATE TABLE trips (driver_id bigint, happened timestamptz, recorded timestamptz,
           trip_count bigint, rating double precision)"""

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@contextlib.contextmanager
def held(drivers, statement):
    """A transaction that has run the statement and stays open until the block ends."""
    session = subprocess.Popen(["psql", "-qXAt", drivers.place.postgres_url], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    session.stdin.write(f"BEGIN; {statement}; SELECT 'held';\n")
    session.stdin.flush()
    assert session.stdout.readline() == "held\n"
    try:
        yield
    finally:
        session.communicate("COMMIT;\n")


def wait_until_blocked(drivers, process, count=1):
    """Until so many wait for a lock, or the process has ended, which it should not."""
    while int(drivers.sql(BLOCKED)) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


class Drivers:
    """A place with the trips table and a repository that describes it, applied unless told otherwise."""

    definitions, table = DEFINITIONS, TABLE

    def __init__(self, place, stubs, **more):
        self.place, self.stubs = place, stubs
        self.sql = place.sql
        self.sql(TABLE)
        self.repository = place.repository({"features.yaml": DEFINITIONS}, **more)
        self.do, self.refused, self.run = self.repository.do, self.repository.refused, self.repository.run

    def define(self, *replacements):
        """The definitions with each (old, new) replaced. Not applied yet."""
        text = DEFINITIONS
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        self.repository.write("features.yaml", text)

    def add(self, driver, ago="1 hour", trips="1", rating="1.5", recorded_ago=None):
        """A trip that happened, and was recorded, some time ago. All are SQL; quotes are the caller's."""
        recorded = f"now() - interval '{recorded_ago or ago}'" if recorded_ago != "never" else "NULL"
        self.sql(f"INSERT INTO trips VALUES ({driver}, now() - interval '{ago}', {recorded}, {trips}, {rating})")

    def ago(self, ago):
        """SQL for a time."""
        return f"now() - interval '{ago}'"

    def numbers(self, count):
        """SQL for a table of the numbers n from 1."""
        return f"generate_series(1, {count}) AS numbers (n)"

    def time(self, ago="0 s"):
        """The database's time, as files and options have it."""
        return self.sql(f"SELECT to_char(now() AT TIME ZONE 'UTC' - interval '{ago}', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")

    def use_redis(self, url):
        """The repository goes on with another Redis. Nothing is applied to it yet."""
        text = self.repository.settings_text()
        self.repository.write("larder.yaml", text.replace(self.place.redis_url, url))

    def materialize(self, *options):
        """What the run says of driver_stats, or of all views by name."""
        views = {view["view"]: view for view in self.do("materialize", "--json", *options).json["views"]}
        return views["driver_stats"] if list(views) == ["driver_stats"] else views

    def online(self, *drivers, feature="trip_count"):
        """(status name, value) of each driver, from a server started for it; alone if one was asked."""
        return self.online_of(self.repository, *drivers, feature=feature)

    def online_of(self, repository, *drivers, feature="trip_count"):
        with repository.serving() as server, grpc.insecure_channel(server.address) as channel:
            answer = self.ask(channel, drivers, feature_service="dispatch")[feature]
        return answer[0] if len(drivers) == 1 else answer

    def trips(self, channel, *drivers):
        """As online, from a server that runs."""
        answer = self.ask(channel, drivers, feature_service="dispatch")["trip_count"]
        return answer[0] if len(drivers) == 1 else answer

    def ask(self, channel, drivers, **what):
        answer = ask_larder(self.stubs, channel, {"driver_id": "int64"}, [(d,) for d in drivers], **what)
        return {name: [(STATUS_NAMES[status], value) for status, _, value in rows] for name, rows in answer.items()}
