"""report.py - the rows that measurements come to, and the table they are told in."""
import dataclasses
import os
import platform
import statistics
import subprocess

import services

median = statistics.median


@dataclasses.dataclass
class Row:
    what: str
    measured: str
    reference: str
    figure: float  # what the target is about: a ratio, or a plain figure
    target: float
    at_least: bool = False

    @property
    def holds(self):
        return self.figure >= self.target if self.at_least else self.figure <= self.target


@dataclasses.dataclass
class Table:
    """Figures without a target."""
    title: str
    headings: tuple
    lines: list


def rate(per_second):
    return f"{per_second:,.0f}/s"


def duration(us):
    return f"{us:,.0f} us" if us < 10000 else f"{us / 1000:,.1f} ms"


def machine():
    """What the figures belong to."""
    def first(path, name):
        with open(path) as file:
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith(name)), "unknown")

    def version(*command):
        return subprocess.check_output(command, text=True).split("\n")[0]
    memory = int(first("/proc/meminfo", "MemTotal").split()[0]) / 2 ** 20
    return "\n".join([
        f"{first('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}",
        version(services.postgres_program("postgres"), "--version"),
        " ".join(version("redis-server", "--version").split()[:3]),
    ])


def print_cells(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def print_rows(measured, quick):
    """Rows in one table, and then the tables."""
    print(machine() + "\n")
    cells = [("what", "measured", "reference", "figure", "target", "")]
    for row in (each for each in measured if isinstance(each, Row)):
        cells.append((row.what, row.measured, row.reference, f"{row.figure:.2f}",
                      f"{'>=' if row.at_least else '<='} {row.target:g}", "holds" if row.holds else "does not hold"))
    if len(cells) > 1:
        print_cells(cells)
    for number, table in enumerate(each for each in measured if isinstance(each, Table)):
        if number > 0 or len(cells) > 1:
            print()
        print(table.title + "\n")
        print_cells([table.headings, *table.lines])
    if quick:
        print("\nA quick run: it shows that everything works, and its figures mean nothing.")
