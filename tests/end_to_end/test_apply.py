"""test_apply.py - plan and apply: what changes, what is refused, what the database must have."""
import subprocess

import pytest

import services
from drivers import DEFINITIONS, SECOND, TABLE
from repository import Repository
from sql import psql

SECOND_VIEW = """  - name: driver_ratings
    entities: [driver]
    source: trips
    features: [{name: rating, type: float64}]
"""


def plan(drivers, *options):
    return drivers.run("plan", "--json", *options).json


def test_plan_shows_and_changes_nothing(unapplied_drivers):
    for _ in range(2):
        changes = plan(unapplied_drivers)["changes"]
        assert [(change["change"], change["name"]) for change in changes] == [
            ("added", "driver"), ("added", "trips"), ("added", "driver_stats"), ("added", "dispatch")]
    assert unapplied_drivers.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'larder'") == "0"


def test_apply_twice_changes_nothing_the_second_time(drivers):
    assert drivers.do("apply", "--json").json["changes"] == []
    assert drivers.do("apply", "--json").json["version"] == 1


def test_each_change_makes_a_version(drivers):
    drivers.define(("ttl: 6h", "ttl: 7h"))
    outcome = drivers.do("apply", "--json").json
    assert outcome["version"] == 2
    assert [(change["change"], change["name"]) for change in outcome["changes"]] == [("altered", "driver_stats")]
    assert any("6h" in detail and "7h" in detail for detail in outcome["changes"][0]["details"])


def test_what_the_folder_lacks_is_named_and_stays(drivers):
    drivers.define(("feature_services:\n  - name: dispatch\n    features: [driver_stats]\n", ""))
    outcome = drivers.refused("apply", code=1)
    assert "dispatch" in outcome.err and "--prune" in outcome.err
    drivers.do("describe", "dispatch")


def test_prune_removes_what_the_folder_lacks(drivers):
    drivers.define(("feature_services:\n  - name: dispatch\n    features: [driver_stats]\n", ""))
    drivers.do("apply", "--prune")
    drivers.refused("describe", "dispatch", code=2)
    assert plan(drivers)["changes"] == []


def test_a_pruned_view_is_gone_from_the_online_store(drivers):
    drivers.define(("feature_services:", SECOND_VIEW + "feature_services:"))
    drivers.do("apply")
    drivers.add(1)
    drivers.materialize()
    before = drivers.place.redis_command("DBSIZE")
    drivers.repository.write("features.yaml", DEFINITIONS)
    drivers.do("apply", "--prune")
    assert drivers.place.redis_command("DBSIZE") < before
    assert drivers.online(1) == ("PRESENT", 1)


@pytest.mark.parametrize("old, new", [
    ("type: int64}", "type: string}"),
    ("join_keys: {driver_id: int64}", "join_keys: {driver_id: string}"),
])
def test_changing_a_type_or_the_keys_needs_replace(drivers, old, new):
    drivers.sql("ALTER TABLE trips ALTER driver_id TYPE text" if "driver_id" in old
                else "ALTER TABLE trips ALTER trip_count TYPE text")
    drivers.define((old, new))
    outcome = drivers.refused("apply", code=1)
    assert "--replace" in outcome.err and "driver_stats" in outcome.said


@pytest.mark.parametrize("command", ["plan", "apply"])
@pytest.mark.parametrize("statement, words", [
    ("DROP TABLE trips", ["trips"]),
    ("ALTER TABLE trips DROP rating", ["trips", "rating"]),
    ("ALTER TABLE trips DROP happened", ["trips", "happened"]),
    ("ALTER TABLE trips ALTER trip_count TYPE text", ["trip_count", "int64", "text"]),
    ("ALTER TABLE trips ALTER rating TYPE bigint USING 1, ALTER trip_count TYPE double precision",
     ["trip_count", "int64", "double precision"]),
    ("ALTER TABLE trips ALTER driver_id TYPE numeric", ["driver_id", "int64", "numeric"]),
    ("ALTER TABLE trips ALTER happened TYPE text", ["happened", "text"]),
])
def test_a_source_that_does_not_fit_is_refused(unapplied_drivers, command, statement, words):
    unapplied_drivers.sql(statement)
    outcome = unapplied_drivers.refused(command)
    assert all(word in outcome.said for word in words), outcome
    assert unapplied_drivers.run("list").code != 0


