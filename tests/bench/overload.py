"""overload.py - a server that is asked for more than it can do, on a core of its own (placing.py): beside the client,
Redis would be what is overloaded.

Large calls, 100 entities x 50 features: what the server can do is measured with calls in a closed loop,
between rounds of calls that arrive at twice that rate, at random, each with a deadline. Small calls: as
many in flight as the connections may have open, and twice as many; meanwhile a caller on a connection
of its own asks once at a time, and what it waits is what an admitted call waits.
"""
import contextlib
import json

from placing import on, split
from report import Row, duration, median, rate
from serving import APIS, Case
from world import definitions, fill_history

ENTITIES, VIEWS = 1000, 5
CONNECTIONS, STREAMS = 8, 100  # of a connection: server/server.c
DEADLINE_MS = 250


def measure_large(world, api, address, rounds, seconds):
    case = Case(world, api, address, 100, 2 * CONNECTIONS, CONNECTIONS)
    alone, twice = [case.load(address, seconds)["per_second"]], []
    for _ in range(rounds):
        told = world.run("bench_open_load", target=address, method=api.method, request=case.request, answer=case.answer,
                         connections=CONNECTIONS, rate=2 * alone[-1], deadline_ms=DEADLINE_MS, seconds=seconds)
        if told["wrong"]:
            raise RuntimeError(f"{told['wrong']} wrong answers under overload")
        twice.append(told)
        alone.append(case.load(address, seconds)["per_second"])
    # Of what it can do before and behind it: machines grow slower and faster meanwhile.
    capacities = [(before + behind) / 2 for before, behind in zip(alone, alone[1:])]
    answered = median(told["per_second"] / capacity for told, capacity in zip(twice, capacities))
    arrived = median(told["arrived_per_second"] for told in twice)
    slowest = median(told["p99_us"] for told in twice)
    return [Row(f"{api.name}: 100 entities, twice the capacity: answers in time",
                rate(median(told["per_second"] for told in twice)), f"capacity {rate(median(capacities))}, asked {rate(arrived)}",
                answered, 0.9, at_least=True),
            Row(f"{api.name}: 100 entities, twice the capacity: p99 of answers", duration(slowest),
                f"deadline {DEADLINE_MS} ms", slowest / 1000 / DEADLINE_MS, 1)]


class Polite:
    """One call at a time on a connection of its own, while others flood."""

    def __init__(self, case, seconds):
        words = {"target": case.larder, "method": case.api.method, "request": case.request, "answer": case.answer}
        self.process = case.world.start("bench_load", **words, connections=1, in_flight=1, seconds=seconds)

    def told(self):
        said, _ = self.process.communicate(timeout=60)
        return json.loads(said)


def flood(case, in_flight, seconds):
    """(what the flood was told, what the polite caller was told)"""
    case.in_flight = in_flight
    polite = Polite(case, 0.8 * seconds)
    flooded, told = case.load(case.larder, seconds), polite.told()
    if not flooded["calls"] or not told["calls"]:
        raise RuntimeError(f"a flood of {in_flight} calls: nothing was answered within {seconds} s")
    return flooded, told


def measure_small(world, api, address, rounds, seconds):
    case = Case(world, api, address, 1, 1, CONNECTIONS)
    full, twice = [], []
    for _ in range(rounds):
        full.append(flood(case, STREAMS * CONNECTIONS, seconds))
        twice.append(flood(case, 2 * STREAMS * CONNECTIONS, seconds))
    rates = [median(flooded["per_second"] for flooded, _ in told) for told in (full, twice)]
    tails = [median(polite["p99_us"] for _, polite in told) for told in (full, twice)]
    return [Row(f"{api.name}: 1 entity, twice the calls that may be open: answers", rate(rates[1]),
                f"all open {rate(rates[0])}", rates[1] / rates[0], 0.9, at_least=True),
            Row(f"{api.name}: 1 entity, twice the calls that may be open: another's p99", duration(tails[1]),
                f"all open {duration(tails[0])}", tails[1] / tails[0], 1.5)]


def measure(world, quick):
    rounds, seconds = (1, 1) if quick else (7, 3)
    of_server, of_redis, of_client = split()
    with on(of_redis):
        redis = world.redis()
    fill_history(world, ENTITIES, VIEWS)
    repository = world.unapplied(redis, definitions(VIEWS))
    text = repository.path("larder.yaml").read_text()  # what is slow here is meant to be
    text = text.replace("{type: redis,", "{type: redis, timeout: 5s,").replace("server: {", "server: {max_call: 1m, ")
    repository.write("larder.yaml", text)
    repository.do("apply")
    repository.do("materialize")
    with contextlib.ExitStack() as stack:
        with on(of_server):
            server = stack.enter_context(repository.serving())
        stack.enter_context(on(of_client))
        rows = []
        for api in APIS:
            rows += measure_large(world, api, server.address, rounds, seconds)
            rows += measure_small(world, api, server.address, rounds, seconds)
    redis.kill()
    return rows
