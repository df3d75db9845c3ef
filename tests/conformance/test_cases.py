"""test_cases.py - the program against answers that were worked out without it.

make_case.py makes a case from a seed. Its training set must equal expected.csv; and, made again with no
ttl, everything in latest.csv and nothing else must be served after materializing, by both services. PostgreSQL
gets the case's rows from load.sql, and SQLite by `larder load` of source.csv.
LARDER_SEEDS chooses the seeds: "7", "1-300" or "3,5,8-10".
"""
import json
import os
import subprocess
import sys
from pathlib import Path

import compare
import grpc
import make_case
import yaml

from asking import NOT_FOUND, NULL_VALUE, PRESENT, ask_feast, ask_larder

HERE = Path(__file__).parent
FEATURES = dict(make_case.FEATURES)  # name -> type
EMBEDDED = {"offline": "{type: sqlite, path: history.db}", "online": "{type: lmdb, path: online/}"}


def seeds(text):
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def chosen_seeds(config):
    # 16 to 300 are for --long: thousands of further keys, for minutes of further time.
    return seeds(os.environ.get("LARDER_SEEDS") or ("1-300" if config.getoption("--long") else "1-15"))


def pytest_generate_tests(metafunc):
    metafunc.parametrize("seed", chosen_seeds(metafunc.config))
    metafunc.parametrize("stores", [{}, EMBEDDED], ids=["postgres+redis", "sqlite+lmdb"])


class Case:
    """One made case in a repository, its table loaded."""

    def __init__(self, place, stores, seed, *options):
        self.folder = place.folder / "case"
        subprocess.run([sys.executable, HERE / "make_case.py", "--seed", str(seed), "--out", self.folder, *options],
                       check=True)
        self.chosen = json.loads((self.folder / "case.json").read_text())
        definitions = (self.folder / "features.yaml").read_text()
        self.key_types = yaml.safe_load(definitions)["entities"][0]["join_keys"]
        self.repository = place.repository({"features.yaml": definitions}, project="conformance", **stores)
        if stores:
            self.repository.do("load", "--source", "case_source", self.folder / "source.csv")
        else:
            place.sql(file=self.folder / "load.sql")
        self.repository.do("apply")

    def rows(self, name):
        """A file's rows as {column: text or None}."""
        header, *rows = compare.read(self.folder / name)
        return [dict(zip(header, row)) for row in rows]

    def key(self, row):
        return tuple(key_value(kind, row[name]) for name, kind in self.key_types.items())


def key_value(kind, text):
    if text is None or kind == "string":
        return text
    if kind == "bytes":
        return bytes.fromhex(text[2:])
    return {"bool": "true".__eq__, "timestamp": compare.instant}.get(kind, int)(text)


def test_training_set_is_what_was_expected(place, stores, seed):
    case = Case(place, stores, seed)
    for strategy in ("probe", "pass"):
        out = place.folder / f"{strategy}.csv"
        case.repository.do("training-set", "--service", "all_facts", "--entities", case.folder / "entities.csv",
                           "--out", out, "--strategy", strategy, *(["--as-known"] if case.chosen["as_known"] else []))
        answer = subprocess.run([sys.executable, HERE / "compare.py", case.folder / "expected.csv", out],
                                capture_output=True, text=True)
        assert answer.returncode == 0, f"by {strategy}: {answer.stdout}{answer.stderr}"


def test_served_is_the_latest_and_nothing_else(place, stubs, stores, seed):
    case = Case(place, stores, seed, "--ttl", "0")
    case.repository.do("materialize", "--from", "1900-01-01T00:00:00Z", "--to", case.chosen["to"])
    latest = {case.key(row): row for row in case.rows("latest.csv")}
    asked = list(latest)
    asked += dict.fromkeys(case.key(row) for name in ("source.csv", "entities.csv")
                           for row in case.rows(name) if case.key(row) not in latest)
    with case.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        answer = ask_larder(stubs, channel, case.key_types, asked, feature_service="all_facts")
        wrong = check(latest, asked, answer)
        if "timestamp" not in case.key_types.values():  # Feast's are whole seconds, these keys are not
            whole = [key for key in asked if None not in key]
            answer = ask_feast(stubs, channel, case.key_types, whole, feature_service="all_facts")
            wrong += check(latest, whole, answer, by_seconds=True)
    assert not wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong[:10])


def check(latest, asked, answer, by_seconds=False):
    """What is wrong: answer[feature] is a list of (status, event time in us, value) in the order asked."""
    wrong = []
    if set(answer) != set(FEATURES):
        return [f"features: {sorted(answer)}"]
    for name, kind in FEATURES.items():
        for key, (status, event_time, value) in zip(asked, answer[name], strict=True):
            row = latest.get(key)
            status_expected = NOT_FOUND if row is None else NULL_VALUE if row[name] is None else PRESENT
            time_expected = 0 if row is None else compare.instant(row["event_timestamp"])
            expected = row[name] if status_expected == PRESENT else None
            if by_seconds:
                expected = floored(kind, expected)
            actual = make_case.text(value, kind) if status == PRESENT else None
            if status != status_expected or event_time != time_expected or not compare.same(name, expected, actual):
                wrong.append(f"{'feast' if by_seconds else 'larder'} {name} of {key}: expected {status_expected} "
                             f"{time_expected} {expected!r}, got {status} {event_time} {actual!r}")
    return wrong


def floored(kind, text):
    """A timestamp, or a list of them, in whole seconds; everything else as it is."""
    if text is None or "timestamp" not in kind:
        return text
    whole = lambda instant: make_case.rfc3339(compare.instant(instant) // 1_000_000 * 1_000_000)
    return whole(text) if kind == "timestamp" else json.dumps([whole(each) for each in json.loads(text)])
