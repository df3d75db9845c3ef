"""training_history.py - the views of a training case, and their histories.

The first view is that of make_case.py. The second has keys of its own, of the first, or of both; columns of types that
only fit; misfits; rows without a key or a time. Both may get full ties and keys that are too long to be online.
"""
import dataclasses
import math
import struct

from make_case import COLUMN, DAY, FEATURES, HOUR, RENAMED, STRINGS, text

LONG_KEY = 600  # bytes: more than any key may have online


@dataclasses.dataclass(frozen=True)
class Column:
    name: str  # of the feature or the key
    kind: str  # its type
    declared: str  # in PostgreSQL
    stored: str = None  # the column's name, where it differs


@dataclasses.dataclass(frozen=True)
class Cell:
    value: object  # as Larder is to read it
    sql: str  # PostgreSQL's literal
    lite: object  # what SQLite stores
    misfit: bool = False


@dataclasses.dataclass(frozen=True)
class Row:
    keys: tuple
    event: Cell
    created: Cell
    cells: tuple  # of the features

    @property
    def key(self):
        return tuple(cell.value for cell in self.keys)

    @property
    def is_fit(self):
        """Rows that are not are left out, and counted."""
        return self.event.value is not None and None not in self.key


@dataclasses.dataclass
class View:
    name: str
    entity: str
    table: str
    keys: list  # Columns
    features: list  # Columns
    ttl: int
    has_created: bool = True
    strange: bool = False  # there are misfits, which read as null
    is_query: bool = False
    is_indexed: bool = True
    is_partitioned: bool = False
    is_crowded: bool = False  # with rows of keys that nobody asks for, in PostgreSQL
    rows: list = dataclasses.field(default_factory=list)

    def feature(self, name):
        return next(i for i, column in enumerate(self.features) if column.name == name)


# Cells ----------------------------------------------------------------------------------------------------------

def quoted(value):
    return "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def sql_of(value, kind, declared):
    if value is None:
        return "NULL"
    if kind.startswith("list<"):
        elements = ",".join(sql_of(each, kind[5:-1], declared[:-2]) for each in value)
        return f"ARRAY[{elements}]::{declared}"
    word = str(int(value)) if declared == "bigint" else text(value, kind)
    return f"{quoted(word)}::{declared}"


def lite_of(value, kind):
    """SQLite keeps neither NaN nor the sign of -0, so they are blobs."""
    if value is None or kind == "bytes":
        return value
    if kind.startswith("list<"):
        return text(value, kind)
    if kind in ("float32", "float64") and (math.isnan(value) or (value == 0 and math.copysign(1, value) < 0)):
        return struct.pack(">f" if kind == "float32" else ">d", value)
    return int(value) if kind == "bool" else value


def cell(value, column):
    return Cell(value, sql_of(value, column.kind, column.declared), lite_of(value, column.kind))


TIME = Column("time", "timestamp", "timestamptz")
INFINITE = Cell(None, "'infinity'::timestamptz", "infinity", misfit=True)


# The second view ------------------------------------------------------------------------------------------------

def some_time(rng):
    return rng.choice([0, -1, 1, 1_700_000_000_123_456, -DAY * 365, rng.randint(-10**15, 10**15)])


def some_uuid(rng):
    digits = f"{rng.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def some_list(element):
    return lambda rng: [element(rng) for _ in range(rng.randint(0, 3))]


