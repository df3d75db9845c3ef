"""test_doctor.py - larder doctor: each thing that it finds, brought about, and what it says of the rest meanwhile."""
import os
import shutil
import signal
import stat
import time
from pathlib import Path

import pytest

import services
from drivers import DEFINITIONS, TABLE, held
from repository import Repository, program
from sql import psql
from terminal import columns_of, on_terminal

NOTHING = "entities:\n  - {name: driver, join_keys: {driver_id: int64}}\n"
INDEX = "CREATE INDEX ON trips (driver_id, happened DESC, recorded DESC NULLS LAST)"
CHECKS = ["settings", "definitions", "offline_store", "sources", "transactions", "registry", "online_store", "clocks",
          "disks", "feature_views", "server"]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="whoever is no superuser cannot become another user")


class Doctor:
    """What it says with --json. said[check] is (state, [(kind, text)])."""

    def __init__(self, outcome):
        self.outcome, self.code, self.json = outcome, outcome.code, outcome.json
        self.checks = {check["check"]: check for check in self.json["checks"]}

    def state(self, check):
        return self.checks[check]["state"]

    def seen(self, check):
        return self.checks[check]["seen"]

    def found(self, check, kind):
        return [f["text"] for f in self.checks[check]["findings"] if f["kind"] == kind]

    def errors(self, check):
        return self.found(check, "error")

    def hints(self, check):
        return self.found(check, "hint")

    @property
    def wrong(self):
        return [check for check in self.checks if self.state(check) == "wrong"]

    @property
    def unknown(self):
        return [check for check in self.checks if self.state(check) == "unknown"]


def ask(repository, *words, **more):
    return Doctor(repository.run("doctor", "--json", *words, **more))


def ask_as(repository, user):
    """As another user of PostgreSQL."""
    text = repository.settings_text()
    repository.write("larder.yaml", text.replace("postgres@", f"{user}@"))
    try:
        return ask(repository)
    finally:
        repository.write("larder.yaml", text)


