"""test_walk_of_mistakes.py - mistakes that everybody makes, met as a colleague would meet them: what, where, what to do.

Each is made on a terminal of 80 columns, and all that stands there then is compared with walk_of_mistakes.txt, where the
walk can be read from end to end. Colours are declined; ports, times and seconds are replaced by others of the same width.
LARDER_WALK_UPDATE=1 writes what is printed into that file: read it, as somebody would who does not know Larder.
"""
import os
import re
from pathlib import Path

import pytest

import services
from drivers import TIPS
from sql import psql
from terminal import columns_of, on_terminal

TEXT = Path(__file__).with_name("walk_of_mistakes.txt")
UPDATES = os.environ.get("LARDER_WALK_UPDATE") == "1"
UNBREAKABLE = 60  # a word of more columns may run over the line


def sections():
    """Each test's part of the text, by its name."""
    parts = re.split(r"^# (test_\w+)\n", TEXT.read_text() if TEXT.exists() else "", flags=re.M)[1:]
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


class Walk:
    """Somebody's session: the drivers' world, and what its terminal shows."""

    def __init__(self, name, drivers):
        self.name, self.drivers, self.repository = name, drivers, drivers.repository
        self.ports, self.shown = {}, ""
        self.see(drivers.place.postgres.url)
        self.see(drivers.place.redis.url)

    def see(self, url):
        """A server whose port differs from run to run."""
        self.ports[int(re.search(r":(\d+)(/|$)", url)[1])] = 15432 + len(self.ports)

    def same_everywhere(self, text):
        for port, name in [(self.repository.port, 16566), *self.ports.items()]:
            text = re.sub(rf"\b{port}\b", str(name), text)
        text = re.sub(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "2026-01-31T09:30:00.000000Z", text)
        text = re.sub(r"\b\d+\.\d MiB", "1.0 MiB", re.sub(r"redis \d+\.\d+\.\d+,", "redis 7.0.0,", text))
        text = re.sub(r"\d+s ago$", "just now", text, flags=re.M)
        return re.sub(r"\b\d+\.\d\d\b", "0.01", text)

    def meets(self, line):
        """Gives the command, and looks at what is shown once it has ended."""
        words = line.split()
        assert words.pop(0) == "larder"
        shown = on_terminal(self.repository, *words, environment={"NO_COLOR": "1"})
        said = self.same_everywhere(shown.text)
        for printed in said.splitlines():
            assert columns_of(printed) <= 80 or max(map(len, printed.split())) > UNBREAKABLE, printed
        self.shown += f"$ {line}\n{said}" + (f"(exit {shown.code})\n" if shown.code else "")
        expected = sections().get(self.name, "")
        assert UPDATES or (expected + "\n").startswith(self.shown), \
            f"expected:\n{expected}\n\nshown:\n{self.shown}\nif that is right: LARDER_WALK_UPDATE=1"

    def end(self):
        text = sections()
        if UPDATES:
            text[self.name] = self.shown.strip()
            TEXT.write_text("".join(f"# {name}\n\n{shown}\n\n" for name, shown in text.items()).rstrip() + "\n")
        else:
            assert text[self.name] == self.shown.strip(), "it ends before its text does"


@pytest.fixture
def walk(request, drivers):
    walk = Walk(request.node.name, drivers)
    yield walk
    walk.end()


@pytest.fixture
def unapplied_walk(request, unapplied_drivers):
    walk = Walk(request.node.name, unapplied_drivers)
    yield walk
    walk.end()


# Definitions -----------------------------------------------------------------------------------------------

def test_a_key_is_misspelt(walk):
    walk.drivers.define(("ttl: 6h", "tll: 6h"))
    walk.meets("larder validate")


def test_a_view_is_misspelt(walk):
    walk.drivers.define(("[driver_stats]", "[driver_stat]"))
    walk.meets("larder validate")


def test_a_feature_is_listed_as_elsewhere(walk):
    walk.drivers.define(("[driver_stats]", "[driver_stats:rating]"))
    walk.meets("larder validate")


def test_a_type_is_misspelt(walk):
    walk.drivers.define(("type: float64", "type: flaot64"))
    walk.meets("larder apply")


def test_several_things_are_wrong_at_once(walk):
    walk.drivers.define(("name: rating", "name: Rating"), ("ttl: 6h", "ttl: six hours"), ("source: trips", "source: trip"))
    walk.meets("larder plan")


def test_a_tab_is_in_the_indentation(walk):
    walk.drivers.define(("  - name: driver\n", "\t- name: driver\n"))
    walk.meets("larder validate")


def test_a_bracket_is_left_open(walk):
    walk.drivers.define(("features: [driver_stats]", "features: [driver_stats"))
    walk.meets("larder validate")