def test_a_query_that_is_wrong_is_refused_with_what_postgres_says(unapplied_drivers):
    unapplied_drivers.define(("table: trips", "query: SELECT * FROM no_such_table"))
    assert "no_such_table" in unapplied_drivers.refused("plan").said


def test_a_query_cannot_write(unapplied_drivers):
    unapplied_drivers.sql("CREATE FUNCTION sneaky() RETURNS SETOF trips LANGUAGE sql AS "
                          "'INSERT INTO trips(driver_id) VALUES (7) RETURNING *'")
    unapplied_drivers.define(("table: trips", "query: SELECT * FROM sneaky()"))
    if unapplied_drivers.run("apply").code == 0:
        unapplied_drivers.refused("materialize", code=1)
    assert unapplied_drivers.sql("SELECT count(*) FROM trips") == "0"


def test_a_missing_index_is_a_hint_with_the_statement_to_run(unapplied_drivers):
    findings = plan(unapplied_drivers)["findings"]
    hint = next(finding["text"] for finding in findings if finding["kind"] == "hint")
    unapplied_drivers.sql(hint[hint.index("CREATE INDEX"):].split(";")[0])
    assert plan(unapplied_drivers)["findings"] == []


def test_apply_hints_at_an_index_for_what_it_changes_alone(unapplied_drivers):
    drivers = unapplied_drivers
    assert "CREATE INDEX" in drivers.do("apply").err
    assert drivers.do("apply").err == "" and drivers.do("apply", "--json").json["findings"] == []
    assert "CREATE INDEX" in drivers.do("plan").err
    drivers.define(SECOND)
    assert drivers.do("apply").err == ""
    drivers.define(SECOND, ("ttl: 6h", "ttl: 7h"))
    assert "CREATE INDEX" in drivers.do("apply").err
    drivers.define(SECOND, ("ttl: 6h", "ttl: 7h"), ("event_time: happened", "event_time: recorded"))
    assert "CREATE INDEX" in drivers.do("apply").err


@pytest.mark.parametrize("change, at, text", [
    (("table: trips", "table: trip"), (6, 12), "source trips: there is no table trip"),
    (("event_time: happened", "event_time: hapened"), (7, 17), "source trips: event_time is read from column hapened"),
    (("created_time: recorded", "created_time: rating"), (8, 19), "source trips: created_time is timestamp, but"),
    (("name: rating", "name: raitng"), (16, 16), "feature view driver_stats: feature raitng is read from column raitng"),
    (("driver_id: int64", "rating: int64"), (11, 16), "feature view driver_stats: join key rating is int64, but"),
])
def test_what_does_not_fit_the_database_is_told_with_its_place(unapplied_drivers, change, at, text):
    drivers = unapplied_drivers
    features = [] if change[0] != "driver_id: int64" else [("      - {name: rating, type: float64}\n", "")]
    drivers.define(change, *features)
    line, column = at
    for command in ("plan", "apply"):
        said = drivers.refused(command).err
        assert f"features.yaml:{line}:{column}: {text}" in said and f"\n  {line:2} | " in said
    finding = plan(drivers)["findings"][0]
    assert (finding["file"], finding["line"], finding["column"]) == ("features.yaml", line, column)


def test_string_keys_with_a_collation_that_folds_case_are_refused(place, unapplied_drivers):
    place.sql("CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
              "ALTER TABLE trips ALTER driver_id TYPE text COLLATE folding")
    unapplied_drivers.define(("driver_id: int64", "driver_id: string"))
    assert "collation" in unapplied_drivers.refused("plan").said.lower()


def test_sessions_that_are_read_only_by_default_hold_nothing_up(drivers):
    drivers.add(1)
    drivers.sql(f"ALTER DATABASE {drivers.place.database} SET default_transaction_read_only = on")
    drivers.define(("ttl: 6h", "ttl: 7h"))
    drivers.do("apply")
    drivers.materialize()
    assert drivers.online(1) == ("PRESENT", 1)
    drivers.do("teardown", "--yes")


# Whose online store it is --------------------------------------------------------------------------

@pytest.fixture
def stranger(drivers, postgres):
    """A repository with another registry, on the same Redis."""
    drivers.add(1, trips=1)
    drivers.materialize()
    database = postgres.create_database()
    yield drivers.place.repository({"features.yaml": DEFINITIONS}, postgres_url=postgres.url_of(database))
    postgres.drop_database(database)


def test_another_registrys_redis_is_refused(drivers, stranger):
    psql(stranger.postgres_url, TABLE)
    assert "--take-over" in stranger.refused("apply", code=1).err
    assert drivers.online(1) == ("PRESENT", 1)