@pytest.fixture
def role(place):
    """A user of PostgreSQL without any right."""
    name = f"nobody_of_{place.database}"
    place.sql(f"CREATE ROLE {name} LOGIN", "REVOKE ALL ON SCHEMA public FROM PUBLIC",
              f"REVOKE ALL ON DATABASE {place.database} FROM PUBLIC", f"GRANT CONNECT ON DATABASE {place.database} TO {name}",
              f"GRANT USAGE ON SCHEMA public TO {name}")
    yield name
    place.sql(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@pytest.fixture
def well(drivers):
    """Drivers of whom all is well."""
    drivers.sql(INDEX)
    drivers.add(1)
    drivers.materialize()
    return drivers


def test_where_all_is_well_nothing_is_wrong(well):
    said = ask(well.repository)
    assert said.code == 0 and said.json["errors"] == 0
    assert list(said.checks) == CHECKS and said.unknown == ["server"]
    assert said.json["project"] == "demo" and said.json["larder"]
    assert said.seen("offline_store").startswith("PostgreSQL 1") and "redis " in said.seen("online_store")
    assert said.hints("online_store") and "keeps nothing on disk" in said.hints("online_store")[0]  # the tests' Redis
    assert said.json["hints"] == 1


def test_people_get_a_line_for_each_check_and_the_findings_below_it(well):
    well.sql("DROP INDEX trips_driver_id_happened_recorded_idx")
    out = well.do("doctor").out.splitlines()
    lines = {line.split("  ")[0]: line for line in out}
    assert [line.replace(" ", "_") for line in lines if line.replace(" ", "_") in CHECKS] == CHECKS
    below = out[out.index(lines["sources"]) + 1]
    assert below.startswith("  hint: feature view driver_stats: no index") and "CREATE INDEX ON" in below
    assert out[-1] == "nothing is wrong; 2 things could be better"
    well.sql("DROP TABLE trips")
    refused = well.refused("doctor", code=1)
    assert refused.err == "larder: 1 thing is wrong\n" and "  error: features.yaml:6:12: source trips: there is no table" in refused.out


def test_on_a_terminal_no_line_is_wider_than_80_columns(drivers):
    shown = on_terminal(drivers.repository, "doctor", columns=120)
    prose = [line for line in shown.text.splitlines() if not any(len(word) > 60 for word in line.split())]
    assert shown.painted and all(columns_of(line) <= 80 for line in prose), shown


def test_looking_makes_nothing(unapplied_drivers):
    drivers = unapplied_drivers
    repository = drivers.place.repository({"features.yaml": DEFINITIONS}, online="{type: lmdb, path: online/}")
    said = ask(repository)
    assert said.code == 0 and said.state("registry") == said.state("online_store") == "hint"
    assert "run larder apply" in said.hints("registry")[0] and "larder apply makes it" in said.hints("online_store")[0]
    assert not repository.path("online").exists()
    assert drivers.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'larder'") == "0"
    ask(drivers.repository)
    assert drivers.place.redis_command("DBSIZE") == 0


# SQLite, and a folder


TRIP = "driver_id,happened,recorded,trip_count\n1,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,1\n"


def in_files(folder):
    return Repository(folder, "", "", {"features.yaml": DEFINITIONS, "trips.csv": TRIP},
                      offline="{type: sqlite, path: history.db}", online="{type: lmdb, path: online/}")


def test_where_nothing_is_there_yet_it_says_how_to_begin_and_makes_nothing(tmp_path):
    repository = in_files(tmp_path / "files")
    said = ask(repository)
    assert said.code == 1 and said.wrong == ["sources"] and "larder load does" in said.errors("sources")[0]
    assert "larder load makes it" in said.hints("offline_store")[0]
    assert "run larder apply" in said.hints("registry")[0] and "larder apply makes it" in said.hints("online_store")[0]
    assert sorted(os.listdir(repository.folder)) == ["features.yaml", "larder.yaml", "trips.csv"]


def test_in_files_all_may_be_well_too(tmp_path):
    repository = in_files(tmp_path / "files")
    for words in (["load", "--source", "trips", "trips.csv"], ["apply"], ["materialize"]):
        repository.do(*words)
    said = ask(repository)
    assert said.code == 0 and said.unknown == ["server"] and said.json["hints"] == 0
    assert said.seen("offline_store").startswith("SQLite 3") and said.seen("clocks") == "this machine's alone"
    shutil.rmtree(repository.path("online"))
    assert "lacks rows of driver_stats" in ask(repository).errors("feature_views")[0]


def give_away(folder, user):
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, user.pw_uid, user.pw_gid)


@as_root
@pytest.mark.parametrize("which, name", [(".", "the folder of history.db"), ("history.db", "history.db")])
def test_a_history_that_may_not_be_written_to_is_wrong(server_folder, which, name):
    repository, user = in_files(Path(server_folder, "files")), services.ordinary_user()
    repository.do("load", "--source", "trips", "trips.csv")
    give_away(repository.folder, user)
    os.chmod(repository.path(which), stat.S_IRUSR | (stat.S_IXUSR if which == "." else 0))
    said = ask(repository, **services.as_user(user))
    assert [e for e in said.errors("offline_store") if e.startswith(f"this user may not write to {name} (")], said.outcome


@as_root
def test_an_online_store_that_may_not_be_made_is_wrong(server_folder):
    repository, user = in_files(Path(server_folder, "files")), services.ordinary_user()
    os.chmod(repository.folder, stat.S_IRWXU | stat.S_IROTH | stat.S_IXOTH)
    said = ask(repository, **services.as_user(user))
    assert "this user may not write to" in said.errors("online_store")[0] and not repository.path("online").exists()


# The folder