def test_a_column_is_misspelt(walk):
    walk.drivers.define(("name: rating", "name: raitng"))
    walk.meets("larder plan")
    walk.meets("larder apply")


def test_a_type_does_not_fit_the_column(unapplied_walk):
    unapplied_walk.drivers.define(("name: rating, type: float64", "name: rating, type: string"))
    unapplied_walk.meets("larder apply")


def test_a_query_is_wrong(unapplied_walk):
    unapplied_walk.drivers.define(("table: trips", "query: SELECT * FROM trips WERE rating > 3"))
    unapplied_walk.meets("larder plan")
    unapplied_walk.drivers.define(("table: trips", "query: SELECT driver_id, happened, recorded, trip_count FROM trips"))
    unapplied_walk.meets("larder plan")


def test_a_table_is_not_there(unapplied_walk):
    unapplied_walk.drivers.define(("table: trips", "table: trip"))
    unapplied_walk.meets("larder apply")


def test_the_settings_have_a_wrong_key_and_a_password(walk):
    text = walk.repository.settings_text().replace("postgres@", "postgres:hunter2@")
    walk.repository.write("larder.yaml", text.replace("online_store", "onlinestore"))
    walk.meets("larder validate")
    walk.repository.write("larder.yaml", text.replace("type: postgres", "tpye: postgres"))
    walk.meets("larder validate")
    assert "hunter2" not in walk.shown


def test_there_is_no_repository_here(walk):
    walk.repository.path("elsewhere").mkdir()
    walk.meets("larder -C elsewhere validate")
    walk.repository.write("elsewhere/larder.yaml", walk.repository.settings_text())
    walk.meets("larder -C elsewhere validate")
    walk.meets("larder validate elsewhere")


# The order of things ---------------------------------------------------------------------------------------

def test_nothing_was_applied(unapplied_walk):
    unapplied_walk.meets("larder materialize")
    unapplied_walk.meets("larder list")
    with unapplied_walk.repository.serving(wait=False) as server:
        server.wait_said("nothing is applied: run larder apply")


def test_a_change_was_not_applied(walk):
    walk.drivers.define(("  - name: dispatch\n", "  - {name: second, features: [driver_stats]}\n  - name: dispatch\n"))
    walk.repository.write("ask.csv", "driver_id,event_timestamp\n")
    walk.meets("larder training-set --service second --entities ask.csv --out out.csv")
    walk.meets("larder status")
    with walk.repository.serving():
        walk.meets("larder get --service second --entity driver_id=1")


def test_nothing_was_materialized(walk):
    with walk.repository.serving():
        walk.meets("larder get --service dispatch --entity driver_id=1")
    walk.meets("larder status")


def test_an_entity_is_not_known_or_too_old(walk):
    walk.drivers.add(1)
    walk.drivers.add(2, ago="7 hours")
    walk.drivers.materialize()
    with walk.repository.serving():
        walk.meets("larder get --service dispatch --entity driver_id=1 --entity driver_id=99")
        walk.meets("larder get --service dispatch --entity driver_id=2")


def test_a_view_has_gained_a_feature_and_was_not_materialized_since(walk):
    walk.drivers.add(1)
    walk.drivers.materialize()
    walk.drivers.sql("ALTER TABLE trips ADD tips bigint")
    walk.drivers.define(TIPS)
    walk.meets("larder apply")
    with walk.repository.serving():
        walk.meets("larder get --service dispatch --entity driver_id=1")
    walk.meets("larder status")


def test_materialize_runs_twice(walk):
    walk.drivers.add(1)
    walk.meets("larder materialize")
    walk.meets("larder materialize")


def test_a_narrower_folder_is_applied(walk):
    walk.repository.write("features.yaml", "entities:\n  - {name: driver, join_keys: {driver_id: int64}}\n")
    walk.meets("larder plan")
    walk.meets("larder apply")
    walk.meets("larder apply --prune")


def test_a_column_is_gone(walk):
    walk.drivers.sql("ALTER TABLE trips RENAME rating TO stars")
    walk.meets("larder materialize")


def test_the_table_is_gone(walk):
    walk.drivers.sql("DROP TABLE trips")
    walk.meets("larder materialize")


def test_a_second_registry_wants_the_same_redis(walk):
    place = walk.drivers.place
    walk.repository = place.repository({"features.yaml": walk.drivers.definitions}, settings="registry: {schema: other}\n")
    walk.meets("larder apply")


# Files -----------------------------------------------------------------------------------------------------

