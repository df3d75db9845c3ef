"""starting.py - a server that has 1,000 views registered: when it is ready, and what it takes while idle."""
import time

from report import Row, median
from repository import Serve
from world import definitions, fill_history

VIEWS = 1000


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(next(line.split()[1] for line in status if line.startswith("VmRSS:"))) / 1024


def start_once(repository, idle_seconds):
    """(ms until its port opens, MiB after a while without requests)"""
    start = time.monotonic()
    server = Serve(repository)
    try:
        while not server.is_open():
            if server.process.poll() is not None or time.monotonic() - start > 30:
                raise RuntimeError(f"serve does not open its port:\n{server.said}")
            time.sleep(0.0005)
        ready_ms = (time.monotonic() - start) * 1000
        time.sleep(idle_seconds)
        return ready_ms, resident_mib(server.process.pid)
    finally:
        server.end()


def measure(world, quick):
    rounds, idle_seconds = (1, 0.2) if quick else (7, 2)
    redis = world.redis()
    fill_history(world, 1, 1)
    text = definitions(VIEWS)
    # Every view reads the same ten columns: what is measured is how much is registered.
    fields = ", ".join(f"v{v}f{f}: v0f{f}" for v in range(1, VIEWS) for f in range(10))
    repository = world.repository(redis, text.replace("event_time: at}", f"event_time: at, fields: {{{fields}}}}}"))
    samples = [start_once(repository, idle_seconds) for _ in range(rounds)]
    redis.kill()
    ready_ms, mib = (median(each) for each in zip(*samples))
    return [Row("server with 1,000 views: ready, ms", f"{ready_ms:.1f} ms", "", ready_ms, 50),
            Row("server with 1,000 views: idle, MiB", f"{mib:.1f} MiB", "", mib, 32)]
