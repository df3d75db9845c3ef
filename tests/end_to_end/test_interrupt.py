"""test_interrupt.py - Ctrl-C while the database works: the command ends calmly, and leaves nothing behind."""
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from drivers import TRAINING_SET
from test_materialize_meanwhile import held

WAIT_SECONDS = 60
SLOW = "SELECT driver_id, happened, recorded, trip_count, rating FROM trips, pg_sleep(1000)"


def waits_for_input(process):
    """Whether it has taken all that was sent, and polls for more: for 200 ms (x86-64), or as aarch64 does."""
    try:
        call = Path(f"/proc/{process.pid}/syscall").read_text().split()
    except OSError:
        return False
    return call[0] == "73" or (call[0] == "7" and call[3] == hex(200))


@pytest.fixture
def slow(drivers):
    """A history that takes PostgreSQL a quarter of an hour to read."""
    drivers.add(1)
    drivers.define(("    table: trips\n", f"    query: {SLOW}\n"))
    drivers.do("apply")
    drivers.repository.write("ask.csv", f"driver_id,event_timestamp\n1,{drivers.time()}\n")
    return drivers


def wait_until(is_so, process):
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def runs(drivers, sql):
    return drivers.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                       f"application_name = 'larder' AND state = 'active' AND query LIKE '%{sql}%'") != "0"


def interrupted(drivers, arguments, sql):
    """How a command ended that was interrupted while it ran such a statement: its code, and its words for people."""
    before = set(os.listdir(drivers.repository.folder))
    process = drivers.repository.start(*arguments)
    wait_until(lambda: runs(drivers, sql), process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=WAIT_SECONDS)
    assert set(os.listdir(drivers.repository.folder)) == before
    assert drivers.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'larder_asks%'") == "0"
    return process.returncode, err


def test_a_training_set_stops_in_the_join(slow):
    assert interrupted(slow, TRAINING_SET, "pg_sleep(1000)") == (1, "larder: stopped; out.csv was not written\n")


def test_a_training_set_stops_while_it_waits_for_a_lock(slow):
    slow.define()
    slow.do("apply")
    with held(slow, "LOCK TABLE trips"):
        assert interrupted(slow, TRAINING_SET, 'FROM "trips"') == (1, "larder: stopped; out.csv was not written\n")


def test_a_load_stops_and_loads_nothing(drivers):
    drivers.sql("CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
                "'BEGIN PERFORM pg_sleep(1000); RETURN NEW; END'",
                "CREATE TRIGGER slowly BEFORE INSERT ON trips FOR EACH ROW EXECUTE FUNCTION dawdle()")
    drivers.repository.write("trips.csv", "driver_id,happened\n" + "1,2024-01-01T00:00:00Z\n" * 100_000)
    code, err = interrupted(drivers, ["load", "--source", "trips", "trips.csv"], 'COPY "trips"')
    assert (code, err) == (1, "larder: stopped; nothing was loaded\n")
    assert drivers.sql("SELECT count(*) FROM trips") == "0"


def test_a_materialization_stops_in_the_scan(slow):
    code, err = interrupted(slow, ["materialize"], "COPY (SELECT source")
    assert code == 1 and err == ("larder: feature view driver_stats: stopped; what was written stays, and the next run "
                                 "begins anew\n")
    slow.define()
    slow.do("apply")
    slow.materialize()
    with held(slow, "LOCK TABLE trips"):
        code, err = interrupted(slow, ["materialize"], 'FROM "trips"')
    assert code == 1 and err.endswith("and the next run goes on from the last watermark\n")


def test_a_verification_stops_while_it_waits_for_a_lock(drivers):
    drivers.add(1)
    drivers.materialize()
    with held(drivers, "LOCK TABLE trips"):
        code, err = interrupted(drivers, ["verify"], 'FROM "trips"')
    assert (code, err) == (1, "larder: feature view driver_stats: stopped; nothing was changed\n")


def test_a_killed_training_set_leaves_no_file(slow):
    try:
        os.close(os.open(slow.repository.folder, os.O_TMPFILE | os.O_WRONLY))
    except OSError:
        pytest.skip("this file system has no unnamed files")
    before = set(os.listdir(slow.repository.folder))
    process = slow.repository.start(*TRAINING_SET)
    wait_until(lambda: runs(slow, "pg_sleep(1000)"), process)
    process.kill()
    process.communicate(timeout=WAIT_SECONDS)
    assert set(os.listdir(slow.repository.folder)) == before


def test_a_load_whose_input_ends_with_the_interrupt_loads_nothing(drivers):
    """As in `generate | larder load -`, where Ctrl-C ends both."""
    process = drivers.repository.start("load", "--source", "trips", "-", stdin=subprocess.PIPE)
    process.stdin.write("driver_id,happened\n1,2024-01-01T00:00:00Z\n")
    process.stdin.flush()
    wait_until(lambda: runs(drivers, 'COPY "trips"'), process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, err) == (1, "larder: stopped; nothing was loaded\n")
    assert drivers.sql("SELECT count(*) FROM trips") == "0"


@pytest.mark.parametrize("arguments, sent, said", [
    (["load", "--source", "trips", "-"], "", "nothing was loaded"),
    (["load", "--source", "trips", "-"], 'driver_id,happened\n1,"2024-01-01T00:00:00Z', "nothing was loaded"),
    ([*TRAINING_SET[:4], "-", *TRAINING_SET[5:]], "", "out.csv was not written"),
    ([*TRAINING_SET[:4], "-", *TRAINING_SET[5:]], "driver_id,event_timestamp\n1,2024-", "out.csv was not written")])
def test_one_interrupt_ends_the_wait_for_standard_input(drivers, arguments, sent, said):
    before = set(os.listdir(drivers.repository.folder))
    process = drivers.repository.start(*arguments, stdin=subprocess.PIPE)
    process.stdin.write(sent)
    process.stdin.flush()
    wait_until(lambda: waits_for_input(process), process)
    process.send_signal(signal.SIGINT)
    assert process.wait(WAIT_SECONDS) == 1  # while its input is still open
    assert process.communicate()[1] == f"larder: stopped; {said}\n"
    assert set(os.listdir(drivers.repository.folder)) == before
    assert drivers.sql("SELECT count(*) FROM trips") == "0"


@pytest.mark.parametrize("sent", [None, "driver_id,"])
@pytest.mark.parametrize("arguments, said", [
    (["load", "--source", "trips", "pipe"], "nothing was loaded"),
    ([*TRAINING_SET[:4], "pipe", *TRAINING_SET[5:]], "out.csv was not written")])
def test_one_interrupt_ends_the_wait_for_a_named_pipe(drivers, arguments, said, sent):
    """Before anybody writes to it, and while its writer has nothing more to say."""
    pipe = drivers.repository.path("pipe")
    os.mkfifo(pipe)
    process = drivers.repository.start(*arguments)
    writer = open(pipe, "w") if sent else None
    if writer:
        writer.write(sent)
        writer.flush()
    wait_until(lambda: waits_for_input(process), process)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=WAIT_SECONDS)[1] == f"larder: stopped; {said}\n"
    assert process.returncode == 1
    if writer:
        writer.close()
