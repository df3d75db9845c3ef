"""test_near_cache.py - a server with a near cache, while others write to its Redis and break what it hears."""
import contextlib
import threading
import time

import grpc
import pytest

from asking import get_features, larder_request
from drivers import TABLE
from test_server_faults import code_of, eventually

KEY = {"driver_id": "int64"}
BOUND = 1.0  # seconds
DRIVERS = 200


@pytest.fixture
def cached(drivers, own_redis):
    """Drivers on a Redis of their own, and a near cache before it."""
    drivers.redis = own_redis
    text = drivers.repository.settings_text().replace(
        f'"{drivers.place.redis_url}"', f'"{own_redis.url}", near_cache: 16MiB')
    drivers.repository.write("larder.yaml", text)
    drivers.do("apply")
    return drivers


class Serving:
    def __init__(self, drivers, server, channel):
        self.drivers, self.server, self.channel = drivers, server, channel

    def trips(self, *drivers):
        """Each driver's trip count, 0 where there is none."""
        return [value if status == "PRESENT" else 0
                for status, value in self.drivers.ask(self.channel, drivers, feature_service="dispatch")["trip_count"]]

    def lines(self, text):
        return [line for line in self.server.said.splitlines() if text in line]

    def is_away(self):
        request = larder_request(self.drivers.stubs, KEY, [(1,)], feature_service="dispatch")
        return code_of(lambda: get_features(self.drivers.stubs, self.channel, request, 10)) == grpc.StatusCode.UNAVAILABLE


@contextlib.contextmanager
def served(drivers):
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        serving = Serving(drivers, server, channel)
        eventually(lambda: serving.lines("the near cache is in use"))
        yield serving


def count_of(redis, command, what):
    """What Redis counts of a command: its "calls", its "rejected_calls"."""
    said = redis.command("INFO", "commandstats").decode()
    line = next((line for line in said.splitlines() if line.startswith(f"cmdstat_{command}:")), f"{what}=0,")
    return int(line.split(f"{what}=")[1].split(",")[0])


def reads_of(redis):
    """How many commands have read rows so far."""
    return count_of(redis, "mget", "calls")


def test_rows_that_are_known_are_not_asked_for_again(cached):
    cached.add(1, trips="5")
    cached.materialize()
    with served(cached) as serving:
        assert serving.trips(1, 2) == [5, 0]
        eventually(lambda: asked_without_reading(cached.redis, lambda: serving.trips(1, 2)) == [5, 0])
        cached.add(1, ago="1 minute", trips="6")
        cached.add(2, trips="7")
        cached.materialize()
        eventually(lambda: serving.trips(1, 2) == [6, 7], BOUND)


def asked_without_reading(redis, ask):
    before = reads_of(redis)
    answer = ask()
    return answer if reads_of(redis) == before else None


def grow(drivers, version, ago):
    drivers.sql(f"INSERT INTO trips SELECT n, now() - interval '{ago} s', now(), {version}, 1 "
                f"FROM {drivers.numbers(DRIVERS)}")


def watch(serving, seen, done):
    """Asks for all drivers again and again; no driver's value may go back."""
    everybody = range(1, DRIVERS + 1)
    before = [0] * DRIVERS
    while not done.is_set():
        now = serving.trips(*everybody)
        seen.append((time.monotonic(), now))
        assert all(a <= b for a, b in zip(before, now)), (before, now)
        before = now


def test_values_never_go_back_while_runs_write_and_follow_within_the_bound(cached):
    grow(cached, 1, 3600)
    cached.materialize()
    with served(cached) as serving:
        seen, done, failures = [], threading.Event(), []

        def run():
            try:
                watch(serving, seen, done)
            except BaseException as failure:
                failures.append(failure)

        watchers = [threading.Thread(target=run) for _ in range(2)]
        for watcher in watchers:
            watcher.start()
        for version in range(2, 7):
            grow(cached, version, 3600 - version)
            cached.materialize()
            eventually(lambda: serving.trips(*range(1, DRIVERS + 1)) == [version] * DRIVERS, BOUND)
        done.set()
        for watcher in watchers:
            watcher.join()
        assert not failures, failures
        assert {value for _, values in seen for value in values} >= {1, 6}


