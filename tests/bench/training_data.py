"""training_data.py - the history that training sets are made of, and the rows that ask; one seed makes one history.

Three tables s0, s1, s2 of ten float64 features each, over a hundred days, in the order of their times, as they would
have come. They are a user's tables: logged, vacuumed, analyzed.
"""
import dataclasses
import os

from embedded import HISTORY_DAYS, VIEWS

BEGIN = "timestamptz '2024-01-01 00:00:00Z'"
BYTES_A_ROW, BYTES_AN_ASK = 600, 1500  # of disk: table, index, write-ahead log; answers, and what a join puts aside
HOT_SHARE = 10  # every tenth row


@dataclasses.dataclass
class Shape:
    """How rows spread over keys. Keys are 1 to keys; with a hot one, key 0 has every tenth row."""
    name: str
    rows: int
    keys: int
    has_hot: bool


def features(view):
    return [f"v{view}f{f}" for f in range(10)]


def check_disk(world, rows, asks):
    """A full disk in the middle would be told late, and would hurt others."""
    needed = VIEWS * rows * BYTES_A_ROW + asks * BYTES_AN_ASK
    stat = os.statvfs(world.folder)
    free = stat.f_bavail * stat.f_frsize
    if free < needed:
        raise RuntimeError(f"{world.folder} has {free / 1e9:.0f} GB free, and this takes up to {needed / 1e9:.0f} GB")


def fill(world, shape):
    key = f"1 + (hashint8(i * {VIEWS} + %d) & 2147483647) %% {shape.keys}"
    if shape.has_hot:
        key = f"CASE WHEN i %% {HOT_SHARE} = 0 THEN 0 ELSE {key} END"
    at = f"{BEGIN} + i * interval '{HISTORY_DAYS} days' / {shape.rows}"
    for view in range(VIEWS):
        columns = features(view)
        world.sql(f"DROP TABLE IF EXISTS s{view}",
                  f"CREATE TABLE s{view} (id bigint, at timestamptz, {', '.join(f'{c} float8' for c in columns)})",
                  f"SELECT setseed(0.{view + 1})",
                  f"INSERT INTO s{view} SELECT {key % view}, {at}, {', '.join('random()' for _ in columns)} "
                  f"FROM generate_series(1::bigint, {shape.rows}) i",
                  f"VACUUM (FREEZE, ANALYZE) s{view}")


def index(world):
    for view in range(VIEWS):
        world.sql(f"CREATE INDEX s{view}_serving ON s{view} (id, at DESC)", f"ANALYZE s{view}")


def drop_index(world):
    for view in range(VIEWS):
        world.sql(f"DROP INDEX s{view}_serving")


def write_asks(world, shape, count, hot):
    """The path of a CSV of so many asks: any key at any time; hot: every tenth of the hot key."""
    path = world.path("asks.csv" if not hot else "hot_asks.csv") + f".{count}"
    key = f"1 + floor(random() * {shape.keys})::bigint"
    if hot:
        key = f"CASE WHEN n % {HOT_SHARE} = 0 THEN 0 ELSE {key} END"
    world.sql("SET TimeZone = 'UTC'", "SELECT setseed(0.5)",
              f"\\copy (SELECT {key} AS id, to_char({BEGIN} + random() * interval '{HISTORY_DAYS} days', "
              f"'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS event_timestamp, random() < 0.2 AS late "
              f"FROM generate_series(1, {count}) n) TO '{path}' (FORMAT csv, HEADER)")
    return path
