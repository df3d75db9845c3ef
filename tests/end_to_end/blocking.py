"""blocking.py - runs of materialize that are held at a chosen point, by a lock that they need to go on."""
import contextlib

from drivers import BLOCKED, held, wait_until_blocked

# Held by this, a run has written all rows and their marks, but not what the registry says of the view.
AT_THE_END = "LOCK TABLE larder.view_state IN SHARE MODE"


@contextlib.contextmanager
def blocked_run(drivers, table, *options):
    """A run that has begun its snapshot and cannot go on to the table until the block ends."""
    with held(drivers, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"):
        run = drivers.repository.start("materialize", *options)
        wait_until_blocked(drivers, run)
        yield run


def kill(drivers, run):
    """SIGKILL; its sessions, which may wait for a lock, end with it."""
    run.kill()
    run.communicate()
    drivers.sql(BLOCKED.replace("count(*)", "pg_terminate_backend(pid)"))


def finish(run, seconds=60):
    said = run.communicate(timeout=seconds)
    assert run.returncode == 0, said
    return said
