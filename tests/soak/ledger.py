"""ledger.py - what was written and done when, and so what an answer may say.

Times are those of the monotonic clock. Every run of the materializer writes its number; a fault is a
stretch of time with a name.
"""
import threading
import time

GRACE_SECONDS = 3  # after a fault, until clients and server have found each other again


class Ledger:
    """stale_seconds: how old an answer may be."""

    def __init__(self, stale_seconds=0):
        self.stale_seconds = stale_seconds
        self.lock = threading.Lock()
        self.started, self.done = {}, {}  # number of a run -> when its rows began to be written, were online
        self.faults = []  # [name, begin, end or None]
        self.losses = []  # [begin, end or None]: rows may be missing

    def run_begins(self, number):
        with self.lock:
            self.started.setdefault(number, time.monotonic())

    def run_is_done(self, number, began):
        """By a command that began then and has brought everything online: what was lost before it is back."""
        with self.lock:
            now = time.monotonic()
            self.done.setdefault(number, now)
            for loss in self.losses:
                if loss[1] is None and loss[2] is not None and loss[2] < began:
                    loss[1] = now

    def fault_begins(self, name, loses_rows):
        with self.lock:
            now = time.monotonic()
            self.faults.append([name, now, None])
            if loses_rows:
                self.losses.append([now, None, None])

    def fault_ends(self):
        with self.lock:
            now = time.monotonic()
            self.faults[-1][2] = now
            if self.losses and self.losses[-1][2] is None:
                self.losses[-1][2] = now  # no more is lost

    def fault_between(self, begin, end):
        """The name of a fault that was on, or had just ended."""
        with self.lock:
            for name, since, until in reversed(self.faults):
                if since <= end and (until is None or begin <= until + GRACE_SECONDS):
                    return name
        return None

    def last_fault(self, at):
        """In words, for what should not have happened."""
        with self.lock:
            before = [(name, until) for name, _, until in self.faults if until is not None and until <= at]
        return f"{at - before[-1][1]:.1f} s after: {before[-1][0]}" if before else "before any fault"

    def may_be_absent(self, begin, end):
        with self.lock:
            return any(since <= end and (until is None or begin <= until + self.stale_seconds)
                       for since, until, _ in self.losses)

    def runs_between(self, begin, end):
        """The least and the greatest number that may be served to who asked at begin and had the answer at end."""
        with self.lock:
            least = max((number for number, at in self.done.items() if at <= begin - self.stale_seconds), default=0)
            greatest = max((number for number, at in self.started.items() if at <= end), default=0)
        return least, greatest


class Counts:
    """What answers came to, by kind; the first few that were wrong, in words."""

    def __init__(self):
        self.lock = threading.Lock()
        self.right = self.absent = self.wrong = 0
        self.by = {}  # who asked -> answers that were right
        self.refused = {}  # (fault or None, code) -> count
        self.examples, self.unreasoned = [], []  # in words

    def add(self, who, right=0, absent=0):
        with self.lock:
            self.by[who] = self.by.get(who, 0) + right
            self.right += right
            self.absent += absent

    def add_wrong(self, words, count=1):
        with self.lock:
            self.wrong += count
            if len(self.examples) < 10:
                self.examples.append(words)

    def add_refused(self, fault, code, count, words):
        with self.lock:
            self.refused[fault, code] = self.refused.get((fault, code), 0) + count
            if fault is None and len(self.unreasoned) < 10:
                self.unreasoned.append(words)

    @property
    def refused_without_fault(self):
        return sum(count for (fault, _), count in self.refused.items() if fault is None)