def test_wrong_settings_are_told_and_nothing_else_is_looked_at(well):
    well.repository.write("larder.yaml", well.repository.settings_text() + "servr: {}\n")
    said = ask(well.repository)
    assert said.code == 2 and said.wrong == ["settings"] and said.unknown == CHECKS[1:]
    assert said.errors("settings")[0].startswith("larder.yaml:5:1: ")
    assert ask(well.repository, "-C", "nowhere").code == 2


def test_wrong_definitions_do_not_hide_a_dead_store(well, server_folder):
    well.define(("ttl: 6h", "ttl: six"), ("source: trips", "source: trip"))
    with services.Redis(server_folder + "/redis") as redis:
        well.use_redis(redis.url)
    said = ask(well.repository)
    assert said.code == 2 and said.wrong == ["definitions", "online_store"]
    assert [e.split(" ")[0] for e in said.errors("definitions")] == ["features.yaml:12:13:", "features.yaml:13:10:"]
    assert said.state("offline_store") == said.state("registry") == "good" and said.state("sources") == "unknown"


def test_a_folder_that_is_not_what_is_applied_is_a_hint(well):
    well.define(("ttl: 6h", "ttl: 5h"))
    said = ask(well.repository)
    assert said.code == 0 and "larder plan" in said.hints("registry")[0]


# PostgreSQL


def test_a_dead_redis_does_not_hide_an_index_hint(drivers, server_folder):
    with services.Redis(server_folder + "/redis") as redis:
        drivers.use_redis(redis.url)
    said = ask(drivers.repository)
    assert said.code == 1 and said.wrong == ["online_store"]
    assert "Connection refused" in said.errors("online_store")[0]
    assert "CREATE INDEX" in said.hints("sources")[0]


def test_a_dead_postgresql_does_not_hide_an_evicting_redis(well, own_redis):
    own_redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    well.use_redis(own_redis.url)
    text = well.repository.path("larder.yaml").read_text()
    well.repository.write("larder.yaml", text.replace(well.place.postgres_url, f"postgresql://127.0.0.1:{services.free_port()}/x"))
    said = ask(well.repository)
    assert said.code == 1 and said.wrong == ["offline_store", "online_store"]
    assert "cannot connect to PostgreSQL" in said.errors("offline_store")[0]
    assert said.unknown == ["sources", "transactions", "registry", "feature_views", "server"] or \
        said.unknown == ["sources", "transactions", "registry", "disks", "feature_views", "server"]
    assert said.state("clocks") == "good"


def test_a_wrong_password_is_told_without_showing_it(own_postgres, place):
    psql(own_postgres.url, "CREATE ROLE ann LOGIN PASSWORD 'correct'")
    Path(own_postgres.data, "pg_hba.conf").write_text("host all ann all scram-sha-256\nlocal all all trust\nhost all all all trust\n")
    psql(own_postgres.url, "SELECT pg_reload_conf()")
    url = f"postgresql://ann:mistaken@127.0.0.1:{own_postgres.port}/postgres"
    said = ask(place.repository({"features.yaml": DEFINITIONS}, postgres_url=url))
    assert said.code == 1 and said.wrong == ["offline_store"]
    assert "check the user, the password" in said.errors("offline_store")[0]
    assert "mistaken" not in said.outcome.said and "ann:***@" in said.seen("offline_store")


def test_a_locked_table_does_not_hide_the_others(well):
    well.sql("CREATE TABLE tips (driver_id bigint, happened timestamptz)")
    well.define(("feature_views:", "  - {name: tips, table: tips, event_time: at}\nfeature_views:"))
    with held(well, "LOCK TABLE trips"):
        said = ask(well.repository)
    assert said.code == 1 and said.wrong == ["sources"]
    assert ["tips" in said.errors("sources")[i] for i in range(2)].count(True) == 1
    assert any("source trips: not to be read within" in e and "lock" in e for e in said.errors("sources"))


