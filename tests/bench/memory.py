"""memory.py - what Redis takes for a row: 10 float64, one int64 key, with expiry."""
import time

from report import Row
from world import RUN_SECONDS, definitions, fill_history


def used(redis):
    info = redis.command("INFO", "memory").decode()
    return int(next(line.split(":")[1] for line in info.splitlines() if line.startswith("used_memory:")))


def settled(redis):
    """Once nothing changes any more: clients are gone, and a hash table that was growing has moved."""
    last = used(redis)
    for _ in range(100):
        time.sleep(0.2)
        now = used(redis)
        if abs(now - last) < 4096:
            return now
        last = now
    raise RuntimeError("used_memory does not settle")


def measure(world, quick):
    rows = 20000 if quick else 1000000
    fill_history(world, rows, 1)
    redis = world.redis()
    repository = world.repository(redis, definitions(1))
    before = settled(redis)
    repository.do("materialize", timeout=RUN_SECONDS)
    growth = settled(redis) - before
    keys = redis.command("DBSIZE")
    if keys < rows:
        raise RuntimeError(f"{keys} keys after materializing {rows} rows")
    redis.kill()
    return [Row(f"Redis, {rows:,} rows of 10 float64, bytes a row", f"{growth:,} bytes", "", growth / rows, 260)]