def test_a_csv_has_a_wrong_header(walk):
    walk.repository.write("trips.csv", "driver_id,happened,trip_count,raitng\n1,2024-01-01T00:00:00Z,1,1\n")
    walk.meets("larder load --source trips trips.csv")
    walk.repository.write("trips.csv", "driver,happened,trip_count,rating\n1,2024-01-01T00:00:00Z,1,1\n")
    walk.meets("larder load --source trips trips.csv")
    walk.repository.write("trips.csv", "driver_id,trip_count,rating\n1,1,1\n")
    walk.meets("larder load --source trips trips.csv")
    walk.repository.write("trips.csv", "driver_id;happened;rating\n1;2024-01-01T00:00:00Z;1\n")
    walk.meets("larder load --source trips trips.csv")


def test_a_csv_is_loaded_twice(walk):
    head = "driver_id,happened,trip_count,rating\n"
    walk.repository.write("trips.csv", head + "".join(f"{n},2024-01-01T00:00:00Z,{n},\n" for n in range(1234)))
    walk.repository.write("more.csv", head + "1234,2024-01-01T00:00:00Z,1,\n")
    for name in ("trips", "trips", "more"):
        walk.meets(f"larder load --source trips {name}.csv")


def test_a_csv_has_a_wrong_value(walk):
    head = "driver_id,happened,trip_count,rating\n1,2024-01-01T00:00:00Z,1,1.5\n"
    walk.repository.write("trips.csv", head + "2,2024-01-01T00:00:00Z,many,1.5\n")
    walk.meets("larder load --source trips trips.csv")
    walk.repository.write("trips.csv", head + "2,yesterday,1,1.5\n")
    walk.meets("larder load --source trips trips.csv")
    walk.repository.write("trips.csv", head + "2,2024-01-01T00:00:00Z,1\n")
    walk.meets("larder load --source trips trips.csv")


def test_asking_rows_lack_a_column_or_a_time(walk):
    ask = "larder training-set --service dispatch --entities ask.csv --out out.csv"
    walk.repository.write("ask.csv", "driver_id,time,late\n1,2024-01-01T00:00:00Z,yes\n")
    walk.meets(ask)
    walk.repository.write("ask.csv", "driver_id,event_timestamp,late\n1,2024-01-01T00:00:00Z,yes\n2,noon,no\n")
    walk.meets(ask)
    walk.repository.write("ask.csv", "driver_id;event_timestamp;late\n1;2024-01-01T00:00:00Z;yes\n")
    walk.meets(ask)


def test_a_training_set_is_given_for_its_manifest(walk):
    walk.repository.write("ask.csv", "driver_id,event_timestamp\n")
    walk.drivers.do("training-set", "--service", "dispatch", "--entities", "ask.csv", "--out", "out.csv")
    walk.meets("larder training-set --from-manifest out.csv")


def test_a_column_would_come_twice(walk):
    ask = "larder training-set --service dispatch --entities ask.csv --out out.csv"
    other = "  - {name: other_stats, entities: [driver], source: trips, features: [{name: rating, type: float64}]}\n"
    walk.drivers.define(("feature_services:\n", other + "feature_services:\n"))
    walk.drivers.do("apply")
    walk.repository.write("ask.csv", "driver_id,event_timestamp,rating\n1,2024-01-01T00:00:00Z,5\n")
    walk.meets(ask)
    walk.repository.write("ask.csv", "driver_id,event_timestamp,driver_stats__rating\n1,2024-01-01T00:00:00Z,5\n")
    walk.meets(f"{ask} --full-names")
    walk.meets("larder training-set --features driver_stats:rating,driver_stats:rating --entities ask.csv --out out.csv")
    walk.meets("larder training-set --features driver_stats:rating,other_stats:rating --entities ask.csv --out out.csv")


def test_a_file_or_folder_is_not_there(walk):
    walk.meets("larder load --source trips trips.csv")
    walk.repository.write("ask.csv", "driver_id,event_timestamp\n")
    walk.meets("larder training-set --service dispatch --entities ask.csv --out nowhere/out.csv")
    walk.meets("larder training-set --service dispatch --entities ask.csv --out ask.csv")


def test_a_file_is_named_from_the_folder_of_c(walk):
    settings = walk.repository.settings_text()
    walk.repository.path("folder").mkdir()
    for name, text in (("larder.yaml", settings), ("features.yaml", walk.drivers.definitions),
                       ("trips.csv", "driver_id,happened\n"), ("ask.csv", "driver_id,event_timestamp\n")):
        walk.repository.write(f"folder/{name}", text)
    walk.meets("larder load -C folder --source trips trips.csv")
    walk.meets("larder training-set -C folder --service dispatch --entities ask.csv --out out.csv")


# Calls -----------------------------------------------------------------------------------------------------