def test_a_transaction_that_is_open_for_longer_than_a_lookback(well):
    with held(well, "INSERT INTO trips VALUES (2, now(), now(), 1, 1)"):
        said = ask(well.repository)
        assert said.code == 0 and "psql" in said.seen("transactions")
        well.define(("created_time: recorded", "created_time: recorded\n    lookback: 1s"))
        time.sleep(1.1)
        said = ask(well.repository)
        assert said.code == 1 and said.wrong == ["transactions"] and "source trips (1s)" in said.errors("transactions")[0]


def test_a_user_without_rights_is_told_which_and_who_can_give_them(well, role):
    said = ask_as(well.repository, role)
    assert said.code == 1 and said.wrong == ["sources", "registry"]
    assert "permission denied" in said.errors("sources")[0] and "GRANT" in said.errors("sources")[0]
    assert len(said.errors("registry")) == 1 and "GRANT USAGE" in said.errors("registry")[0]
    well.sql(f"GRANT SELECT ON trips TO {role}", f"GRANT USAGE ON SCHEMA larder TO {role}",
             f"GRANT SELECT ON ALL TABLES IN SCHEMA larder TO {role}")
    said = ask_as(well.repository, role)
    assert said.code == 0 and not said.hints("offline_store")
    assert "not apply or materialize" in said.hints("registry")[0] and "GRANT ALL ON ALL TABLES" in said.hints("registry")[0]
    well.sql(f"GRANT CREATE ON SCHEMA larder TO {role}", f"GRANT ALL ON ALL TABLES IN SCHEMA larder TO {role}")
    assert ask_as(well.repository, role).hints("registry") == []


def test_a_user_who_may_not_make_the_registry_is_told_so(unapplied_drivers, role):
    unapplied_drivers.sql(f"GRANT SELECT ON trips TO {role}")
    said = ask_as(unapplied_drivers.repository, role)
    assert said.wrong == ["registry"] and "CREATE SCHEMA" in said.errors("registry")[0]
    unapplied_drivers.sql("CREATE SCHEMA larder", f"GRANT USAGE ON SCHEMA larder TO {role}")
    said = ask_as(unapplied_drivers.repository, role)
    assert said.wrong == ["registry"] and "may not make the registry's tables" in said.errors("registry")[0]
    unapplied_drivers.sql(f"GRANT CREATE ON SCHEMA larder TO {role}")
    assert ask_as(unapplied_drivers.repository, role).wrong == []


