"""serving.py - one server, two services: what they cost beside a bare echo of the same bytes.

Rounds go through all cases; in each, echo, Larder and MGET take turns, and the order of the first two
changes from round to round.
"""
import contextlib
import dataclasses

from placing import on, split
from report import Row, duration, median, rate
from world import cores, definitions, fill_history

ENTITIES, VIEWS = 1000, 5


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def larder_request(ids):
    values = field(1, b"".join(varint(i) for i in ids))
    return field(1, b"everything") + field(3, field(1, b"id") + field(2, values))


def feast_request(ids):
    values = b"".join(field(1, b"\x20" + varint(i)) for i in ids)  # a Value of int64_val
    return field(1, b"everything") + field(3, field(1, b"id") + field(2, values))


@dataclasses.dataclass
class Api:
    name: str
    method: str
    request: object


APIS = [
    Api("larder.v1", "/larder.v1.FeatureService/GetFeatures", larder_request),
    Api("feast.serving", "/feast.serving.ServingService/GetOnlineFeatures", feast_request),
]


class Case:
    """One way to load one service, with an echo of its own, and what was measured of it so far."""

    def __init__(self, world, api, larder, entities, in_flight, connections, where="", echo_cores=None):
        self.world, self.api, self.larder, self.where, self.echo_cores = world, api, larder, where, echo_cores
        self.entities, self.in_flight, self.connections = entities, in_flight, connections
        self.samples = {"echo": [], "larder": [], "mget": []}
        self.threads = self.echo_threads = 1  # of the client, and of the echo
        name, request = self.asked()
        stem = world.path(f"{api.name}-{name}")
        self.request, self.answer = stem + ".request", stem + ".answer"
        with open(self.request, "wb") as file:
            file.write(request)
        world.run("bench_load", target=larder, method=api.method, request=self.request, save=self.answer)

    def asked(self):
        """(what tells it from other requests, its bytes)"""
        return str(self.entities), self.api.request(range(1, self.entities + 1))

    def load(self, target, seconds):
        return self.world.run("bench_load", target=target, method=self.api.method, request=self.request,
                              answer=self.answer, connections=self.connections, in_flight=self.in_flight,
                              threads=self.threads, seconds=seconds)

    def choose_threads(self, rounds, seconds):
        """As many threads in the echo and in the client as let it answer most: the reference is to be at its best."""
        rates = {}
        for self.echo_threads in [t for t in (1, 2, 4, 8) if t <= cores()]:
            with echo_of(self.world, self) as echo:
                for self.threads in [t for t in (1, 2, 4, 8) if t <= cores() and self.connections % t == 0]:
                    rates[self.echo_threads, self.threads] = median(
                        self.load(echo, seconds)["per_second"] for _ in range(rounds))
        self.echo_threads, self.threads = max(rates, key=rates.get)

    def run(self, echo, seconds, reversed_order):
        turns = [("echo", echo), ("larder", self.larder)]
        for name, target in reversed(turns) if reversed_order else turns:
            self.samples[name].append(self.load(target, seconds))

    def run_mget(self, repository, redis, seconds):
        self.samples["mget"].append(self.world.run("bench_mget", repository=repository.folder, port=redis.port,
                                                   entities=self.entities, seconds=seconds))

    def of(self, side, figure):
        return median(sample[figure] for sample in self.samples[side])

    def rate_row(self, target):
        ours, echo = self.of("larder", "per_second"), self.of("echo", "per_second")
        return Row(f"{self.api.name}: requests, {self.in_flight} in flight over {self.connections}{self.where}",
                   rate(ours), f"echo {rate(echo)}", ours / echo, target, at_least=True)

    def tail_row(self):
        ours, echo = self.of("larder", "p99_us"), self.of("echo", "p99_us")
        return Row(f"{self.api.name}: p99, {self.in_flight} in flight over {self.connections}{self.where}", duration(ours),
                   f"echo {duration(echo)}", ours / echo, 2)

    def latency_row(self, figure, target):
        ours, echo, mget = (self.of(side, figure) for side in ("larder", "echo", "mget"))
        rows = "1 entity" if self.entities == 1 else f"{self.entities} entities"
        return Row(f"{self.api.name}: {figure[:3]}, {rows}, 1 in flight", duration(ours),
                   f"echo {duration(echo)} + MGET {duration(mget)}", ours / (echo + mget), target)


