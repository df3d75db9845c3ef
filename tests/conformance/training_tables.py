"""training_tables.py - a training case as definitions, asks and tables, for PostgreSQL and for SQLite."""
import json
import sqlite3

from make_case import DAY, csv_line, rfc3339
from training_history import Column, quoted


def definitions(case):
    """JSON is YAML."""
    entities, sources, views = {}, [], []
    for view in case.views:
        entities[view.entity] = {"name": view.entity, "join_keys": {key.name: key.kind for key in view.keys}}
        fields = {column.name: column.stored for column in view.features if column.stored}
        sources.append({"name": view.table, "event_time": "event_timestamp",
                        **({"query": f"SELECT * FROM {view.table}"} if view.is_query else {"table": view.table}),
                        **({"created_time": "created"} if view.has_created else {}), "fields": fields,
                        "misfits": "as_null" if view.strange else "stop"})
        views.append({"name": view.name, "entities": [view.entity], "source": view.table,
                      **({"ttl": f"{view.ttl // 1_000_000}s"} if view.ttl else {}),
                      "features": [{"name": column.name, "type": column.kind} for column in view.features]})
    used = []
    for use in case.uses:
        if use.alias:
            used.append({"view": use.view.name, "features": use.features, "as": use.alias, "keys": use.mapped})
        else:
            used.append({use.view.name: use.features})
    services = [{"name": "asked", "features": used}] if case.by_service else []
    return json.dumps({"entities": list(entities.values()), "sources": sources, "feature_views": views,
                       "feature_services": services}, indent=1, ensure_ascii=False)


def asks_csv(case):
    return "".join(map(csv_line, case.texts))


def table_columns(view):
    return [*view.keys, Column("event_timestamp", "timestamp", "timestamptz"),
            *([Column("created", "timestamp", "timestamptz")] if view.has_created else []), *view.features]


def cells_of(view, row):
    return [*row.keys, row.event, *([row.created] if view.has_created else []), *row.cells]


def names_of(columns):
    return ", ".join(f'"{column.stored or column.name}"' for column in columns)


def index_columns(view, nulls_last):
    created = f", created DESC{nulls_last}" if view.has_created else ""
    return f"{names_of(view.keys)}, event_timestamp DESC{created}"


CROWD = 100_000  # rows: with an index, probing then costs less than a pass
CROWD_KEYS = {
    "bigint": "1000000000000 + i", "integer": "1000000000 + i", "smallint": "-i % 30000", "boolean": "true",
    "text": "'nobody' || i", "char(6)": "'n' || i % 99999", "uuid": "md5(i::text)::uuid",
    "bytea": "decode(md5(i::text), 'hex')", "date": "date '3000-01-01' + i",
    "timestamp": "timestamp '3000-01-01' + i * interval '1 s'",
    "timestamptz": "timestamptz '3000-01-01Z' + i * interval '1 s'",
}


def can_be_crowded(view):
    """Whether one of the keys can tell the crowd from everybody else."""
    return view.is_crowded and any(key.declared not in ("boolean", "smallint") for key in view.keys)


def crowd_sql(case, view):
    """Rows of keys that nobody asks for, without values: so that the strategies of a case's views differ."""
    columns = [column for column in table_columns(view) if column not in view.features]
    at = f"timestamptz {quoted(rfc3339(case.start))} + i * interval '1 min'"
    cells = ", ".join([CROWD_KEYS[key.declared] for key in view.keys] + [at] * (len(columns) - len(view.keys)))
    return (f"INSERT INTO {view.table} ({names_of(columns)}) SELECT {cells} FROM generate_series(1, {CROWD}) i;\n"
            f"ANALYZE {view.table};\n")


def postgres_sql(case):
    """The tables, for psql."""
    lines = ["SET client_encoding = 'UTF8'; SET TimeZone = 'UTC';\n"]
    for view in case.views:
        table = view.table
        columns = ", ".join(f"{names_of([column])} {column.declared}" for column in table_columns(view))
        lines.append(f"CREATE TABLE {table} ({columns})")
        if view.is_partitioned:
            middle, end = (quoted(rfc3339(case.start + days * DAY)) for days in (30, 60))
            lines += [" PARTITION BY RANGE (event_timestamp);\n",
                      f"CREATE TABLE {table}_1 PARTITION OF {table} FOR VALUES FROM (MINVALUE) TO ({middle});\n",
                      f"CREATE TABLE {table}_2 PARTITION OF {table} FOR VALUES FROM ({middle}) TO ({end});\n",
                      f"CREATE TABLE {table}_3 PARTITION OF {table} DEFAULT"]
        lines.append(";\n")
        rows = ["(" + ", ".join(each.sql for each in cells_of(view, row)) + ")" for row in view.rows]
        for i in range(0, len(rows), 200):
            lines.append(f"INSERT INTO {table} VALUES\n" + ",\n".join(rows[i:i + 200]) + ";\n")
        if can_be_crowded(view):
            lines.append(crowd_sql(case, view))
        if view.is_indexed:
            lines.append(f"CREATE INDEX ON {table} ({index_columns(view, ' NULLS LAST')});\n")
    return "".join(lines)


LITE = {"bool": "BOOLEAN", "int32": "INTEGER", "int64": "INTEGER", "float32": "REAL", "float64": "REAL",
        "string": "TEXT", "bytes": "BLOB", "timestamp": "INTEGER"}


def fill_sqlite(case, path):
    with sqlite3.connect(path) as database:
        for view in case.views:
            columns = table_columns(view)
            declared = ", ".join(f"{names_of([column])} {LITE.get(column.kind, 'TEXT')}" for column in columns)
            database.execute(f"CREATE TABLE {view.table} ({declared})")
            database.executemany(f"INSERT INTO {view.table} VALUES ({', '.join('?' for _ in columns)})",
                                 [[each.lite for each in cells_of(view, row)] for row in view.rows])
            if view.is_indexed:
                database.execute(f"CREATE INDEX {view.table}_keys ON {view.table} ({index_columns(view, '')})")
    database.close()
