"""training_answer.py - the answers of a training case, worked out by looking at every row.

By the rules of what latest and eligible mean and by nothing else: no SQL, nothing of Larder's. Where rows tie in full
any of them is an answer, but one row whole: its values, its statuses and its times.
"""
import collections

import compare
from make_case import DAY, rfc3339, text
from training_history import LONG_KEY

STATUSES = ("PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE")


def is_long(key):
    return any(isinstance(value, (str, bytes)) and len(value) >= LONG_KEY for value in key)


def is_eligible(case, view, row, at):
    created = row.created.value if view.has_created else None
    if row.event.value > at:
        return False
    if view.ttl and row.event.value < at - view.ttl - (DAY if case.with_status else 0):
        return False
    if case.as_known and (created is None or created > at):
        return False
    return case.as_of is None or (created is not None and created <= case.as_of)


def times(view, row):
    """What decides which row is the latest; an unknown created time is the least."""
    created = row.created.value if view.has_created else None
    return row.event.value, created is not None, created or 0


def latest(case, view, rows, at):
    """The rows that tie for the latest; none, if none is eligible."""
    eligible = [row for row in rows if is_eligible(case, view, row, at)]
    best = max((times(view, row) for row in eligible), default=None)
    return [row for row in eligible if times(view, row) == best]


def misfits_of(use, row):
    return sum(row.cells[use.view.feature(name)].misfit for name in use.features)


def created_misfit(use, row):
    return use.view.has_created and row.created.misfit


class Checker:
    """Compares an answer with what it should be, and counts as the summary does."""

    def __init__(self, case):
        self.case = case
        self.mistakes = []
        self.statuses = collections.Counter()
        self.recorded_later = 0
        self.misfits = [0, 0]  # at least, and at most: one that is withheld, or a created time, may count or not
        self.answers = {}  # (use, key, time) -> its candidates and misfits on the way, since many ask alike
        self.rows = {}
        for view in case.views:
            by_key = self.rows[view.name] = collections.defaultdict(list)
            for row in view.rows:
                if row.is_fit:
                    by_key[row.key].append(row)

    def header(self):
        names = list(self.case.texts[0])
        for use in self.case.uses:
            for feature in use.features:
                name = self.case.output_name(use, feature)
                names += [name, name + "__status", name + "__event_time"] if self.case.with_status else [name]
        return names

    def fields(self, use, row, at):
        """What one row answers: (type, text) for each column, and the statuses."""
        fields, statuses = [], []
        is_old = row and use.view.ttl and row.event.value < at - use.view.ttl
        for name in use.features:
            place = use.view.feature(name)
            kind = use.view.features[place].kind
            value = row.cells[place].value if row and not is_old else None
            status = ("NOT_FOUND" if not row else "OUTSIDE_MAX_AGE" if is_old else
                      "NULL_VALUE" if value is None else "PRESENT")
            fields.append((kind, text(value, kind)))
            if self.case.with_status:
                fields += [("string", status), ("timestamp", rfc3339(row.event.value) if row else None)]
            statuses.append(status)
        return fields, statuses

    def candidates(self, use, key, at):
        """(row, fields, statuses) of each row that may be the answer, with None for the row where there is none;
        and how many misfits may be met on the way."""
        rows = [] if None in key else latest(self.case, use.view, self.rows[use.view.name][key], at)
        met = 0
        if is_long(key):  # such rows may be met, but are never an answer
            met = max((misfits_of(use, row) + created_misfit(use, row) for row in rows), default=0)
            rows = []
        return [(row, *self.fields(use, row, at)) for row in rows or [None]], met

    def check_use(self, number, use, asked, at, told):
        key = tuple(asked[name] for name in use.asked())
        place = id(use), key, at
        if place not in self.answers:
            self.answers[place] = self.candidates(use, key, at)
        candidates, met = self.answers[place]
        self.misfits[1] += met
        matching = [(row, statuses) for row, fields, statuses in candidates
                    if all(compare.same(kind, expected, found)
                           for (kind, expected), found in zip(fields, told, strict=True))]
        if matching:
            self.count(use, *zip(*matching), at)
            return
        fields, tie = candidates[-1][1], " or a tie" if len(candidates) > 1 else ""
        self.mistakes.append(f"row {number}, {use.alias or use.view.name} of {key!r} at {rfc3339(at)}: "
                             f"expected {[each for _, each in fields]!r}{tie}, got {told!r}")

    def count(self, use, rows, statuses, at):
        """Of the rows that match, which look alike in all but their misfits: those read as null, and nulls are null."""
        self.statuses.update(statuses[0])
        if rows[0] is None:
            return
        created = rows[0].created.value if use.view.has_created else None
        if created is not None and created > at:
            self.recorded_later += sum(status in ("PRESENT", "NULL_VALUE") for status in statuses[0])
        if "OUTSIDE_MAX_AGE" not in statuses[0]:
            self.misfits[0] += min(misfits_of(use, row) for row in rows)
        self.misfits[1] += max(misfits_of(use, row) + created_misfit(use, row) for row in rows)

    def check_rows(self, header, rows):
        case, passed = self.case, len(self.case.texts[0])
        if header != self.header():
            self.mistakes.append(f"columns: expected {self.header()}, got {header}")
            return
        if len(rows) != len(case.asks):
            self.mistakes.append(f"rows: expected {len(case.asks)}, got {len(rows)}")
            return
        for number, (row, (values, at), came) in enumerate(zip(rows, case.asks, case.texts[1:]), 1):
            if row[:passed] != came:
                self.mistakes.append(f"row {number}: {came!r} came back as {row[:passed]!r}")
            place, asked = passed, dict(zip(case.columns, values))
            for use in case.uses:
                end = place + len(use.features) * (3 if case.with_status else 1)
                self.check_use(number, use, asked, at, row[place:end])
                place = end

    def left_out(self):
        """Rows of the views that are used: unfit ones, those of long keys, and those of unknown created time."""
        counts = {"left_out": 0, "long_keys": 0, "unknown_created": 0}
        for view in {use.view.name: use.view for use in self.case.uses}.values():
            for row in view.rows:
                if not row.is_fit:
                    counts["left_out"] += 1
                elif is_long(row.key):
                    counts["long_keys"] += 1
                elif row.created.value is None and (self.case.as_known or self.case.as_of is not None):
                    counts["unknown_created"] += 1
        return counts

    def check_report(self, report):
        left_out = self.left_out()
        if report["left_out"] is None:  # a history so large beside the asks that nobody has counted
            left_out = dict.fromkeys(left_out)
        expected = {"rows": len(self.case.asks), "recorded_later": self.recorded_later, **left_out}
        expected["values"] = {name: self.statuses[name] for name in STATUSES}
        if not self.case.with_status:
            expected["values"]["OUTSIDE_MAX_AGE"] = None
        for name, value in expected.items():
            if report[name] != value:
                self.mistakes.append(f"the summary's {name}: expected {value}, got {report[name]}")
        if not self.misfits[0] <= report["misfits"] <= self.misfits[1]:
            self.mistakes.append(f"the summary's misfits: expected {self.misfits}, got {report['misfits']}")


def check(case, path, report):
    """What is wrong with the answer in a file, and with the summary."""
    checker = Checker(case)
    header, *rows = compare.read(path)
    checker.check_rows(header, rows)
    if not checker.mistakes:
        checker.check_report(report)
    return checker.mistakes
