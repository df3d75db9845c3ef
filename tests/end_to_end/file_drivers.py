"""file_drivers.py - drivers and their trips in a SQLite file: no PostgreSQL, and times are integers."""
import contextlib
import sqlite3
import time

from drivers import DEFINITIONS, Drivers

SQLITE = "{type: sqlite, path: history.db}"
LMDB = "{type: lmdb, path: online/}"
FILE_TABLE = """CREATE TABLE IF NOT EXISTS trips (driver_id INTEGER, happened INTEGER, recorded INTEGER,
                trip_count INTEGER, rating REAL)"""
UNIT_SECONDS = {"s": 1, "second": 1, "minute": 60, "hour": 3600, "day": 86400}


def microseconds(ago):
    """Of "50 minutes" ago, since 1970."""
    number, unit = ago.split()
    seconds = float(number) * UNIT_SECONDS[unit if unit == "s" else unit.removesuffix("s")]
    return time.time_ns() // 1000 - round(seconds * 1_000_000)


class FileDrivers(Drivers):
    """A repository beside whose larder.yaml the history stands; applied unless told otherwise."""

    table = FILE_TABLE

    def __init__(self, place, stubs, **more):
        self.place, self.stubs = place, stubs
        self.repository = place.repository({"features.yaml": DEFINITIONS}, **{"offline": SQLITE, **more})
        self.file = self.repository.path("history.db")
        self.do, self.refused, self.run = self.repository.do, self.repository.refused, self.repository.run
        self.sql(FILE_TABLE)

    @contextlib.contextmanager
    def session(self, seconds=10):
        """An owner's own connection."""
        with contextlib.closing(sqlite3.connect(self.file, seconds, isolation_level=None)) as connection:
            yield connection

    def sql(self, *statements):
        """The first column of the last one's first row."""
        with self.session() as connection:
            for statement in statements:
                row = connection.execute(statement).fetchone()
        return row and row[0]

    def ago(self, ago):
        return str(microseconds(ago))

    def numbers(self, count):
        return f"(WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < {count}) SELECT n FROM r)"

    def add(self, driver, ago="1 hour", trips="1", rating="1.5", recorded_ago=None):
        recorded = "NULL" if recorded_ago == "never" else microseconds(recorded_ago or ago)
        self.sql(f"INSERT INTO trips VALUES ({driver}, {microseconds(ago)}, {recorded}, {trips}, {rating})")

    def time(self, ago="0 s"):
        at = microseconds(ago)
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1_000_000)) + f".{at % 1_000_000:06d}Z"
