"""test_rebuild_meanwhile.py - what others do while a view is rebuilt, and what is served throughout."""
import contextlib
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from blocking import AT_THE_END, blocked_run, finish, kill
from drivers import TABLE, held, wait_until_blocked

JOURNEYS = ("table: trips", "table: journeys")
LATER = ("    created_time: recorded\n", "")
OLD, NEW = [("PRESENT", 1), ("PRESENT", 2)], [("PRESENT", 100), ("PRESENT", 200)]
THIRD = [("PRESENT", 107), ("NOT_FOUND", None)]


def make_journeys(drivers):
    """Another table of both drivers, whose rows are older."""
    drivers.sql(TABLE.replace("trips", "journeys"),
                "INSERT INTO journeys SELECT d, t, t, d * 100, 1 FROM (SELECT now() - interval '5 hours' t) x,"
                " generate_series(1, 2) d")


@pytest.fixture
def unchanged(drivers):
    """Driver 1 is served from trips; there are journeys, too."""
    make_journeys(drivers)
    drivers.add(1, "4 hours", trips=1)
    drivers.materialize("--to", drivers.time("2 hours"))
    return drivers


@pytest.fixture
def changed(unchanged):
    """Both drivers are served from trips, and the source is journeys by now."""
    unchanged.add(2, trips=2)
    unchanged.materialize()
    unchanged.define(JOURNEYS)
    unchanged.do("apply")
    return unchanged


def rows(drivers):
    return [key for key in drivers.place.redis_command("KEYS", "*") if b"{" in key]


def check_settled(drivers, expected=NEW):
    """Nothing is left to do, and nothing is left behind."""
    assert drivers.online(1, 2) == expected
    assert drivers.materialize()["kind"] == "incremental"
    assert drivers.online(1, 2) == expected
    drivers.do("verify", "--sample", "all")
    assert len(rows(drivers)) == [status for status, _ in expected].count("PRESENT")
    assert drivers.sql("SELECT count(*) FROM larder.removed_rows") == "0"
    assert drivers.place.redis_command("HLEN", "larder:marks:1") == 2


@contextlib.contextmanager
def asking(drivers, *keys, repository=None):
    """A client that asks a server without a pause; gives the answers, each once for as long as it stayed the same."""
    keys = keys or (1, 2)
    answers, stop, failures = [], threading.Event(), []

    def ask(address):
        with grpc.insecure_channel(address) as channel:
            while not stop.is_set():
                try:
                    answer = drivers.trips(channel, *keys)
                except (grpc.RpcError, AssertionError) as failure:
                    failures.append(failure)
                    return
                if not answers or answers[-1] != answer:
                    answers.append(answer)

    with (repository or drivers.repository).serving() as server:
        thread = threading.Thread(target=ask, args=(server.address,))
        thread.start()
        try:
            yield answers
        finally:
            stop.set()
            thread.join()
    assert not failures, failures


def wait_for(answers, answer, seconds=30):
    deadline = time.monotonic() + seconds
    while not answers or answers[-1] != answer:
        assert time.monotonic() < deadline, answers
        time.sleep(0.01)


def test_every_request_gets_the_old_values_or_the_new(changed):
    with asking(changed) as answers:
        wait_for(answers, OLD)
        with held(changed, AT_THE_END):
            run = changed.repository.start("materialize")
            wait_until_blocked(changed, run)  # the new rows are all there
        finish(run)
        wait_for(answers, NEW)
    assert answers == [OLD, NEW]
    check_settled(changed)


def test_what_is_absent_is_answered_throughout(changed):
    absent = ("NOT_FOUND", None)
    with asking(changed, 1, 99) as answers:
        wait_for(answers, [OLD[0], absent])
        for _ in range(2):
            changed.materialize("--rebuild")
        wait_for(answers, [NEW[0], absent])
    assert answers == [[OLD[0], absent], [NEW[0], absent]]


def test_a_server_without_its_database_starts_with_the_new_values(changed):
    changed.materialize()
    away = changed.place.repository({"features.yaml": ""}, postgres_url="postgresql://127.0.0.1:1/nothing")
    assert changed.online_of(away, 1, 2) == NEW


