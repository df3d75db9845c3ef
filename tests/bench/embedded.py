"""embedded.py - SQLite and LMDB, which need no server: materializing, and training sets beside PostgreSQL's."""
import random
import shutil
import time

from make_case import rfc3339
from report import Row, median, rate
from world import RUN_SECONDS, definitions

DAY = 86400 * 1_000_000
SQLITE = "{type: sqlite, path: history.db}"
VIEWS, HISTORY_DAYS, ROWS_AN_ENTITY = 3, 100, 30


def write_rows(path, view, places):
    """A row of ten features for each (event time, entity)."""
    rng = random.Random(view)
    with open(path, "w") as file:
        file.write("id,at," + ",".join(f"v{view}f{f}" for f in range(10)) + "\n")
        for at, entity in places:
            file.write(f"{entity},{rfc3339(at)}," + ",".join(repr(rng.random()) for _ in range(10)) + "\n")
    return path


def materialize(repository, rows):
    """Rows a second of the whole command, into an empty folder."""
    shutil.rmtree(repository.path("online"), ignore_errors=True)
    start = time.monotonic()
    view = repository.do("materialize", "--json", timeout=RUN_SECONDS).json["views"][0]
    seconds = time.monotonic() - start
    if (view["read"], view["written"]) != (rows, rows):
        raise RuntimeError(f"{rows} rows were to be read and written: {view}")
    return rows / seconds


def measure_materialize(world, quick):
    rounds, rows = (2, 20000) if quick else (5, 1000000)
    now = time.time_ns() // 1000
    repository = world.unapplied(None, definitions(1), offline=SQLITE)
    path = write_rows(world.path("rows.csv"), 0, ((now - 3600 * 1_000_000, entity) for entity in range(rows)))
    repository.do("load", "--source", "history", path, timeout=RUN_SECONDS)
    repository.do("apply")
    figure = median(materialize(repository, rows) for _ in range(rounds))
    return [Row(f"materialize, {rows:,} rows of 10 float64, SQLite to LMDB", rate(figure), "", figure, 300000,
                at_least=True)]


def three_sources():
    """The definitions of three views, each of a table of its own."""
    lines = ["entities:", "  - {name: thing, join_keys: {id: int64}}", "sources:"]
    lines += [f"  - {{name: s{v}, table: s{v}, event_time: at}}" for v in range(VIEWS)]
    lines += ["feature_views:"]
    for v in range(VIEWS):
        lines += [f"  - name: v{v}", "    entities: [thing]", f"    source: s{v}", "    ttl: 30d", "    features:"]
        lines += [f"      - {{name: v{v}f{f}, type: float64}}" for f in range(10)]
    lines += ["feature_services:", "  - {name: everything, features: [" + ", ".join(f"v{v}" for v in range(VIEWS)) + "]}"]
    return "\n".join(lines) + "\n"


def training_seconds(repository, asks):
    start = time.monotonic()
    report = repository.do("training-set", "--service", "everything", "--entities", asks, "--out", "out.csv", "--json",
                           timeout=RUN_SECONDS).json
    if report["rows"] == 0:
        raise RuntimeError(f"rows were to be answered: {report}")
    return time.monotonic() - start


def measure_training(world, quick):
    rounds, entities, asks = (2, 300, 2000) if quick else (5, 10000, 100000)
    rng = random.Random(3)
    begin = time.time_ns() // 1000 - HISTORY_DAYS * DAY
    ask_path = world.path("asks.csv")
    with open(ask_path, "w") as file:
        file.write("id,event_timestamp\n")
        for _ in range(asks):
            file.write(f"{rng.randrange(entities)},{rfc3339(begin + rng.randrange(HISTORY_DAYS * DAY))}\n")
    sides = {"postgres": world.unapplied(None, three_sources()),
             "sqlite": world.unapplied(None, three_sources(), offline=SQLITE)}
    for view in range(VIEWS):
        # Each once: a full tie has no right answer.
        places = {(begin + rng.randrange(HISTORY_DAYS * DAY), rng.randrange(entities))
                  for _ in range(entities * ROWS_AN_ENTITY)}
        path = write_rows(world.path("rows.csv"), view, sorted(places))
        for repository in sides.values():
            repository.do("load", "--source", f"s{view}", path, timeout=RUN_SECONDS)
    world.sql("VACUUM (FREEZE, ANALYZE)")
    for repository in sides.values():
        repository.do("apply")
    samples = {name: [] for name in sides}
    for number in range(rounds):
        for name in sorted(sides, reverse=number % 2):
            samples[name].append(training_seconds(sides[name], ask_path))
    if sides["sqlite"].path("out.csv").read_bytes() != sides["postgres"].path("out.csv").read_bytes():
        raise RuntimeError("the training sets of SQLite and PostgreSQL differ")
    ours, theirs = median(samples["sqlite"]), median(samples["postgres"])
    return [Row(f"training set, {asks:,} asks x {VIEWS} views, SQLite", f"{ours:.2f} s", f"PostgreSQL {theirs:.2f} s",
                ours / theirs, 2)]


def measure(world, quick):
    return measure_materialize(world, quick) + measure_training(world, quick)
