"""test_training_memory.py - a training set that is larger than the memory it may take, and what --explain says."""
import os
import random
import resource
import sqlite3
import subprocess

import pytest

from drivers import DEFINITIONS as DRIVERS, TABLE, TRAINING_SET
from file_drivers import LMDB, SQLITE
from repository import program
from sql import psql

DEFINITIONS = """\
entities: [{name: thing, join_keys: {id: int64}}]
sources: [{name: facts, table: facts, event_time: at}]
feature_views:
  - name: v
    entities: [thing]
    source: facts
    features: [%s, {name: name, type: string}]
feature_services: [{name: s, features: [v]}]
""" % ", ".join(f"{{name: f{i}, type: float64}}" for i in range(20))
# Sanitizers take more than any limit.
SANITIZED = any(preset in os.environ.get("LARDER_BUILD", "") for preset in ("asan", "tsan"))
THINGS, ROWS, ASKS = 30_000, 60_000, 200_000


@pytest.fixture
def many(place):
    """A history, and rows that ask whose answers alone are 40 MB."""
    repository = place.repository({"features.yaml": DEFINITIONS}, offline=SQLITE, online=LMDB)
    numbers = random.Random(1)
    with sqlite3.connect(repository.path("history.db")) as file:
        columns = [f"f{i} REAL" for i in range(20)]
        file.execute(f"CREATE TABLE facts (id INTEGER, at INTEGER, {', '.join(columns)}, name TEXT)")
        file.executemany(f"INSERT INTO facts VALUES (?, ?, {', '.join('?' * 20)}, ?)",
                         ((numbers.randrange(THINGS), numbers.randrange(10**12), *[numbers.random()] * 20,
                           f"number {i}") for i in range(ROWS)))
    asks = "".join(f"{numbers.randrange(THINGS)},1970-01-{1 + numbers.randrange(12):02}T00:00:{i % 60:02}Z\n"
                   for i in range(ASKS))
    repository.write("asks.csv", "id,event_timestamp\n" + asks)
    repository.do("apply")
    return repository


def make(repository, out, data_bytes=None, strategy="pass"):
    """Under a hard limit of what it may hold in memory."""
    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))
    limited = data_bytes and not SANITIZED
    return subprocess.run([program(), "-C", repository.folder, "training-set", "--service", "s", "--entities",
                           repository.path("asks.csv"), "--out", repository.path(out), "--strategy", strategy],
                          capture_output=True, text=True, preexec_fn=limit if limited else None)


def test_a_training_set_larger_than_its_memory_is_the_same(many):
    whole = make(many, "whole.csv")
    assert whole.returncode == 0, whole.stderr
    settings = open(many.path("larder.yaml")).read()
    many.write("larder.yaml", settings + "training: {memory: 8MiB}\n")
    parts = make(many, "parts.csv", data_bytes=48 << 20)
    assert parts.returncode == 0, parts.stderr
    assert open(many.path("whole.csv"), "rb").read() == open(many.path("parts.csv"), "rb").read()


def test_what_is_put_aside_on_disk_is_told(many):
    assert explained(many)["pass_parts"] == 1 and "put aside" not in make(many, "whole.csv").stderr
    many.write("larder.yaml", open(many.path("larder.yaml")).read() + "training: {memory: 8MiB}\n")
    parts = explained(many)["pass_parts"]
    assert parts > 1
    assert f"in {parts} parts" in many.do("training-set", "--service", "s", "--entities", "asks.csv", "--explain").out
    assert "did not hold, put aside on disk: " in make(many, "parts.csv").stderr
    many.write("asks.csv", "id,event_timestamp\n1,1970-01-05T00:00:00Z\n")
    made = many.do("training-set", "--service", "s", "--entities", "asks.csv", "--out", "few.csv", "--json").json
    assert made["put_aside_bytes"] == 0


def test_the_limit_is_what_a_training_set_would_have_exceeded(many):
    if SANITIZED:
        pytest.skip("sanitizers take more than any limit")
    assert "out of memory" in make(many, "whole.csv", data_bytes=48 << 20).stderr


def test_a_temporary_file_without_room_is_named(many):
    many.write("larder.yaml", open(many.path("larder.yaml")).read() + "training: {memory: 8MiB}\n")
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    made = subprocess.run([program(), "-C", many.folder, "training-set", "--service", "s", "--entities",
                           many.path("asks.csv"), "--out", many.path("out.csv"), "--strategy", "pass"],
                          capture_output=True, text=True, preexec_fn=limit,
                          env={**os.environ, "TMPDIR": str(many.folder)})
    assert made.returncode == 1
    assert "cannot put rows aside in" in made.stderr and "TMPDIR" in made.stderr
    assert not os.path.exists(many.path("out.csv"))


def explained(repository, *more):
    return repository.do("training-set", "--service", "s", "--entities", "asks.csv", "--explain", "--json", *more).json


def test_explain_says_how_each_view_would_be_answered_and_makes_nothing(many):
    dense = explained(many)
    assert dense["asks"] == ASKS
    assert [(view["view"], view["strategy"], view["index"]) for view in dense["views"]] == [("v", "pass", False)]
    with sqlite3.connect(many.path("history.db")) as file:
        file.execute("CREATE INDEX served ON facts (id, at)")
    many.write("asks.csv", "id,event_timestamp\n1,1970-01-05T00:00:00Z\n")
    sparse = explained(many)
    assert [(view["strategy"], view["index"]) for view in sparse["views"]] == [("probe", True)]
    assert explained(many, "--strategy", "pass")["views"][0]["strategy"] == "pass"
    assert "BY" in many.do("training-set", "--service", "s", "--entities", "asks.csv", "--explain").out
    assert [name for name in os.listdir(many.folder) if name.endswith((".csv", ".json"))] == ["asks.csv"]


def test_a_standby_answers_either_way_over_several_connections(own_postgres, place, server_folder):
    psql(own_postgres.url, TABLE, "INSERT INTO trips SELECT i % 1000, '2024-01-01Z'::timestamptz + i * interval '1 s',"
         " '2024-01-01Z', i, i FROM generate_series(1, 400000) AS i",
         "CREATE INDEX ON trips (driver_id, happened)", "ANALYZE trips")
    repository = place.repository({"features.yaml": DRIVERS}, postgres_url=own_postgres.url)
    repository.write("ask.csv", "driver_id,event_timestamp\n" +
                     "".join(f"{i % 1100},2024-01-0{1 + i % 5}T{i % 24:02}:00:00Z\n" for i in range(5000)))
    repository.do("apply")
    repository.do(*TRAINING_SET)
    expected = open(repository.path("out.csv")).read()
    with own_postgres.standby(os.path.join(server_folder, "standby")) as standby:
        repository.write("larder.yaml", repository.settings_text().replace(own_postgres.url, standby.url))
        for strategy in ("probe", "pass"):
            repository.do(*TRAINING_SET, "--strategy", strategy)
            assert open(repository.path("out.csv")).read() == expected
