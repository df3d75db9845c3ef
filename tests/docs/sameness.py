"""sameness.py - whether two outputs say the same, the time and the machine apart.

What every run prints differently is blanked in both texts before they are compared: times from 2025 on (the
examples' own data is older), ages, durations, sizes in memory, process ids, versions of the services. So
is the width of what is aligned.
"""
import re

MOVING = [
    (r"\b20(?:2[5-9]|[3-9]\d)-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00(?::00)?)?)?", "TIME"),
    (r"\bjust now\b|\b\d+ ?(?:us|ms|s|min|m|h|d|w) ago\b", "AGO"),
    (r"(?<![\w.])\d+(?:\.\d+)? (?:ms|us|s|seconds?|KiB|MiB|GiB|TiB|rows/s)(?![\w/])", "AMOUNT"),
    (r"^amount, .*, so that it ended", "amount, AMOUNT, so that it ended"),  # larder init
    (r'("seconds": |seconds=)[\d.e-]+', r"\1AMOUNT"),
    (r'("used_bytes": )\d+', r"\1AMOUNT"),
    (r"\b(pid|workers)=\d+", r"\1=N"),
    (r"\b(PostgreSQL|SQLite|redis|lmdb) \d+(?:\.\d+)+", r"\1 V"),
    (r"^(\w+ +(?:incremental|first run|rewritten|rebuilt|restored|window) .*?)[\d.]+$", r"\1AMOUNT"),
    (r"(?<=\S)  +", "  "),
    (r"-{4,}", "----"),
    (r"\s+$", ""),
]
MOVING = [(re.compile(pattern), instead) for pattern, instead in MOVING]


def blank(line):
    for pattern, instead in MOVING:
        line = pattern.sub(instead, line)
    return line


def same(lines, others):
    return [blank(line) for line in lines] == [blank(line) for line in others]
