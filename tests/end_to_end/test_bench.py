"""test_bench.py - scripts/bench works, whatever its figures are, and leaves nothing behind."""
import glob
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from repository import ROOT, program

pytestmark = pytest.mark.plain


def quick_run(measure):
    """What it prints; it leaves nothing behind."""
    before = set(glob.glob("/tmp/larder-bench-*"))
    build = os.environ.get("LARDER_BUILD") or str(Path(program()).parent)
    done = subprocess.run([ROOT / "scripts" / "bench", measure, "--quick"], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "LARDER_BUILD": build})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "its figures mean nothing" in done.stdout
    assert set(glob.glob("/tmp/larder-bench-*")) <= before
    return done.stdout


@pytest.mark.parametrize("measure, rows", [
    ("serving", ["larder.v1: requests, 8 in flight over 8", "larder.v1: p99, 64 in flight over 8",
                 "feast.serving: p50, 1 entity, 1 in flight", "feast.serving: p99, 100 entities, 1 in flight",
                 "larder.v1: requests, 8 in flight over 8, placed", "feast.serving: p99, 8 in flight over 8, placed"]),
    ("stream", ["larder.v1: requests over one stream, 64 in flight",
                "larder.v1: 1,000 entities x 50 features: time an entity",
                "larder.v1: 10 entities x 250 features: time a feature"]),
    ("near", ["larder.v1: requests, 64 in flight over 8, near cache",
              "feast.serving: requests, 64 in flight over 8, near cache"]),
    ("overload", ["larder.v1: 100 entities, twice the capacity: answers in time",
                  "feast.serving: 1 entity, twice the calls that may be open: another's p99"]),
    ("lmdb", ["larder.v1: requests, 64 in flight over 8, LMDB", "feast.serving: requests, 64 in flight over 8, LMDB"]),
    ("materialize", ["materialize, 20,000 rows of 10 float64"]),
    ("training", ["training set, 200 asks, 5 rows a key, indexed", "training set, 2,000 asks, 5 rows a key, no index",
                  "training set, 2,000 asks, 5 rows a key, indexed, as Parquet",
                  "training set, 2,000 asks after 600: time an ask", "training set: peak memory of larder",
                  "training set, 2,000 asks, 500 rows a key, indexed, 10 % on one key"]),
    ("embedded", ["materialize, 20,000 rows of 10 float64, SQLite to LMDB", "training set, 2,000 asks x 3 views, SQLite"]),
    ("memory", ["Redis, 20,000 rows of 10 float64, bytes a row"]),
    ("start", ["server with 1,000 views: ready, ms", "server with 1,000 views: idle, MiB"]),
])
def test_a_quick_run_tells_every_row(measure, rows):
    told = quick_run(measure)
    for row in rows:
        line = next(line for line in told.splitlines() if line.startswith(row))
        assert line.endswith("holds") or line.endswith("does not hold")


def test_a_quick_table_tells_of_every_store():
    told = quick_run("serving-table")
    sized, *others = told.split("\n\n")[2:]
    lines = [line.split() for line in sized.splitlines()[1:]]
    assert {line[0] for line in lines} == {"larder.v1", "feast.serving"} and {line[3] for line in lines} == {"1", "64"}
    for server in ("echo", "Redis", "near", "LMDB"):
        assert sum(server in line for line in lines) == 8
    assert any("a run writes" in each for each in others)
    assert shutil.which("h2load") is None or any("h2load" in each.splitlines()[-1] for each in others)


def test_a_wrong_call_says_how_it_is_called():
    done = subprocess.run([ROOT / "scripts" / "bench", "everything"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "--quick" in done.stderr
