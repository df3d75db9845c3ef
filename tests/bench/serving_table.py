"""serving_table.py - one table from one run: echo and Larder from each of its stores, by load and by size.

Every line is one load of a second or two on a server that is asked nothing else; Larder's stores and an echo of
the same bytes take turns in each. larder.v1 is asked in all sizes; feast.serving, whose requests differ
and whose work is the same, with 50 features. --large takes five rounds of it, and Feast in all sizes.
"""
import contextlib
import os
import sys

import h2load
from report import Table, duration, median, rate
from serving import APIS, Case, echo_process_of, field
from starting import resident_mib
from world import definitions, fill_history

ENTITIES, VIEWS = 1000, 25
FEATURES = {10: b"ten", 50: b"fifty", 250: b"everything"}  # -> the service that has so many
IN_FLIGHT = (1, 8, 64, 256)
CONNECTIONS_MAX = 8
BULK_ROWS = 1000000

SERVICES = """\
  - {name: ten, features: [v0]}
  - {name: fifty, features: [v0, v1, v2, v3, v4]}
"""
HEADINGS = ("API", "entities", "features", "in flight", "server", "a second", "p50", "p99", "p99.9", "of the echo",
            "CPU us a call", "MiB")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Sized(Case):
    """A case that asks for a service of so many features."""

    def __init__(self, world, api, larder, entities, features, in_flight):
        self.features = features
        super().__init__(world, api, larder, entities, in_flight, min(in_flight, CONNECTIONS_MAX))

    def asked(self):
        name, request = super().asked()
        everything = field(1, b"everything")
        assert request.startswith(everything)
        return f"{name}-{self.features}", field(1, FEATURES[self.features]) + request[len(everything):]


class Store:
    """A server on one of the stores, and what it is called."""

    def __init__(self, name, server):
        self.name, self.address, self.pid = name, server.address, server.process.pid


def measured(case, target, pid, seconds):
    before = cpu_seconds(pid)
    told = case.load(target, seconds)
    told["cpu_us"] = (cpu_seconds(pid) - before) / told["answers"] * 1e6
    told["mib"] = resident_mib(pid)
    return told


def lines_of(case, samples):
    """One for each server, the echo first."""
    def of(name, figure):
        return median(sample[figure] for sample in samples[name])
    for name in samples:
        share = "" if name == "echo" else f"{of(name, 'per_second') / of('echo', 'per_second'):.2f}"
        yield (case.api.name, str(case.entities), str(case.features), str(case.in_flight), name, rate(of(name, "per_second")),
               duration(of(name, "p50_us")), duration(of(name, "p99_us")), duration(of(name, "p999_us")), share,
               f"{of(name, 'cpu_us'):.1f}", f"{of(name, 'mib'):.0f}")


def sizes(world, quick):
    """(API, entities, features, in flight)"""
    for api in APIS:
        for entities in (1, 100):
            for features in FEATURES:
                for in_flight in IN_FLIGHT:
                    is_part = api is APIS[0] or features == 50 or world.large
                    if is_part and (not quick or (features == 50 and in_flight in (1, 64))):
                        yield api, entities, features, in_flight


def measure_sizes(world, stores, quick):
    rounds, lines = 5 if world.large else 1, []
    for api, entities, features, in_flight in sizes(world, quick):
        seconds = 0.2 if quick else 2 if entities * features > 10000 else 1
        case = Sized(world, api, stores[0].address, entities, features, in_flight)
        samples = {"echo": [], **{store.name: [] for store in stores}}
        with echo_process_of(world, case) as (echo, echo_pid):
            for _ in range(rounds):
                samples["echo"].append(measured(case, echo, echo_pid, seconds))
                for store in stores:
                    samples[store.name].append(measured(case, store.address, store.pid, seconds))
        lines += lines_of(case, samples)
    return Table("Echo and Larder from its stores", HEADINGS, lines)


def measure_elsewhere(world, stores, quick):
    """Our generator beside h2load, on the same servers."""
    headings = ("API", "in flight", "server", "generator", "a second", "p50", "p99", "p99.9")
    seconds, lines = 0.2 if quick else 2, []
    for api in APIS:
        for in_flight in (8, 64):
            case = Sized(world, api, stores[0].address, 1, 50, in_flight)
            with echo_process_of(world, case) as (echo, _):
                for name, target in [("echo", echo)] + [(store.name, store.address) for store in stores]:
                    own = case.load(target, seconds)
                    other = h2load.load(world, case, target, max(1000, int(own["per_second"] * seconds)))
                    for generator, told in (("bench_load", own), ("h2load", other)):
                        lines.append((api.name, str(in_flight), name, generator, rate(told["per_second"]),
                                      *(duration(told[figure]) for figure in ("p50_us", "p99_us", "p999_us"))))
    return Table("The same from h2load of nghttp2: 1 entity, 50 features", headings, lines)


def measure_meanwhile(world, stores, redis, quick):
    """The tail of reads while a run writes to the same Redis as fast as it can."""
    fill_history(world, 50000 if quick else BULK_ROWS, 1)
    bulk = world.unapplied(redis, definitions(1))
    text = bulk.path("larder.yaml").read_text()
    bulk.write("larder.yaml", text.replace(redis.url, f"{redis.url}/1"))
    bulk.do("apply")
    api, seconds, lines = APIS[0], 0.2 if quick else 2, []
    cases = [(store, Sized(world, api, store.address, 1, 50, in_flight)) for store in stores for in_flight in (8, 64)]
    calm = [case.load(store.address, seconds) for store, case in cases]
    for (store, case), before in zip(cases, calm):
        redis.command("FLUSHDB", database=1)  # the next run writes all of it again
        run = bulk.start("materialize")
        try:
            while redis.command("DBSIZE", database=1) < 1000 and run.poll() is None:
                pass
            told = case.load(store.address, seconds)
            is_writing = run.poll() is None
        finally:
            run.kill()
            said = run.communicate()
        if not (is_writing or quick):
            raise RuntimeError(f"the run ended before the load: {said}")
        for when, each in (("calm", before), ("a run writes", told)):
            lines.append((store.name, str(case.in_flight), when, rate(each["per_second"]),
                          *(duration(each[figure]) for figure in ("p50_us", "p99_us", "p999_us"))))
    headings = ("server", "in flight", "", "a second", "p50", "p99", "p99.9")
    return Table("larder.v1, 1 entity x 50 features, while materialize writes", headings, lines)


def measure(world, quick):
    redis = world.redis()
    fill_history(world, ENTITIES, VIEWS)
    text = definitions(VIEWS) + SERVICES
    with contextlib.ExitStack() as stack:
        def serve(name, repository):
            return Store(name, stack.enter_context(repository.serving()))
        from_redis, from_lmdb = world.repository(redis, text), world.repository(None, text)
        for repository in (from_redis, from_lmdb):
            repository.do("materialize")
        near = world.beside(from_redis, text, redis, near_cache="256MiB")
        for repository in (from_redis, near, from_lmdb):  # what takes long here is meant to
            text = repository.path("larder.yaml").read_text()
            repository.write("larder.yaml", text.replace("server: {", "server: {max_call: 1m, "))
        stores = [serve("Redis", from_redis), serve("near", near), serve("LMDB", from_lmdb)]
        tables = [measure_sizes(world, stores, quick)]
        if h2load.is_there():
            tables.append(measure_elsewhere(world, stores, quick))
        else:
            print("bench: h2load is not installed, and left out; scripts/setup --dev installs it", file=sys.stderr)
        tables.append(measure_meanwhile(world, stores, redis, quick))
    redis.kill()
    return tables