SECOND_FEATURES = [  # column, its values, and its misfits in PostgreSQL and SQLite
    (Column("g_small", "int32", "smallint"), lambda rng: rng.choice([0, -1, 32767, -32768, rng.randint(-99, 99)]), ()),
    (Column("g_whole", "int64", "integer"), lambda rng: rng.choice([0, 2**31 - 1, -2**31, rng.randint(-99, 99)]), ()),
    (Column("g_exact", "float64", "numeric"), lambda rng: rng.choice([0.0, 0.1, -2.5, 1e-300, math.nan, 123456789.25]),
     [("'1e400'::numeric", "much"), ("'-1e309'::numeric", "")]),
    (Column("g_big", "float64", "bigint"), lambda rng: float(rng.choice([0, -1, 2**53, rng.randint(-999, 999)])), ()),
    (Column("g_char", "string", "char(8)"), lambda rng: rng.choice(["", "a", "ab", "ä€", " a", "NULL"]), ()),
    (Column("g_short", "string", "varchar(30)", "G Short"), lambda rng: rng.choice(STRINGS), ()),
    (Column("g_uuid", "string", "uuid"), some_uuid, ()),
    (Column("g_json", "string", "jsonb"), lambda rng: rng.choice(['{"a": 1}', "[]", "null", '"x"', "1.50"]), ()),
    (Column("g_day", "timestamp", "date"), lambda rng: DAY * rng.randint(-4000, 20000),
     [("'infinity'::date", 2**62), ("'20000-01-01'::date", "2024-01-01")]),
    (Column("g_naive", "timestamp", "timestamp"), some_time,
     [("'-infinity'::timestamp", -2**62), ("'0044-03-15 BC'::timestamp", b"\x00")]),
    (Column("g_zoned", "timestamp", "timestamptz"), some_time,
     [("'infinity'::timestamptz", "infinity"), ("'20000-01-01Z'::timestamptz", 1.5)]),
    (Column("g_texts", "list<string>", "text[]"), some_list(lambda rng: rng.choice(STRINGS)),
     [("ARRAY['a', NULL]", '["a", null]'), ("ARRAY[ARRAY['a'], ARRAY['b']]", '[["a"], ["b"]]')]),
    (Column("g_wholes", "list<int64>", "integer[]"), some_list(lambda rng: rng.randint(-99, 99)),
     [("ARRAY[NULL]::integer[]", "no list")]),
    (Column("g_exacts", "list<float64>", "numeric[]"), some_list(lambda rng: rng.choice([0.5, 0.1, math.nan])), ()),
    (Column("g_times", "list<timestamp>", "timestamptz[]"), some_list(some_time),
     [("ARRAY['infinity'::timestamptz]", '["infinity"]')]),
    # What the first view has, too: only full names tell them apart.
    (Column("f_bool", "bool", "boolean"), lambda rng: rng.random() < 0.5, ()),
]

SECOND_KEYS = [
    [Column("m1", "string", "text")],
    [Column("m1", "string", "char(6)")],
    [Column("m1", "string", "uuid")],
    [Column("m1", "int32", "smallint")],
    [Column("m1", "int64", "integer")],
    [Column("m1", "timestamp", "date")],
    [Column("m1", "timestamp", "timestamp")],
    [Column("m2", "bytes", "bytea"), Column("m1", "bool", "boolean")],
]


def second_keys(rng, first):
    """The keys of the second view: the first's, some of its own, or both."""
    way = rng.randrange(4)
    if way == 0:
        return first
    own = rng.choice(SECOND_KEYS)
    if way == 1:
        return [first[0], *own]
    if way == 2 and first[0].kind in ("int32", "int64"):  # an asking column stands for both widths
        other = "int64" if first[0].kind == "int32" else "int32"
        return [Column(first[0].name, other, COLUMN[other])]
    return own


def key_value(rng, column):
    if column.declared == "uuid":
        return rng.choice(["00000000-0000-4000-8000-00000000000a", some_uuid(rng)])
    if column.kind == "string":
        return rng.choice(["", "a", "ab", "1", "12", " a"] if "char" in column.declared else STRINGS)
    if column.kind == "timestamp":
        return DAY * rng.randint(-9, 9) + (0 if column.declared == "date" else rng.choice([0, -1, 1]))
    return {"bool": rng.random() < 0.5, "bytes": rng.choice([b"", b"\x00", b"{}"]) + rng.randbytes(rng.randint(0, 1)),
            "int32": rng.choice([1, 12, 0, -1, 32767, rng.randint(0, 99)]),
            "int64": rng.choice([1, 11, 12, 0, -1, 2**31 - 1, rng.randint(0, 99)])}[column.kind]


def second_cell(rng, column, draw, misfits, strange):
    if strange and misfits and rng.random() < 0.15:
        sql, lite = rng.choice(misfits)
        return Cell(None, sql, lite, misfit=True)
    return cell(None if rng.random() < 0.12 else draw(rng), column)