@pytest.fixture
def cut_off(changed):
    """A repository whose user may read the registry. cut() ends that, and all of its sessions."""
    role = f"cut_off_{changed.place.database}"
    changed.sql(f"CREATE ROLE {role} LOGIN", f"GRANT USAGE ON SCHEMA larder TO {role}",
                f"GRANT SELECT ON ALL TABLES IN SCHEMA larder TO {role}")
    url = changed.place.postgres_url.replace("//postgres@", f"//{role}@")
    assert role in url
    repository = changed.place.repository({"features.yaml": ""}, postgres_url=url)
    repository.cut = lambda: changed.sql(
        f"ALTER ROLE {role} NOLOGIN", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'")
    yield repository
    changed.sql(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_server_that_is_cut_off_from_its_database_goes_over_too(changed, cut_off):
    with cut_off.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert changed.trips(channel, 1, 2) == OLD
        cut_off.cut()
        server.wait_said("the registry cannot be read")
        changed.materialize()
        assert len(rows(changed)) == 2
        assert changed.trips(channel, 1, 2) == NEW


@contextlib.contextmanager
def standing_still(server):
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("is_cut_off", [False, True], ids=["", "cut off"])
def test_a_server_that_stood_still_for_a_rebuild_misses_no_row(changed, cut_off, is_cut_off):
    with cut_off.serving() as server, contextlib.ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        channels = [stack.enter_context(grpc.insecure_channel(server.address)) for _ in range(8)]
        assert all(changed.trips(channel, 1, 2) == OLD for channel in channels)
        if is_cut_off:
            cut_off.cut()
            server.wait_said("the registry cannot be read")
        for _ in range(2):
            with standing_still(server):
                changed.materialize("--rebuild")
                assert len(rows(changed)) == 2  # those that the server knows of are removed
                answers = [pool.submit(changed.trips, channel, 1, 2) for channel in channels]
                time.sleep(0.3)  # for them to stand before the server
            assert [answer.result() for answer in answers] == [NEW] * len(channels)


def test_a_rebuild_that_is_killed_is_begun_again(changed):
    with asking(changed) as answers:
        with held(changed, AT_THE_END):
            run = changed.repository.start("materialize")
            wait_until_blocked(changed, run)
            assert len(rows(changed)) == 4
            kill(changed, run)
        wait_for(answers, OLD)
        assert changed.do("status", "--json").json["views"][0]["to_be_rebuilt"]
        assert changed.materialize()["kind"] == "rebuilt"
        wait_for(answers, NEW)
    assert answers == [OLD, NEW]
    check_settled(changed)


def test_a_rebuild_that_is_killed_behind_its_switch_was_done(changed):
    run = changed.repository.start("materialize")
    while changed.sql("SELECT pending_generation FROM larder.view_state") != "0":
        assert run.poll() is None
        time.sleep(0.01)
    assert run.poll() is None  # it waits until all servers have heard
    run.kill()
    run.communicate()
    assert changed.online(1, 2) == NEW
    assert len(rows(changed)) == 4
    time.sleep(2)
    check_settled(changed)


@pytest.fixture
def changed_twice(changed):
    """As changed; the definitions, not applied yet, name a third table."""
    changed.sql("CREATE TABLE others AS SELECT driver_id, happened, recorded, trip_count + 7 AS trip_count, rating"
                " FROM journeys WHERE driver_id = 1")
    changed.define(("table: trips", "table: others"))
    return changed


def test_a_change_during_a_rebuild_begins_it_anew(changed_twice):
    with asking(changed_twice) as answers:
        wait_for(answers, OLD)
        with blocked_run(changed_twice, "journeys") as run:
            changed_twice.do("apply")
        finish(run)
        wait_for(answers, THIRD)
    assert answers == [OLD, THIRD]
    check_settled(changed_twice, THIRD)


def test_a_change_at_the_end_of_a_rebuild_counts(changed_twice):
    with held(changed_twice, AT_THE_END):
        run = changed_twice.repository.start("materialize")
        wait_until_blocked(changed_twice, run)
        apply = changed_twice.repository.start("apply")
        wait_until_blocked(changed_twice, run, 2)
    finish(run)
    finish(apply)
    changed_twice.materialize()
    check_settled(changed_twice, THIRD)


def test_two_runs_rebuild_the_same_view(changed):
    with asking(changed) as answers:
        wait_for(answers, OLD)
        with held(changed, AT_THE_END):
            runs = [changed.repository.start("materialize") for _ in range(2)]
            wait_until_blocked(changed, runs[0], 2)
        for run in runs:
            finish(run)
        wait_for(answers, NEW)
    assert answers == [OLD, NEW]
    check_settled(changed)


def test_a_run_of_the_old_definitions_ends_behind_a_rebuild(unchanged):
    unchanged.add(2, trips=2)
    with asking(unchanged) as answers:
        with blocked_run(unchanged, "trips") as old_run:
            unchanged.define(JOURNEYS)
            unchanged.do("apply")
            assert unchanged.materialize()["kind"] == "rebuilt"
            wait_for(answers, NEW)
        finish(old_run)
    assert answers[-1] == NEW
    check_settled(unchanged)


def test_a_run_of_the_old_definitions_ends_within_a_rebuild(unchanged):
    """It brings what is served beyond the end of the rebuild, which then has to go further."""
    with contextlib.ExitStack() as stack:
        with blocked_run(unchanged, "trips") as old_run:
            unchanged.define(JOURNEYS)
            unchanged.do("apply")
            stack.enter_context(held(unchanged, "LOCK TABLE journeys IN ACCESS EXCLUSIVE MODE"))
            rebuild = unchanged.repository.start("materialize", "--to", unchanged.time("3 hours"))
            wait_until_blocked(unchanged, rebuild, 2)
        finish(old_run)
        before = watermark(unchanged)
    finish(rebuild)
    assert watermark(unchanged) >= before
    check_settled(unchanged)


def watermark(drivers):
    return drivers.do("status", "--json").json["views"][0]["watermark"]


def test_a_rebuild_of_a_view_that_is_removed_leaves_nothing(changed):
    with held(changed, AT_THE_END):
        run = changed.repository.start("materialize")
        wait_until_blocked(changed, run)
        kill(changed, run)
    changed.repository.write("features.yaml", "entities: [{name: driver, join_keys: {driver_id: int64}}]\n")
    changed.do("apply", "--prune")
    time.sleep(2)
    changed.do("materialize")
    assert rows(changed) == []
    assert changed.sql("SELECT count(*) FROM larder.removed_rows") == "0"


def test_another_view_can_be_rebuilt_meanwhile(changed):
    more = "  - {name: other, entities: [driver], source: trips, features: [{name: rating, type: float64}]}\n"
    changed.define(("feature_services:", more + "feature_services:"))
    changed.do("apply")
    changed.materialize()
    changed.define(JOURNEYS, LATER, ("feature_services:", more + "feature_services:"))
    changed.do("apply")
    with held(changed, AT_THE_END):
        runs = [changed.repository.start("materialize", "--view", view) for view in ("other", "driver_stats")]
        wait_until_blocked(changed, runs[0], 2)
    for run in runs:
        finish(run)
    assert changed.online(1, 2) == NEW
    assert {view["kind"] for view in changed.materialize().values()} == {"incremental"}
    assert len(rows(changed)) == 4


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_applies_runs_and_kills_serves_one_source_at_a_time(either, seed):
    """A value's last digit is its table's: whenever all keys are asked for at once, all have the same."""
    drivers, dice = either, random.Random(seed)
    tables = ["trips", "journeys", "rides"]
    keys = [1, 2, 15000, 30000]
    for digit, table in enumerate(tables):
        if digit:
            drivers.sql(drivers.table.replace("trips", table))
        at = drivers.ago(f"{5 - 2 * digit} hours")
        drivers.sql(f"INSERT INTO {table} SELECT n, {at}, {at}, n * 10 + {digit}, 1 FROM {drivers.numbers(keys[-1])}")
    drivers.materialize()
    runs, table = [], "trips"
    with asking(drivers, *keys) as answers:
        for _ in range(40):
            what = dice.choice(["apply", "materialize", "materialize", "kill"])
            if what == "apply":
                table = dice.choice(tables)
                drivers.define(("table: trips", f"table: {table}"), *dice.choice([[], [LATER]]))
                drivers.do("apply")
            elif what == "materialize" and len(runs) < 3:
                runs.append(drivers.repository.start("materialize", *dice.choice([[], ["--rebuild"]])))
            elif what == "kill" and runs:
                run = runs.pop(dice.randrange(len(runs)))
                run.kill()
                run.communicate()
            time.sleep(dice.random() / 2)
        for run in runs:
            finish(run)
        drivers.materialize()
        wait_for(answers, [("PRESENT", key * 10 + tables.index(table)) for key in keys])
    drivers.do("verify", "--sample", "all")
    for answer in answers:
        (digit,) = {value % 10 for _, value in answer if value is not None}
        assert answer == [("PRESENT", key * 10 + digit) for key in keys]
