"""training_experts.py - how somebody who knows PostgreSQL well makes the same training set, in one session.

Two experts, of whom the better is the reference; and the join that Feast runs. bench_expert runs their statements and
tells how long each part took.
"""
import json
import subprocess

from embedded import VIEWS
from training_data import features
from world import RUN_SECONDS

TTL = "interval '30 days'"
ANSWER = ", ".join(name for view in range(VIEWS) for name in features(view))
ASKS = ["--prepare", "SET work_mem = '512MB'; SET TimeZone = 'UTC'; CREATE TEMPORARY TABLE asks "
        "(n bigint GENERATED ALWAYS AS IDENTITY, id bigint, at timestamptz, late boolean)"]
INTO = ["--into", "asks (id, at, late)"]


def lateral_query():
    joins = "".join(
        f" LEFT JOIN LATERAL (SELECT {', '.join(features(view))} FROM s{view} AS h WHERE h.id = asks.id "
        f"AND h.at <= asks.at AND h.at >= asks.at - {TTL} ORDER BY h.at DESC LIMIT 1) AS h{view} ON true"
        for view in range(VIEWS))
    return f"SELECT asks.id, asks.at, asks.late, {ANSWER} FROM asks{joins} ORDER BY asks.n"


def feast_query():
    """All rows that are old enough beside each ask, then numbered, then the first of them."""
    matches = ", ".join(
        f"matched{view} AS (SELECT asks.n, {', '.join('h.' + name for name in features(view))}, "
        f"row_number() OVER (PARTITION BY asks.n ORDER BY h.at DESC) AS place FROM asks JOIN s{view} AS h "
        f"ON h.id = asks.id AND h.at <= asks.at AND h.at >= asks.at - {TTL})"
        for view in range(VIEWS))
    joins = "".join(f" LEFT JOIN matched{view} ON matched{view}.n = asks.n AND matched{view}.place = 1"
                    for view in range(VIEWS))
    return f"WITH {matches} SELECT asks.id, asks.at, asks.late, {ANSWER} FROM asks{joins} ORDER BY asks.n"


def run(world, *words):
    done = subprocess.run([*world.program("bench_expert", url=world.postgres.url), *words], capture_output=True,
                          text=True, timeout=RUN_SECONDS)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"bench_expert ended with {done.returncode}")
    told = json.loads(done.stdout)
    return told, told["asked_seconds"] + told["read_seconds"] + told["answer_seconds"]


def read_history(world, rows):
    """Seconds that the needed columns of all three tables take to a client."""
    words = []
    for view in range(VIEWS):
        words += ["--read", f"SELECT id, at, {', '.join(features(view))} FROM s{view}"]
    told, seconds = run(world, *words)
    if told["read_rows"] != VIEWS * rows:
        raise RuntimeError(f"{told['read_rows']} of {VIEWS * rows} rows were read")
    return seconds


def answer(world, asks, count, query, out, prepare=""):
    """Seconds to take the asks in and an answer out; None if it ran into its time limit."""
    told, seconds = run(world, ASKS[0], ASKS[1] + prepare, "--asks", asks, *INTO, "--answer", query, "--out", out)
    if told["timeout"]:
        return None
    if told["rows"] != count:
        raise RuntimeError(f"{told['rows']} of {count} rows were answered")
    return seconds


def lateral(world, asks, count, out):
    return answer(world, asks, count, lateral_query(), out)


def feast(world, asks, count, limit_seconds):
    return answer(world, asks, count, feast_query(), world.path("feast.csv"),
                  f"; SET statement_timeout = '{limit_seconds}s'")


def keep_answer(world, table, path):
    """An answer as a table, for in_and_out."""
    world.sql(f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} (id bigint, at timestamptz, late boolean, "
              f"{', '.join(name + ' float8' for name in ANSWER.split(', '))})",
              f"\\copy {table} FROM '{path}' (FORMAT csv, HEADER)", f"VACUUM (FREEZE, ANALYZE) {table}")


def in_and_out(world, asks, count, table):
    """Seconds of the asks in and an answer of that shape out: nothing is joined."""
    return answer(world, asks, count, f"SELECT * FROM {table}", world.path("copied.csv"))
