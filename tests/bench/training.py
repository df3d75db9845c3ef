"""training.py - training sets, many asks and few, indexed and not, beside two experts and the join that Feast runs.

Expert (a) copies the asks in, the needed history out, and an answer of that shape out; (b) copies the asks in and
runs a hand-written LATERAL query over a serving index. In each round all of them take turns.
"""
import collections
import dataclasses
import itertools
import json
import subprocess

import training_experts as experts
import training_data as data
from embedded import VIEWS, three_sources
from report import Row, median, rate
from repository import program
from world import RUN_SECONDS

COMPARED = 20000  # rows of an answer, at least, if it has as many


@dataclasses.dataclass(frozen=True)
class Sizes:
    rows: int  # of each table
    few: int  # asks
    some: int
    many: int
    rounds: int
    feast_seconds: int


FULL = Sizes(10_000_000, 10_000, 100_000, 1_000_000, 3, 60)
QUICK = Sizes(20_000, 200, 600, 2_000, 1, 10)


@dataclasses.dataclass(frozen=True)
class Asks:
    """Rows that ask; hot: every tenth of them for the hot key."""
    count: int
    path: str
    hot: bool = False

    @property
    def table(self):
        """Of the answer."""
        return f"answers_{'hot_' if self.hot else ''}{self.count}"


@dataclasses.dataclass
class Case:
    """Asks of one shape of history, with a serving index or without, and what was measured of them so far."""
    shape: data.Shape
    asks: Asks
    indexed: bool
    as_parquet: bool = False  # as well as CSV
    seconds: dict = dataclasses.field(default_factory=lambda: collections.defaultdict(list))
    feast: str = ""

    @property
    def name(self):
        return (f"training set, {self.asks.count:,} asks, {self.shape.name}, "
                f"{'indexed' if self.indexed else 'no index'}{', 10 % on one key' if self.asks.hot else ''}")

    def of(self, side):
        return median(self.seconds[side])

    def row(self):
        """Without an index (b) has nothing to run over, so (a) alone is the reference."""
        ours, copied = self.of("larder"), self.of("copy")
        told, best = f"COPY {copied:.2f} s", copied
        if self.indexed:
            told, best = f"{told}, LATERAL {self.of('lateral'):.2f} s", min(copied, self.of("lateral"))
        return Row(self.name, f"{ours:.2f} s, {rate(self.asks.count / ours)}", told + self.feast, ours / best, 1.0)

    def parquet_row(self):
        csv, parquet = self.of("larder"), self.of("parquet")
        return Row(f"{self.name}, as Parquet", f"{parquet:.2f} s, {rate(self.asks.count / parquet)}",
                   f"CSV {csv:.2f} s", parquet / csv, 1.2)


