"""soak.py - the run itself: a world, a load, runs in turns, faults in turns, and what came of it."""
import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import faults
import soak_report
from asker import askers
from ledger import Counts, Ledger
from repository import Serve
from serving import APIS, field, larder_request, varint
from stubs import generate
from world import World, definitions, fill_history

THINGS, STEADY, VIEWS = 200, 1000, 5
RUN_EVERY_SECONDS = 2
SAMPLE_SECONDS = 5
STALE_SECONDS = 1.2  # the near cache's bound is 1 s; the rest is for a machine that stands still
LOAD = {"connections": 8, "threads": 2, "deadline_ms": 2000, "in_flight": 64}

CHANGING = """\
sources:
  - {{name: runs, table: runs, event_time: at, created_time: recorded, lookback: 1m, misfits: {misfits}}}
feature_views:
  - name: changing
    entities: [thing]
    source: runs
    ttl: {ttl}d
    features: [{{name: run, type: int64}}, {{name: check, type: int64}}]
feature_services:
  - {{name: changing, features: [changing]}}
  - {{name: steady, features: [v0]}}
  - {{name: other{ttl}, features: [v1, changing]}}
"""


def steady_request():
    """Of Feast's API, whose answer has no version of the definitions in it, and so stays the same."""
    return field(1, b"steady") + field(3, field(1, b"id") + field(2, field(1, b"\x20" + varint(1))))


