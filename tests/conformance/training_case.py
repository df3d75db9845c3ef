"""training_case.py - random cases of training sets: what make_case.py draws, and what it leaves out.

make_case.py draws the first view, its history and its asks, so that a seed means there what it always did. A stream
of its own adds the rest: full ties, a second view (training_history.py), uses under an alias, as-of, statuses, full
names, features by list or by service, times in many zones. One seed always makes one case. training_tables.py writes
it, training_answer.py works out its answers.
"""
import dataclasses
import random

import make_case
from make_case import DAY, HOUR, STRINGS, rfc3339, text
from training_history import View, first_view, furnish, make_second

FIRST_TIME, LAST_TIME = -62135596800000000, 253402300799999999  # the years 1 to 9999


@dataclasses.dataclass
class Use:
    """A view in the service or the list that is asked for."""
    view: View
    features: list  # names
    alias: str = None
    mapped: dict = dataclasses.field(default_factory=dict)  # join key -> asking column

    def asked(self):
        """The asking column of each key."""
        return [self.mapped.get(key.name, key.name) for key in self.view.keys]


@dataclasses.dataclass
class Case:
    seed: int
    start: int
    views: list
    uses: list
    by_service: bool
    full_names: bool
    as_known: bool
    as_of: int  # None: no limit
    with_status: bool
    columns: list = dataclasses.field(default_factory=list)  # of the asks
    asks: list = dataclasses.field(default_factory=list)  # (the values of the columns, time), in order
    texts: list = dataclasses.field(default_factory=list)  # the same as CSV holds them, behind the header
    known: dict = dataclasses.field(default_factory=dict)  # a view's name -> its fit rows

    def output_name(self, use, feature):
        prefix = use.alias or (use.view.name if self.full_names else None)
        return f"{prefix}__{feature}" if prefix else feature

    def options(self):
        words = ["--service", "asked"]
        if not self.by_service:
            words = ["--features", ",".join(f"{use.view.name}:{name}" for use in self.uses for name in use.features)]
        words += ["--full-names"] if self.full_names else []
        words += ["--as-known"] if self.as_known else []
        words += ["--as-of", rfc3339(self.as_of)] if self.as_of is not None else []
        return words + (["--with-status"] if self.with_status else [])


# What is asked for ----------------------------------------------------------------------------------------------

def both(a, b):
    """The type of an asking column that stands for keys of both; None: it cannot."""
    return a if a == b else "int64" if {a, b} == {"int32", "int64"} else None


def asked_columns(uses):
    kinds = {}
    for use in uses:
        for name, key in zip(use.asked(), use.view.keys):
            kinds[name] = both(kinds[name], key.kind) if name in kinds else key.kind
    return kinds


def add_alias(rng, uses, views, alias):
    view = rng.choice(views)
    use = Use(view, rng.sample([column.name for column in view.features], rng.randint(1, 6)), alias)
    kinds = asked_columns(uses)
    for key in rng.sample(view.keys, rng.randint(1, len(view.keys))):
        fitting = [name for name, kind in kinds.items() if both(kind, key.kind) and name != key.name]
        use.mapped[key.name] = rng.choice(fitting) if fitting and rng.random() < 0.3 else f"{alias}_{key.name}"
    if len(set(use.asked())) == len(view.keys) and all(asked_columns([*uses, use]).values()):
        uses.append(use)


def choose_uses(rng, views, by_service, full_names):
    uses, taken = [], set()
    for view in rng.sample(views, rng.choice([1, 2, 2, 2, 2])):
        names = [column.name for column in view.features if full_names or column.name not in taken]
        if rng.random() < 0.5:
            names = rng.sample(names, rng.randint(1, len(names)))
        taken |= set(names)
        uses.append(Use(view, names))
    if by_service:
        for alias in ("rival", "origin")[:rng.choice([0, 1, 1, 2])]:
            add_alias(rng, uses, views, alias)
    rng.shuffle(uses)
    return uses


# Asks -----------------------------------------------------------------------------------------------------------

def strange_key(rng, kind):
    """What an ask may come with, and no row of a narrower column has."""
    return {"string": "no such key ", "bytes": b"\xff" * 9, "bool": True, "timestamp": 12345,
            "int32": -2**31, "int64": 2**62}[kind] if rng.random() < 0.7 else None


def assign(ask, use, key):
    for name, value in zip(use.asked(), key):
        ask.setdefault(name, value)