def test_a_call_is_wrong(walk):
    for line in ("materialise", "frobnicate", "help materialise", "materialize --form 2026-01-01",
                 "materialize --from yesterday", "materialize --from 2026-02-01 --to 2026-01-01",
                 "materialize --view driver_stat", "load trips.csv", "load --source trip trips.csv",
                 "load --source trips.csv trips", "load --source driver_stats trips.csv",
                 "load --source trips", "init", "describe", "describe driver_stat", "describe rating",
                 "training-set --service dispath --entities ask.csv --out out.csv",
                 "training-set --service driver_stats --entities ask.csv --out out.csv",
                 "load", "training-set", "training-set --service dispatch",
                 "training-set --service dispatch --entities ask.csv",
                 "training-set --service dispatch --features driver_stats:rating --entities ask.csv --out out.csv",
                 "training-set --service dispatch --entities ask.csv --entities-query @ask.sql --out out.csv",
                 "training-set --from-manifest out.csv.manifest.json --service dispatch",
                 "get", "get --service dispatch", "get --entity driver_id=1", "get --service dispatch --entity driver_id",
                 "get --service dispatch --entity driver_id=1 --entity driver=2",
                 "get --service dispatch --entity Driver_id=1", "--json status", "serve --json", "-C"):
        walk.meets(f"larder {line}")


def test_a_question_is_wrong(walk):
    with walk.repository.serving():
        walk.meets("larder get --service dispatsh --entity driver_id=1")
        walk.meets("larder get --features driver_stats:ratting --entity driver_id=1")
        walk.meets("larder get --features driver_stats --entity driver_id=1")
        walk.meets("larder get --features rating --entity driver_id=1")
        walk.meets("larder get --service dispatch --entity driver=1")
        walk.meets("larder get --service dispatch --entity drvier_id=1")
        walk.meets("larder get --service dispatch --entity driver_id=one")


# Services --------------------------------------------------------------------------------------------------

def test_no_server_runs(walk):
    walk.meets("larder get --service dispatch --entity driver_id=1")


def test_redis_stops_while_serving(walk, own_redis):
    drivers = walk.drivers
    walk.see(own_redis.url)
    drivers.use_redis(own_redis.url)
    drivers.do("apply")
    drivers.add(1)
    drivers.materialize()
    with drivers.repository.serving() as server:
        own_redis.stop()
        server.wait_said("the online store is away")
        walk.meets("larder get --service dispatch --entity driver_id=1")
        walk.meets("larder status")
        walk.meets("larder materialize")
        own_redis.start()
        server.wait_said("the online store is back")
        drivers.do("materialize")
        walk.meets("larder get --service dispatch --entity driver_id=1")


def test_redis_was_emptied(walk):
    walk.drivers.add(1)
    walk.drivers.materialize()
    walk.drivers.place.redis_command("FLUSHDB")
    with walk.repository.serving():
        walk.meets("larder get --service dispatch --entity driver_id=1")
    walk.meets("larder status")
    walk.meets("larder materialize")
    walk.meets("larder status")


def test_a_port_is_wrong(walk):
    text = walk.repository.settings_text()
    postgres = re.search(r":(\d+)/", walk.drivers.place.postgres_url)[1]
    walk.repository.write("larder.yaml", text.replace(f":{postgres}/", ":1/"))
    walk.meets("larder plan")
    walk.repository.write("larder.yaml", text.replace(f":{walk.drivers.place.redis.port}/", ":1/"))
    walk.meets("larder materialize")
    walk.meets("larder apply")


def test_a_database_is_not_there(walk):
    walk.repository.write("larder.yaml", walk.repository.settings_text().replace(walk.drivers.place.database, "nowhere"))
    walk.meets("larder plan")


def test_a_role_is_not_there(walk):
    walk.repository.write("larder.yaml", walk.repository.settings_text().replace("postgres@", "nobody@"))
    walk.meets("larder plan")


def test_the_password_of_redis_is_wrong(walk, server_folder):
    with services.Redis(server_folder + "/redis", password="swordfish") as redis:
        walk.see(redis.url)
        walk.drivers.use_redis(redis.url.replace("swordfish", "hunter2"))
        walk.meets("larder materialize")
        walk.drivers.use_redis(f"redis://127.0.0.1:{redis.port}")
        walk.meets("larder materialize")
        assert "hunter2" not in walk.shown


def test_the_password_of_postgres_is_wrong(walk, own_postgres):
    psql(own_postgres.url, "ALTER ROLE postgres PASSWORD 'swordfish'")
    with open(os.path.join(own_postgres.data, "pg_hba.conf"), "w") as rules:
        rules.write("host all all 127.0.0.1/32 scram-sha-256\n")
    psql(own_postgres.url, "SELECT pg_reload_conf()")
    walk.see(own_postgres.url)
    text = walk.repository.settings_text()
    for login in ("postgres:hunter2@", "postgres@"):
        url = own_postgres.url.replace("postgres@", login)
        walk.repository.write("larder.yaml", text.replace(walk.drivers.place.postgres_url, url))
        walk.meets("larder plan")
    assert "hunter2" not in walk.shown
