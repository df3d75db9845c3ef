"""materializing.py - history to online, against reading alone and writing alone."""
import time

from report import Row, median, rate
from world import RUN_SECONDS, definitions, fill_history

QUERY = "SELECT id, at, " + ", ".join(f"v0f{f}" for f in range(10)) + " FROM history"


def materialize(world, rows):
    """Rows a second of the whole command, its start and its registry included, into an empty Redis."""
    redis = world.redis()
    repository = world.repository(redis, definitions(1))
    start = time.monotonic()
    view = repository.do("materialize", "--json", timeout=RUN_SECONDS).json["views"][0]
    seconds = time.monotonic() - start
    if (view["read"], view["written"]) != (rows, rows):
        raise RuntimeError(f"{rows} rows were to be read and written: {view}")
    redis.kill()
    return rows / seconds


def script(world, rows):
    redis = world.redis()
    done = world.run("bench_script", port=redis.port, rows=rows)
    redis.kill()
    return rows / done["seconds"]


def copy(world, rows):
    done = world.run("bench_copy", url=world.postgres.url, query=QUERY)
    if done["rows"] != rows:
        raise RuntimeError(f"{done['rows']} of {rows} rows were copied")
    return rows / done["seconds"]


def measure(world, quick):
    rounds, rows = (2, 20000) if quick else (5, 1000000)
    fill_history(world, rows, 1)
    samples = {copy: [], script: [], materialize: []}
    for number in range(rounds):
        for side in sorted(samples, key=lambda s: s.__name__, reverse=number % 2):
            samples[side].append(side(world, rows))
    ours, copied, written = (median(samples[side]) for side in (materialize, copy, script))
    slower = min(copied, written)
    return [Row(f"materialize, {rows:,} rows of 10 float64", rate(ours),
                f"COPY {rate(copied)}, script {rate(written)}", ours / slower, 0.7, at_least=True)]