def test_a_user_who_may_not_tell_one_postgresql_from_another(well, role):
    well.sql("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    said = ask_as(well.repository, role)
    assert "GRANT EXECUTE ON FUNCTION pg_control_system()" in said.errors("offline_store")[0]
    assert "offline_store" not in ask(well.repository).wrong


def test_a_standby_is_a_hint(own_postgres, place, server_folder):
    psql(own_postgres.url, TABLE, INDEX)
    repository = place.repository({"features.yaml": DEFINITIONS}, postgres_url=own_postgres.url)
    repository.do("apply")
    with own_postgres.standby(os.path.join(server_folder, "standby")) as standby:
        text = repository.settings_text()
        repository.write("larder.yaml", text.replace(own_postgres.url, standby.url))
        said = ask(repository)
        assert said.code == 0 and "standby" in said.hints("offline_store")[0]


# Redis


def test_an_evicting_redis_is_wrong(well, own_redis):
    own_redis.command("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
    well.use_redis(own_redis.url)
    said = ask(well.repository)
    assert said.wrong == ["online_store", "feature_views"]  # it is empty, too
    assert "its maxmemory-policy is volatile-ttl" in said.errors("online_store")[0]


def test_a_redis_that_is_nearly_full_is_told(well, own_redis):
    well.use_redis(own_redis.url)
    well.materialize()
    used = int(own_redis.command("INFO", "memory").split(b"used_memory:")[1].split(b"\r")[0])
    own_redis.command("CONFIG", "SET", "maxmemory", int(used / 0.87))
    said = ask(well.repository)
    assert said.code == 0 and any("% full" in hint and "raise its maxmemory" in hint for hint in said.hints("online_store"))
    own_redis.command("CONFIG", "SET", "maxmemory", used + 1000)
    assert "% full" in ask(well.repository).errors("online_store")[0]


def test_a_redis_that_keeps_its_rows_needs_no_hint(well, own_redis):
    well.use_redis(own_redis.url)
    well.materialize()
    for words in (["appendonly", "yes"], ["save", "3600 1"]):
        own_redis.command("CONFIG", "SET", *words)
        assert ask(well.repository).hints("online_store") == []
        own_redis.command("CONFIG", "SET", "appendonly", "no")


def test_a_redis_that_cannot_save_is_wrong(well, own_redis):
    well.use_redis(own_redis.url)
    well.materialize()
    own_redis.command("CONFIG", "SET", "save", "3600 1")
    own_redis.command("CONFIG", "SET", "rdbcompression", "no")
    os.mkdir(os.path.join(own_redis.folder, "dump.rdb"))  # so that the new snapshot cannot take its place
    own_redis.command("BGSAVE")
    while b"rdb_last_bgsave_status:ok" in own_redis.command("INFO", "persistence"):
        time.sleep(0.02)
    assert "could not write to its disk" in ask(well.repository).errors("online_store")[0]


def test_a_replica_is_wrong(well, own_redis, server_folder):
    with services.Redis(server_folder + "/replica", options=["--replicaof", "127.0.0.1", str(own_redis.port)]) as replica:
        well.use_redis(replica.url)
        assert "should name the primary" in ask(well.repository).errors("online_store")[0]


def test_a_cluster_is_wrong(well, server_folder):
    with services.Redis(server_folder + "/cluster", options=["--cluster-enabled", "yes"]) as redis:
        well.use_redis(redis.url)
        assert any("Cluster" in error for error in ask(well.repository).errors("online_store"))


def test_a_redis_that_forbids_config_says_nothing_of_its_disk(well, server_folder):
    with services.Redis(server_folder + "/redis", options=["--rename-command", "CONFIG", ""]) as redis:
        well.use_redis(redis.url)
        well.materialize()
        said = ask(well.repository)
        assert said.code == 0 and said.state("online_store") == "good"


def test_a_frozen_redis_is_given_up(well, own_redis):
    well.use_redis(own_redis.url)
    own_redis.freeze()
    try:
        assert ask(well.repository).wrong == ["online_store"]
    finally:
        own_redis.thaw()


def test_the_store_of_another_registry_is_wrong(well, postgres):
    database = postgres.create_database()
    try:
        url = postgres.url_of(database)
        psql(url, TABLE, INDEX)
        stranger = well.place.repository({"features.yaml": DEFINITIONS}, postgres_url=url)
        said = ask(stranger)
        assert said.code == 1 and "--take-over" in said.errors("online_store")[0]
    finally:
        postgres.drop_database(database)


def test_older_definitions_in_the_online_store_are_a_hint(well, own_redis):
    redis_url = well.place.redis_url
    well.define(("ttl: 6h", "ttl: 5h"))
    well.use_redis(own_redis.url)
    well.do("apply")
    text = well.repository.path("larder.yaml").read_text()
    well.repository.write("larder.yaml", text.replace(own_redis.url, redis_url))
    assert "version 1 of the definitions, not version 2" in "".join(ask(well.repository).hints("online_store"))


# The machine


def elsewhere(**variables):
    """The environment of a program that sees another clock or another disk."""
    library = Path(program()).resolve().parent / "tests" / "other_world.so"
    return {"LD_PRELOAD": str(library), "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0", **variables}


@pytest.mark.parametrize("ahead, words, kind", [(3600, "behind", "error"), (-7200, "ahead of", "error"), (3, "behind", "hint")])
def test_clocks_that_disagree(well, ahead, words, kind):
    said = ask(well.repository, environment=elsewhere(LARDER_TEST_CLOCK_AHEAD_S=str(ahead)))
    found = said.found("clocks", kind)
    assert len(found) == 2 and found[0].startswith("the clock of PostgreSQL") and found[1].startswith("the clock of redis")
    assert all(words in text for text in found)
    assert said.code == (kind == "error")


@pytest.mark.parametrize("left, kind", [(10 << 20, "error"), (500 << 20, "hint")])
def test_a_disk_that_is_nearly_full(drivers, left, kind):
    repository = drivers.place.repository({"features.yaml": DEFINITIONS}, online="{type: lmdb, path: online/}")
    said = ask(repository, environment=elsewhere(LARDER_TEST_DISK_FREE=str(left)))
    assert any(f"has {left >> 20}.0 MiB left" in text for text in said.found("disks", kind)), said.outcome
    assert "free for the online store" in said.seen("disks")


# Feature views


def test_what_was_never_materialized_is_a_hint(drivers):
    said = ask(drivers.repository)
    assert said.code == 0 and said.seen("feature_views") == "1 never materialized"
    assert "fills what was never materialized: driver_stats" in said.hints("feature_views")[0]


def test_a_stale_view_is_a_hint_until_it_is_rewritten(well):
    well.define(("ttl: 6h", "ttl: 8h"))
    well.do("apply")
    said = ask(well.repository)
    assert said.code == 0 and said.seen("feature_views") == "1 stale" and "rewrites it whole" in said.hints("feature_views")[0]
    well.materialize()
    assert ask(well.repository).state("feature_views") == "good"


def test_a_view_that_waits_to_be_rebuilt_is_a_hint(well):
    well.sql("CREATE TABLE others (LIKE trips INCLUDING INDEXES)")
    well.define(("table: trips", "table: others"))
    well.do("apply")
    assert "served as before" in ask(well.repository).hints("feature_views")[0]


def test_rows_that_nobody_reads_any_more_are_a_hint(well, server_folder):
    settings = well.repository.path("larder.yaml").read_text()
    with services.Redis(server_folder + "/redis") as redis:
        well.use_redis(redis.url)
    well.repository.write("features.yaml", NOTHING)
    well.do("apply", "--prune")
    well.repository.write("larder.yaml", settings)
    well.sql("UPDATE larder.removed_rows SET since_us = since_us - 60000000")
    assert "rows of 1 generation that nobody reads" in ask(well.repository).hints("feature_views")[0]
    well.do("materialize")
    assert ask(well.repository).state("feature_views") == "good"


def test_a_view_whose_every_value_is_too_old_is_wrong(drivers):
    drivers.sql(INDEX)
    drivers.add(1, ago="9 hours")
    drivers.do("materialize", "--to", drivers.time("7 hours"))
    said = ask(drivers.repository)
    assert said.wrong == ["feature_views"] and "longer than its ttl of 6h" in said.errors("feature_views")[0]
    drivers.materialize()
    assert ask(drivers.repository).wrong == []


def test_lost_rows_are_wrong(well):
    well.place.redis_command("FLUSHDB")
    said = ask(well.repository)
    assert said.wrong == ["feature_views"] and "lacks rows of driver_stats" in said.errors("feature_views")[0]
    well.materialize()
    assert ask(well.repository).wrong == []


# The server


def test_a_server_that_serves_is_good_and_one_without_its_store_is_not(well, own_redis):
    well.use_redis(own_redis.url)
    well.materialize()
    with well.repository.serving() as server:
        said = ask(well.repository)
        assert said.code == 0 and said.seen("server") == server.address and said.state("server") == "good"
        own_redis.stop()
        deadline = time.monotonic() + 30
        while ask(well.repository).state("server") != "wrong":
            assert time.monotonic() < deadline
        assert "it is not serving" in ask(well.repository).errors("server")[0]
        own_redis.start()
    assert ask(well.repository).state("server") == "unknown"


def test_a_server_that_hangs_is_wrong(well):
    with well.repository.serving() as server:
        server.process.send_signal(signal.SIGSTOP)
        try:
            assert ask(well.repository).wrong == ["server"]
        finally:
            server.process.send_signal(signal.SIGCONT)