class Soak:
    def __init__(self, world, stubs, near_cache):
        self.world, self.stubs = world, stubs
        self.ledger, self.counts, self.stop = Ledger(STALE_SECONDS if near_cache else 0), Counts(), threading.Event()
        self.redis = world.redis()
        self.ttls, self.misfits = itertools.count(30), itertools.cycle(["stop", "as_null"])
        self.ttl, self.misfit = next(self.ttls), next(self.misfits)
        self.every = 0
        self.samples, self.logs = [], []  # (time, pid, bytes); what servers said that were killed
        self.runs, self.failed = 0, []  # faults that could not be made
        fill_history(world, STEADY, VIEWS)
        world.sql("CREATE TABLE runs (id bigint, at timestamptz, recorded timestamptz, run bigint, \"check\" bigint)",
                  "CREATE INDEX ON runs (at)")
        self.repository = world.unapplied(self.redis, definitions(VIEWS))
        more = "timeout: 1s, near_cache: 64MiB," if near_cache else "timeout: 1s,"
        text = self.repository.path("larder.yaml").read_text()
        self.repository.write("larder.yaml", text.replace("{type: redis,", "{type: redis, " + more))
        self.apply()
        self.server = Serve(self.repository).wait_ready()

    def close(self):
        self.stop.set()
        self.server.end()

    # What the faults do ----------------------------------------------------------------------------

    def apply(self):
        self.repository.write("changing.yaml", CHANGING.format(ttl=self.ttl, misfits=self.misfit))
        self.repository.do("apply", "--prune")

    def apply_longer_ttl(self):
        """And another service: the next run rewrites the view."""
        self.ttl = next(self.ttls)
        self.apply()

    def apply_other_misfits(self):
        """The next run rebuilds the views of this source."""
        self.misfit = next(self.misfits)
        self.apply()

    def materialize(self, *options):
        self.repository.do("materialize", *options, timeout=300)

    def restart_server(self):
        self.server.process.kill()
        self.server.process.wait()
        self.logs.append(self.server.said)
        self.server = Serve(self.repository).wait_ready()

    def flood(self, seconds):
        self.world.run("bench_load", **self.steady_call, answer=self.answer, connections=8, in_flight=2000, threads=2,
                       seconds=seconds)

    # The load --------------------------------------------------------------------------------------

    @property
    def steady_call(self):
        return {"target": self.server.address, "method": APIS[1].method, "request": self.request}

    def write_requests(self):
        """Before anything is online: so the answer without rows is had, too."""
        self.request, self.large_request = self.world.path("request"), self.world.path("large_request")
        self.answer, self.absent = self.world.path("answer"), self.world.path("absent")
        for path, content in ((self.request, steady_request()), (self.large_request, larder_request(range(1, 101)))):
            with open(path, "wb") as file:
                file.write(content)
        self.world.run("bench_load", **self.steady_call, save=self.absent)
        self.write_run()
        self.world.run("bench_load", **self.steady_call, save=self.answer)

    def capacity(self):
        return self.world.run("bench_load", **self.steady_call, answer=self.answer, connections=8, in_flight=64, threads=2,
                              seconds=3)["per_second"]

    def start_load(self, per_second, seconds):
        return self.world.start("bench_open_load", **self.steady_call, answer=self.answer, absent=self.absent,
                                rate=per_second, seconds=seconds / 1.2, **LOAD)

    def judge_load(self, told):
        """Second by second; a second's edges belong to its neighbours, too."""
        for number, (right, absent, wrong, late, exhausted, unavailable, other) in enumerate(told["seconds"]):
            begin = told["begin"] + number
            fault = self.ledger.fault_between(begin - 1, begin + 2)
            self.counts.add("load", right=right)
            if wrong or other:
                self.counts.add_wrong(f"load: {wrong} wrong answers and {other} odd codes in second {number} (fault: {fault})",
                                      wrong + other)
            if absent and not self.ledger.may_be_absent(begin - 1, begin + 2):
                self.counts.add_wrong(f"load: {absent} answers without rows in second {number} (fault: {fault})", absent)
            elif absent:
                self.counts.add("load", absent=absent)
            for code, count in (("DEADLINE_EXCEEDED", late), ("RESOURCE_EXHAUSTED", exhausted), ("UNAVAILABLE", unavailable)):
                if count:
                    self.counts.add_refused(fault, code, count, f"load: {count} {code}, {self.ledger.last_fault(begin)}")

    # What goes on all the time ---------------------------------------------------------------------

    def write_run(self):
        number = self.runs + 1
        self.ledger.run_begins(number)
        self.world.sql(f"INSERT INTO runs SELECT id, clock_timestamp(), clock_timestamp(), {number}, {number} * 1000 + id "
                       f"FROM generate_series(1, {THINGS}) id", f"DELETE FROM runs WHERE run < {number - 20}")
        began = time.monotonic()
        self.materialize()
        self.ledger.run_is_done(number, began)
        self.runs = number

    def keep_running(self):
        while not self.stop.wait(RUN_EVERY_SECONDS):
            with contextlib.suppress(*faults.ERRORS):  # a store is away: the same run is tried again
                self.write_run()

    def keep_sampling(self):
        while not self.stop.wait(SAMPLE_SECONDS):
            with contextlib.suppress(OSError, StopIteration):
                pid = self.server.process.pid
                with open(f"/proc/{pid}/status") as status:
                    kib = int(next(line for line in status if line.startswith("VmRSS")).split()[1])
                self.samples.append((time.monotonic(), pid, kib))

    def break_things(self, until, every):
        for fault in itertools.chain(faults.IN_TURN, [faults.server_is_killed],
                                     itertools.cycle(faults.IN_TURN)):  # once, so that its memory shows
            time.sleep(max(0, min(every, until - time.monotonic())))
            if time.monotonic() > until - 15:
                return
            print(f"soak: {fault.__doc__}", file=sys.stderr, flush=True)
            self.ledger.fault_begins(fault.__doc__, fault in faults.LOSING_ROWS)
            try:
                fault(self)
            except faults.ERRORS as error:
                self.failed.append(f"{fault.__doc__}: {error}")
            finally:
                self.ledger.fault_ends()

    def run(self, minutes, every):
        self.every = every
        self.write_requests()
        capacity = self.capacity()
        until = time.monotonic() + minutes * 60
        threads = askers(self.stubs, self.server.address, THINGS, self.ledger, self.counts, self.stop)
        threads += [threading.Thread(target=each, daemon=True) for each in (self.keep_running, self.keep_sampling)]
        load = self.start_load(capacity / 2, minutes * 60)
        for thread in threads:
            thread.start()
        try:
            self.break_things(until, every)
            said, _ = load.communicate(timeout=max(1, until - time.monotonic()) + 60)
            self.judge_load(json.loads(said))
        finally:
            self.stop.set()
            load.kill()
            for thread in threads:
                thread.join(330)
        self.logs.append(self.server.said)
        return capacity


def run(build_directory, minutes, every, near_cache, as_json):
    with World(build_directory) as world, tempfile.TemporaryDirectory(prefix="larder-stubs-") as folder:
        soak = Soak(world, generate(Path(folder)), near_cache)
        try:
            capacity = soak.run(minutes, every)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"it does not end: {error}") from error
        finally:
            soak.close()
        report = soak_report.of(soak, capacity, minutes)
    print(json.dumps(report, indent=2) if as_json else soak_report.text(report))
    return 0 if report["holds"] else 1