def test_a_loss_and_a_return_are_told_once_each(cached):
    cached.add(1, trips="5")
    cached.materialize()
    with served(cached) as serving:
        assert serving.trips(1) == [5]
        cached.redis.freeze()
        eventually(lambda: serving.lines("the near cache is bypassed"))
        eventually(serving.is_away)
        time.sleep(1)
        cached.redis.thaw()
        eventually(lambda: len(serving.lines("the near cache is in use")) == 2)
        eventually(lambda: not serving.is_away())
        assert serving.trips(1) == [5]
        assert len(serving.lines("the near cache is bypassed")) == 1
        assert len(serving.lines("the near cache is in use")) == 2


def test_a_redis_that_loads_its_data_is_one_loss(cached):
    cached.add(1, trips="5")
    cached.materialize()
    cached.redis.keep_much()
    with served(cached) as serving:
        assert serving.trips(1) == [5]
        cached.redis.kill()
        cached.redis.start_loading()
        eventually(lambda: serving.lines("the near cache is bypassed"))
        eventually(lambda: count_of(cached.redis, "ping", "rejected_calls") > 10)
        assert serving.is_away()
        assert len(serving.lines("the near cache is in use")) == 1
        cached.redis.finish_loading()
        eventually(lambda: len(serving.lines("the near cache is in use")) == 2)
        eventually(lambda: not serving.is_away())
        assert serving.trips(1) == [5]
        assert len(serving.lines("the near cache is bypassed")) == 1


def test_swapped_databases_are_read_at_once_and_with_the_cache_when_its_news_are_cut_off(cached):
    cached.add(1, trips="5")
    cached.materialize()
    key = cached.redis.command("KEYS", "{*")[0]
    row = cached.redis.command("GET", key)
    cached.add(1, ago="1 minute", trips="6")
    cached.materialize()
    cached.redis.command("COPY", key, key, "DB", 1)
    cached.redis.command("SET", key, row)
    plain = cached.place.repository(redis_url=cached.redis.url)
    with served(cached) as serving, plain.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert serving.trips(1) == Serving(cached, server, channel).trips(1) == [5]
        eventually(lambda: asked_without_reading(cached.redis, lambda: serving.trips(1)) == [5])
        cached.redis.command("SWAPDB", 0, 1)
        assert Serving(cached, server, channel).trips(1) == [6]
        cached.redis.command("CLIENT", "KILL", "TYPE", "pubsub")
        eventually(lambda: serving.trips(1) == [6])


def test_a_rebuilt_view_is_served_from_its_new_rows(cached):
    cached.add(1, trips="5")
    cached.materialize()
    with served(cached) as serving:
        assert serving.trips(1) == [5]
        cached.sql(TABLE.replace("trips", "journeys"))
        cached.sql("INSERT INTO journeys VALUES (1, now() - interval '3 hours', now() - interval '3 hours', 3, 1)")
        cached.define(("table: trips", "table: journeys"))
        cached.do("apply")
        cached.materialize()
        eventually(lambda: serving.trips(1) == [3])


def test_a_server_begins_without_its_redis_and_uses_the_cache_when_it_is_there(cached):
    cached.add(1, trips="5")
    cached.materialize()
    cached.redis.kill()
    with cached.repository.serving(wait=False) as server:
        eventually(lambda: "the near cache is bypassed" in server.said)
        cached.redis.start()
        cached.do("apply")
        cached.materialize()
        server.wait_ready()
        with grpc.insecure_channel(server.address) as channel:
            serving = Serving(cached, server, channel)
            eventually(lambda: serving.lines("the near cache is in use"))
            assert serving.trips(1) == [5]