def test_take_over_serves_nothing_of_the_one_before(drivers, stranger):
    psql(stranger.postgres_url, TABLE,
                       "INSERT INTO trips VALUES (2, now() - interval '1 minute', now(), 22, 2)")
    stranger.do("apply", "--take-over")
    mine = drivers.online_of(stranger, 1, 2)
    assert [status for status, _ in mine] == ["NOT_FOUND", "NOT_FOUND"]
    stranger.do("materialize")
    assert drivers.online_of(stranger, 1, 2) == [("NOT_FOUND", None), ("PRESENT", 22)]
    assert "--take-over" in drivers.refused("materialize", code=1).err


def test_a_take_over_that_the_redis_refuses_has_failed(drivers, own_redis):
    drivers.repository.write("larder.yaml",
                             drivers.repository.settings_text().replace(drivers.place.redis_url, own_redis.url))
    own_redis.command("CONFIG", "SET", "min-replicas-to-write", "1")
    assert "run it again" in drivers.refused("apply", "--take-over", code=1).err
    own_redis.command("CONFIG", "SET", "min-replicas-to-write", "0")
    drivers.do("apply", "--take-over")


def test_two_projects_share_a_registry_and_a_redis(drivers):
    other = drivers.place.repository({"features.yaml": DEFINITIONS}, project="second")
    other.do("apply")
    drivers.add(1)
    drivers.materialize()
    assert drivers.online_of(other, 1) == ("NOT_FOUND", None)
    other.do("materialize")
    drivers.do("teardown", "--yes")
    assert drivers.online_of(other, 1) == ("PRESENT", 1)


# Services away -------------------------------------------------------------------------------------

def test_postgres_down_is_told_and_the_password_is_not(drivers):
    away = drivers.place.repository({"features.yaml": DEFINITIONS},
                                    postgres_url="postgresql://me:hunter2@127.0.0.1:1/nothing")
    for command in (["plan"], ["apply"], ["materialize"], ["status"], ["list"]):
        outcome = away.refused(*command, code=1)
        assert "hunter2" not in outcome.said and "127.0.0.1" in outcome.err


def test_apply_without_redis_warns_and_the_next_run_makes_up_for_it(drivers):
    drivers.define(("ttl: 6h", "ttl: 7h"))
    drivers.use_redis("redis://127.0.0.1:1")
    assert "warning" in drivers.do("apply").err
    drivers.use_redis(drivers.place.redis_url)
    drivers.add(1)
    drivers.materialize()
    assert drivers.online(1) == ("PRESENT", 1)


def test_materialize_without_redis_fails_and_can_be_run_again(drivers):
    drivers.add(1)
    drivers.use_redis("redis://:hunter2@127.0.0.1:1")
    outcome = drivers.refused("materialize", code=1)
    assert "hunter2" not in outcome.said and "127.0.0.1:1" in outcome.err
    drivers.use_redis(drivers.place.redis_url)
    assert drivers.materialize()["written"] == 1


def test_a_wrong_redis_password_is_told_and_not_shown(drivers, server_folder):
    with services.Redis(server_folder + "/redis", password="right-one") as server:
        wrong = server.url.replace("right-one", "wrong-one")
        away = drivers.place.repository({"features.yaml": DEFINITIONS}, redis_url=wrong, project="other")
        away.run("apply")
        outcome = away.refused("materialize", code=1)
        assert "wrong-one" not in outcome.said and "right-one" not in outcome.said
        assert "password" in outcome.err.lower() or "auth" in outcome.err.lower(), outcome


def test_a_wrong_postgres_password_is_told_and_not_shown(own_postgres, tmp_path):
    with open(own_postgres.data + "/pg_hba.conf", "w") as file:
        file.write("host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    subprocess.run(["psql", "-qX", own_postgres.url, "-c", "CREATE USER guarded PASSWORD 'right-one'",
                    "-c", "SELECT pg_reload_conf()"], check=True, stdout=subprocess.DEVNULL)
    url = f"postgresql://guarded:wrong-one@127.0.0.1:{own_postgres.port}/postgres"
    repository = Repository(tmp_path / "r", url, "redis://127.0.0.1:1", {"features.yaml": DEFINITIONS})
    outcome = repository.refused("plan", code=1)
    assert "wrong-one" not in outcome.said and "password authentication failed" in outcome.err