@contextlib.contextmanager
def echo_process_of(world, case):
    """An echo of the case's answer: (address, pid)."""
    with on(case.echo_cores):
        echo = world.start("bench_echo", answer=case.answer, method=case.api.method, threads=case.echo_threads)
    try:
        yield f"127.0.0.1:{int(echo.stdout.readline())}", echo.pid
    finally:
        echo.kill()
        echo.wait()


@contextlib.contextmanager
def echo_of(world, case):
    with echo_process_of(world, case) as (address, _):
        yield address


def cases_of(world, api, larder):
    return [Case(world, api, larder, 1, 8, 8), Case(world, api, larder, 1, 64, 8),
            Case(world, api, larder, 1, 1, 1), Case(world, api, larder, 100, 1, 1)]


def rows_of(cases):
    eight, many, single, hundred = cases
    return [eight.rate_row(0.45), eight.tail_row(), many.rate_row(0.6), many.tail_row(),
            single.latency_row("p50_us", 1.25), hundred.latency_row("p99_us", 1.5)]


def run_all(world, cases, quick, between=None):
    """Every case, round by round; `between` is run after each with its seconds."""
    rounds, seconds = (2, 0.2) if quick else (7, 2)
    for case in cases:
        if not case.echo_cores:
            case.choose_threads(1 if quick else 3, seconds / 2)
    for number in range(rounds):
        for case in cases:
            with echo_of(world, case) as echo:
                case.run(echo, seconds, number % 2)
            if between:
                between(case, seconds)


def placed_rows(world, quick):
    """8 in flight once more, of the history that is there, where nobody moves: which core Redis wakes on makes a half
    of these figures, or twice."""
    of_server, of_redis, of_client = split()
    with on(of_redis):
        redis = world.redis()
    repository = world.repository(redis, definitions(VIEWS))
    repository.do("materialize")
    with contextlib.ExitStack() as stack:
        with on(of_server):
            server = stack.enter_context(repository.serving())
        stack.enter_context(on(of_client))
        cases = [Case(world, api, server.address, 1, 8, 8, ", placed", of_server) for api in APIS]
        run_all(world, cases, quick)
    redis.kill()
    return [row for case in cases for row in (case.rate_row(0.45), case.tail_row())]


def measure(world, quick):
    redis = world.redis()
    fill_history(world, ENTITIES, VIEWS)
    repository = world.repository(redis, definitions(VIEWS))
    repository.do("materialize")

    def run_mget(case, seconds):
        if case.in_flight == 1:
            case.run_mget(repository, redis, seconds)
    rows = []
    with repository.serving() as server:
        for api in APIS:
            cases = cases_of(world, api, server.address)
            run_all(world, cases, quick, run_mget)
            rows += rows_of(cases)
    redis.kill()
    return rows + placed_rows(world, quick)


def measure_lmdb(world, quick):
    """The same service, with its rows in a folder."""
    fill_history(world, ENTITIES, VIEWS)
    repository = world.repository(None, definitions(VIEWS))
    repository.do("materialize")
    with repository.serving() as server:
        cases = [Case(world, api, server.address, 1, 64, 8, ", LMDB") for api in APIS]
        run_all(world, cases, quick)
    return [case.rate_row(0.75) for case in cases]


def measure_near(world, quick):
    """The same service, its rows in the server's memory before Redis."""
    redis = world.redis()
    fill_history(world, ENTITIES, VIEWS)
    repository = world.repository(redis, definitions(VIEWS), near_cache="64MiB")
    repository.do("materialize")
    with repository.serving() as server:
        cases = [Case(world, api, server.address, 1, 64, 8, ", near cache") for api in APIS]
        run_all(world, cases, quick)
    redis.kill()
    return [case.rate_row(0.85) for case in cases]
