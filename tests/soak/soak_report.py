"""soak_report.py - what a soak came to: the table at its end."""
import collections
import re

import faults

SETTLED_SECONDS = 60  # a server that has just started grows
TELLING_MINUTES = 10  # over less, one flood more or less makes a slope
SLOPE_MAX_KIB = 256  # a minute
UNREASONED_MAX = 0.0001  # of all answers: a machine that others use stands still at times


def slope(samples):
    """KiB a minute, by least squares."""
    mean_x = sum(at for at, _ in samples) / len(samples)
    mean_y = sum(kib for _, kib in samples) / len(samples)
    width = sum((at - mean_x) ** 2 for at, _ in samples)
    return 60 * sum((at - mean_x) * (kib - mean_y) for at, kib in samples) / width if width else 0.0


def lives(samples, settled_seconds):
    """One entry for each server that lived long enough to be told of."""
    told = []
    for pid in dict.fromkeys(pid for _, pid, _ in samples):
        own = [(at, kib) for at, each, kib in samples if each == pid]
        own = [(at, kib) for at, kib in own if at > own[0][0] + settled_seconds]
        if len(own) >= 12:
            told.append({"minutes": round((own[-1][0] - own[0][0]) / 60, 1), "first_kib": own[0][1],
                         "last_kib": own[-1][1], "most_kib": max(kib for _, kib in own),
                         "kib_a_minute": round(slope(own), 1)})
    return told


def log_lines(logs):
    kinds = collections.Counter()
    for line in filter(None, "\n".join(logs).splitlines()):
        found = re.search(r'level=(\w+) msg="([^"]*)"', line)
        kinds[f"{found[1]} {found[2]}" if found else f"other {line[:60]}"] += 1
    return dict(sorted(kinds.items()))


def of(soak, capacity, minutes):
    counts = soak.counts
    refused = [{"fault": fault, "code": code, "count": count}
               for (fault, code), count in sorted(counts.refused.items(), key=lambda each: (str(each[0][0]), each[0][1]))]
    answers = counts.right + counts.absent
    # Every fault once, since each may make it hold more than before: what is told is what comes after.
    memory = lives(soak.samples, max(SETTLED_SECONDS, len(faults.IN_TURN) * soak.every))
    is_flat = all(life["kib_a_minute"] <= SLOPE_MAX_KIB for life in memory if life["minutes"] >= TELLING_MINUTES)
    return {
        "minutes": minutes, "capacity_per_second": round(capacity), "runs": soak.runs, "faults": len(soak.ledger.faults),
        "failed_faults": soak.failed,
        "answers": answers, "answers_by": counts.by, "answers_without_rows": counts.absent,
        "wrong": counts.wrong, "examples": counts.examples,
        "refused": refused, "refused_without_fault": counts.refused_without_fault,
        "unreasoned": counts.unreasoned, "memory": memory,
        "log": log_lines(soak.logs),
        "holds": (counts.wrong == 0 and counts.refused_without_fault <= UNREASONED_MAX * answers and is_flat
                  and not soak.failed and all(counts.by.values())),
    }


def text(report):
    lines = [f"{report['minutes']:g} minutes at half of {report['capacity_per_second']:,} calls a second, "
             f"{report['runs']:,} runs, {report['faults']:,} faults"]
    lines += [f"    could not be made: {each}" for each in report["failed_faults"]]
    lines += ["", f"answers        {report['answers']:>12,}"]
    lines += [f"    {count:>10,}  {who}" for who, count in report["answers_by"].items()]
    lines += [f"without rows   {report['answers_without_rows']:>12,}  until a run brought back what the online store lost",
              f"wrong          {report['wrong']:>12,}"]
    lines += [f"    {each}" for each in report["examples"]]
    lines += [f"refused        {sum(each['count'] for each in report['refused']):>12,}"]
    lines += [f"    {each['count']:>10,}  {each['code']:<20} {each['fault'] or 'without a fault'}"
              for each in report["refused"]]
    lines += [f"    {each}" for each in report["unreasoned"]]
    lines += ["", "memory of a server, after its first round of faults"]
    lines += [f"    {life['first_kib'] / 1024:.1f} to {life['last_kib'] / 1024:.1f} MiB in {life['minutes']} minutes, "
              f"{life['most_kib'] / 1024:.1f} at the most, {life['kib_a_minute']:+.1f} KiB a minute"
              for life in report["memory"]]
    lines += ["", "lines in its log"] + [f"    {count:>6,}  {kind}" for kind, count in report["log"].items()]
    return "\n".join(lines + ["", "it holds" if report["holds"] else "it does not hold"])
