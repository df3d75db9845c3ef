"""placing.py - who runs on which core, where the kernel's choice would be what is measured.

The server has the first core. Its Redis has the second where there are three or more, and else shares the
first. Who asks has the rest.
"""
import contextlib
import os


@contextlib.contextmanager
def on(cores):
    """Whatever is started meanwhile runs on these cores; None: wherever it likes."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def split():
    """The cores of the server, of its Redis, and of who asks."""
    cores = sorted(os.sched_getaffinity(0))
    of_redis = cores[1:2] if len(cores) > 2 else cores[:1]
    return cores[:1], of_redis, cores[2:] or cores[1:] or cores