class Bench:
    def __init__(self, world, sizes):
        self.world, self.sizes = world, sizes
        self.repository = world.unapplied(None, three_sources())
        self.peak_mib = 0

    def make(self, asks, ending="csv"):
        """Seconds of the whole command, its start and its look into the registry included."""
        words = [*self.world.program("bench_peak"), program(), "training-set", "-C", str(self.repository.folder),
                 "--service", "everything", "--entities", asks.path, "--out", self.world.path(f"larder.{ending}"), "--json"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=6 * RUN_SECONDS)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        said, _, measured = done.stdout.rstrip("\n").rpartition("\n")
        report, measured = json.loads(said), json.loads(measured)
        if report["rows"] != asks.count:
            raise RuntimeError(f"{report['rows']} of {asks.count} rows were answered")
        self.peak_mib = max(self.peak_mib, measured["peak_kib"] / 1024)
        return measured["seconds"]

    def lateral_path(self, asks):
        return self.world.path(asks.table + ".csv")

    def lateral(self, case, number):
        """The first answer is kept, for (a) to copy one like it out, and to compare Larder's with."""
        asks = case.asks
        case.seconds["lateral"].append(experts.lateral(self.world, asks.path, asks.count, self.lateral_path(asks)))
        if number == 0:
            experts.keep_answer(self.world, asks.table, self.lateral_path(asks))

    def larder(self, case, number):
        case.seconds["larder"].append(self.make(case.asks))
        if number == 0:
            compare(self.world.path("larder.csv"), self.lateral_path(case.asks), case)

    def copy(self, case, read_seconds):
        asks = case.asks
        rest = experts.in_and_out(self.world, asks.path, asks.count, asks.table)
        case.seconds["copy"].append(read_seconds + rest)

    def measure_cases(self, cases):
        for number in range(self.sizes.rounds):
            read_seconds = experts.read_history(self.world, self.sizes.rows)
            for case in cases:
                sides = [lambda: self.larder(case, number), lambda: self.copy(case, read_seconds)]
                if case.indexed:
                    sides.insert(0, lambda: self.lateral(case, number))
                if case.as_parquet:
                    sides.append(lambda: case.seconds["parquet"].append(self.make(case.asks, "parquet")))
                for side in sides[::-1] if number % 2 else sides:
                    side()

    def ask_feast(self, case):
        limit = self.sizes.feast_seconds
        seconds = experts.feast(self.world, case.asks.path, case.asks.count, limit)
        case.feast = f", Feast's join {f'> {limit}' if seconds is None else f'{seconds:.2f}'} s"

    def write_asks(self, shape, count, hot=False):
        return Asks(count, data.write_asks(self.world, shape, count, hot), hot)

    def measure_shape(self, shape):
        """All cases of one shape; its tables make room for those of the next."""
        sizes = self.sizes
        data.fill(self.world, shape)
        data.index(self.world)
        self.repository.do("apply")
        few, many = (self.write_asks(shape, count) for count in (sizes.few, sizes.many))
        more = self.write_asks(shape, sizes.many, hot=True) if shape.has_hot else self.write_asks(shape, sizes.some)
        indexed = [Case(shape, asks, True) for asks in sorted((few, many, more), key=lambda each: each.count)]
        indexed[-1].as_parquet = not shape.has_hot
        bare = [Case(shape, asks, False) for asks in (few, many)]
        self.measure_cases(indexed)
        self.ask_feast(indexed[0])
        more_rows = [] if shape.has_hot else [indexed[-1].parquet_row(), *self.growth(indexed)]
        data.drop_index(self.world)
        self.measure_cases(bare)
        return [case.row() for case in indexed + bare] + more_rows

    def growth(self, cases):
        """Ten times the asks take at most ten times as long, and little more where caches are left behind."""
        times = [(case.asks.count, case.of("larder")) for case in cases]
        if self.world.large:
            asks = self.write_asks(cases[0].shape, 10 * self.sizes.many)
            times.append((asks.count, self.make(asks)))
        return [Row(f"training set, {more:,} asks after {less:,}: time an ask", f"{after / more * 1e6:,.2f} us",
                    f"{before / less * 1e6:,.2f} us", (after / more) / (before / less), 1.2)
                for (less, before), (more, after) in itertools.pairwise(times)]


def compare(ours, theirs, case):
    """Both hold the same features; of large answers every so many rows are looked at."""
    step = max(1, case.asks.count // COMPARED)
    with open(ours) as a, open(theirs) as b:
        for number, (left, right) in enumerate(zip(a, b, strict=True)):
            if number > 0 and number % step == 0 and features_of(left) != features_of(right):
                raise RuntimeError(f"{case.name}: row {number} is {left} where LATERAL says {right}")


def features_of(line):
    key, _, _, *features = line.rstrip("\n").split(",")
    return key, [float(value) if value else None for value in features]


def measure(world, quick):
    sizes = QUICK if quick else FULL
    data.check_disk(world, sizes.rows, sizes.many * (10 if world.large else 1))
    bench = Bench(world, sizes)
    rows = []
    for name, keys, has_hot in (("5 rows a key", sizes.rows // 5, False), ("500 rows a key", sizes.rows // 500, True)):
        rows += bench.measure_shape(data.Shape(name, sizes.rows, keys, has_hot))
    for view in range(VIEWS):
        world.sql(f"DROP TABLE s{view}")
    return rows + [Row("training set: peak memory of larder", f"{bench.peak_mib:,.0f} MiB", "", bench.peak_mib, 512)]