def fill(rng, case, kinds, ask):
    """Keys for the uses that have none yet: such as go with what is there, if there are any."""
    for use in case.uses:
        names = use.asked()
        pool = [row.key for row in case.known[use.view.name]
                if all(name not in ask or ask[name] == value for name, value in zip(names, row.key))]
        if pool and rng.random() < 0.95:
            assign(ask, use, rng.choice(pool))
    for name, kind in kinds.items():
        ask.setdefault(name, strange_key(rng, kind))


def edge(rng, view, row):
    if row.created.value is not None and rng.random() < 0.3:
        return row.created.value + rng.choice([0, -1, 1])
    return row.event.value + rng.choice([0, -1, 1, view.ttl, view.ttl + 1, view.ttl - 1, view.ttl + DAY,
                                         view.ttl + DAY + 1, HOUR, 50 * DAY])


def fits(kinds, ask):
    return all(kinds[name] != "int32" or value is None or -2**31 <= value < 2**31 for name, value in ask.items())


def make_asks(rng, case, base_asks):
    kinds = asked_columns(case.uses)
    case.known = {view.name: [row for row in view.rows if row.is_fit] for view in case.views}
    first = next((use for use in case.uses if use.view.name == "facts" and not use.alias), None)
    drawn = []
    for entity, at in base_asks:
        ask = {}
        if first:
            assign(ask, first, entity)
        fill(rng, case, kinds, ask)
        drawn.append((ask, at))
    for _ in range(100):
        use, ask = rng.choice(case.uses), {}
        if case.known[use.view.name]:
            row = rng.choice(case.known[use.view.name])
            assign(ask, use, row.key)
            fill(rng, case, kinds, ask)
            drawn.append((ask, edge(rng, use.view, row)))
            if rng.random() < 0.1:
                drawn.append(rng.choice(drawn))
    drawn += [(dict(drawn[0][0]), at) for at in (FIRST_TIME, LAST_TIME)]
    rng.shuffle(drawn)
    case.columns = rng.sample(list(kinds), len(kinds))
    case.asks = [(tuple(ask[name] for name in case.columns), at) for ask, at in drawn if fits(kinds, ask)]
    header = [*case.columns, "event_timestamp", "ask_id", "note"]
    order = rng.sample(header, len(header))
    case.texts = [order] + [text_of_ask(rng, case, kinds, order, *each) for each in enumerate(case.asks)]


def text_of_ask(rng, case, kinds, order, number, ask):
    values, at = ask
    fields = {name: text(value, kinds[name]) for name, value in zip(case.columns, values)}
    fields |= {"event_timestamp": text_of_time(rng, at), "ask_id": str(number), "note": rng.choice([None, *STRINGS])}
    return [fields[name] for name in order]


def text_of_time(rng, at):
    """One of the ways to write an instant."""
    utc = rfc3339(at)
    way = rng.randrange(8)
    if way == 0 and FIRST_TIME + DAY < at < LAST_TIME - DAY:
        minutes = rng.choice([345, -210, 60, 840, -720])
        sign = "+" if minutes > 0 else "-"
        return rfc3339(at + minutes * 60_000_000)[:-1] + f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    if way == 1:
        return utc[:-1].replace("T", " ")
    if way == 2 and at % 1_000_000 == 0:
        return utc[:19] + "Z"
    if way == 3 and at % DAY == 0:
        return utc[:10]
    if way == 4:
        return utc[:-1] + "987Z"  # what is finer than a microsecond is cut
    if way == 5:
        return utc[:-1].replace("T", " ") + "+00"
    return utc


def choose_as_of(rng, views, start):
    created = [row.created.value for view in views for row in view.rows if row.created.value is not None]
    if not created or rng.random() < 0.2:
        return start + rng.randint(0, 130 * DAY)
    return rng.choice(created) + rng.choice([0, 0, -1, 1])


def repeat(case, times):
    """Every row asks so many times."""
    header, *texts = case.texts
    case.asks, case.texts = case.asks * times, [header] + texts * times


def make(seed):
    keys, ttl, as_known, _, rows, base_asks, start = make_case.make(seed, 40, 12, 300, None)
    rng = random.Random(f"training {seed}")
    wants_as_of = rng.random() < 0.4
    first = first_view(keys, ttl, rows)
    views = [first, make_second(rng, first, start, as_known or wants_as_of)]
    for view in views:
        furnish(rng, view)
    by_service, full_names = rng.random() < 0.7, rng.random() < 0.3
    case = Case(seed, start, views, choose_uses(rng, views, by_service, full_names and not by_service), by_service,
                full_names, as_known, choose_as_of(rng, views, start) if wants_as_of else None, rng.random() < 0.5)
    make_asks(rng, case, base_asks)
    return case
