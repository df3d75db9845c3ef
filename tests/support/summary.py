"""summary.py FOLDER RESULTS... - counts the results that ctest and pytest left as FOLDER/RESULTS.xml.

Names what failed, suite by suite: a folder of pytest's, or what ctest ran. The last line is
"N passed, N failed[, N skipped]". Results without a readable file died on the way and are one failure.
Exit 1 if anything failed.
"""
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

NOTHING = {"passed": 0, "failed": 0, "skipped": 0}


def outcome_of(case):
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return "failed"
    return "skipped" if case.find("skipped") is not None or case.get("status") == "notrun" else "passed"


def suite_of(case, results):
    """pytest's names begin with tests.FOLDER, where what could not be read has its path for a name."""
    words = (case.get("classname") or case.get("name")).split(".")
    return words[1] if words[0] == "tests" and len(words) > 1 else results


def outcomes(folder, results):
    """(suite, name, outcome) of each test."""
    try:
        cases = list(xml.parse(folder / f"{results}.xml").iter("testcase"))
    except (OSError, xml.ParseError):
        return [(results, "it ended without a result", "failed")]
    return [(suite_of(case, results), case.get("name"), outcome_of(case)) for case in cases]


def line(numbers):
    text = f"{numbers['passed']} passed, {numbers['failed']} failed"
    return text + (f", {numbers['skipped']} skipped" if numbers["skipped"] else "")


def main():
    folder, *names = sys.argv[1:]
    suites, failed, total = {}, {}, dict(NOTHING)
    for results in names:
        for suite, name, outcome in outcomes(Path(folder), results):
            suites.setdefault(suite, dict(NOTHING))[outcome] += 1
            total[outcome] += 1
            if outcome == "failed":
                failed.setdefault(suite, []).append(name)
    print()
    for suite, numbers in suites.items():
        print(f"{suite}: {line(numbers)}")
        for name in failed.get(suite, ()):
            print(f"    failed: {name}")
    print(line(total))
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
