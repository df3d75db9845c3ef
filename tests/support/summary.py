"""summary.py FOLDER SUITE... - counts the results that ctest and pytest left as FOLDER/SUITE.xml.

Names what failed; the last line is "N passed, N failed[, N skipped]". A suite without a readable file
died on the way and is one failure. Exit 1 if anything failed.
"""
import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def outcome_of(case):
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return "failed"
    return "skipped" if case.find("skipped") is not None or case.get("status") == "notrun" else "passed"


def count(path):
    """({outcome: number}, names of what failed) of one suite."""
    numbers, failed = {"passed": 0, "failed": 0, "skipped": 0}, []
    try:
        cases = list(xml.parse(path).iter("testcase"))
    except (OSError, xml.ParseError):
        return {**numbers, "failed": 1}, ["it ended without a result"]
    for case in cases:
        outcome = outcome_of(case)
        numbers[outcome] += 1
        if outcome == "failed":
            failed.append(case.get("name"))
    return numbers, failed


def line(numbers):
    text = f"{numbers['passed']} passed, {numbers['failed']} failed"
    return text + (f", {numbers['skipped']} skipped" if numbers["skipped"] else "")


def main():
    folder, *suites = sys.argv[1:]
    total = {"passed": 0, "failed": 0, "skipped": 0}
    print()
    for suite in suites:
        numbers, failed = count(Path(folder) / f"{suite}.xml")
        print(f"{suite}: {line(numbers)}")
        for name in failed:
            print(f"    failed: {name}")
        total = {outcome: total[outcome] + numbers[outcome] for outcome in total}
    print(line(total))
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