def second_row(rng, view, keys, start):
    event = start + rng.choice([rng.randint(0, 100 * DAY), rng.randint(0, 100) * DAY, rng.randint(0, 5)])
    created = None if rng.random() < 0.1 else event + rng.choice([0, 1, -HOUR, HOUR, 3 * DAY, 40 * DAY])
    event, created = cell(event, TIME), cell(created, TIME)
    key_cells = [cell(value, column) for value, column in zip(keys, view.keys)]
    if rng.random() < 0.03:
        event = rng.choice([cell(None, TIME), INFINITE]) if view.strange else cell(None, TIME)
    elif rng.random() < 0.03:
        place = rng.randrange(len(key_cells))
        key_cells[place] = cell(None, view.keys[place])
    if view.strange and rng.random() < 0.05:
        created = INFINITE
    cells = tuple(second_cell(rng, *each, view.strange) for each in SECOND_FEATURES)
    return Row(tuple(key_cells), event, created, cells)


def make_second(rng, first, start, needs_created):
    keys = second_keys(rng, first.keys)
    view = View("more", "thing" if keys == first.keys else "other", "more_source", keys,
                [column for column, _, _ in SECOND_FEATURES], ttl=rng.choice([0, HOUR, 7 * DAY, 40 * DAY]),
                has_created=needs_created or rng.random() < 0.7, strange=rng.random() < 0.5)
    pool = {tuple(key_value(rng, column) for column in keys) for _ in range(15)}
    if keys[0].name == first.keys[0].name:  # keys that both views know
        known = sorted({row.key for row in first.rows}, key=repr)
        for key in known[:10]:
            own = tuple(key_value(rng, column) for column in keys[1:])
            pool.add(key if keys == first.keys else (*key[:1], *own))
    narrow = any(column.declared == "integer" for column in keys)
    pool = [key for key in pool if not narrow or all(not isinstance(v, int) or -2**31 <= v < 2**31 for v in key)]
    for key in sorted(pool, key=repr):
        view.rows += [second_row(rng, view, key, start) for _ in range(rng.randint(0, 20))]
    return view


# Both views -----------------------------------------------------------------------------------------------------

def first_view(keys, ttl, rows):
    columns = [Column(name, kind, COLUMN[kind]) for name, kind in keys]
    features = [Column(name, kind, COLUMN[kind[5:-1]] + "[]" if "<" in kind else COLUMN[kind], RENAMED.get(name))
                for name, kind in FEATURES]
    rows = [Row(tuple(map(cell, entity, columns)), cell(event, TIME), cell(created, TIME),
                tuple(map(cell, values, features))) for entity, event, created, values in rows]
    return View("facts", "thing", "case_source", columns, features, ttl, rows=rows)


def differing(rng, view, row):
    """The same row with values of other rows."""
    donors = [rng.choice(view.rows) for _ in row.cells]
    return dataclasses.replace(row, cells=tuple(donor.cells[i] for i, donor in enumerate(donors)))


def add_ties(rng, view):
    for row in rng.sample(view.rows, len(view.rows) // 10):
        if row.is_fit:
            view.rows += [differing(rng, view, row) for _ in range(rng.randint(1, 2))]


def add_long_keys(rng, view):
    places = [i for i, column in enumerate(view.keys) if column.declared in ("text", "bytea")]
    if not places or not view.rows:
        return
    for row in rng.sample(view.rows, min(3, len(view.rows))):
        keys, place = list(row.keys), rng.choice(places)
        column = view.keys[place]
        keys[place] = cell("x" * LONG_KEY if column.kind == "string" else b"x" * LONG_KEY, column)
        view.rows.append(dataclasses.replace(row, keys=tuple(keys)))


def furnish(rng, view):
    if rng.random() < 0.5:
        add_ties(rng, view)
    if rng.random() < 0.3:
        add_long_keys(rng, view)
    view.is_indexed = rng.random() < 0.5
    view.is_query = rng.random() < 0.25
    view.is_partitioned = rng.random() < 0.2
    view.is_crowded = view.is_indexed and rng.random() < 0.5
    rng.shuffle(view.rows)
