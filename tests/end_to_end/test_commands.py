"""test_commands.py - the command line itself: help, mistakes, and the commands that look."""
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

import services
from drivers import TIPS, wait_until_blocked
from repository import program

COMMANDS = ["init", "load", "validate", "plan", "apply", "materialize", "serve", "get", "health", "training-set",
            "status", "verify", "list", "describe", "teardown"]


def test_help_names_every_command(unapplied_drivers):
    out = unapplied_drivers.do("--help").out
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_worth_reading(unapplied_drivers, command):
    out = unapplied_drivers.do(command, "--help").out
    assert f"larder {command}" in out and len(out.splitlines()) >= 5
    assert all(len(line) <= 80 for line in out.splitlines())


def test_grpc_is_loaded_by_those_who_serve_or_ask_and_its_lack_is_told(drivers, tmp_path):
    """The loader finds a file of its name that is no library: whoever would load it says so, and others do not."""
    linked = subprocess.run(["objdump", "-p", program()], capture_output=True, text=True, check=True).stdout
    assert "NEEDED" in linked and not re.search(r"NEEDED +lib(grpc|gpr|absl)", linked)
    (name,) = set(re.findall(rb"libgrpc\.so\.[0-9]+", Path(program()).read_bytes()))
    (tmp_path / name.decode()).write_text("no library\n")
    without = {"environment": {"LD_LIBRARY_PATH": str(tmp_path)}}
    drivers.do("--version", **without)
    drivers.do("plan", **without)
    drivers.do("materialize", **without)
    for words in (["serve"], ["get", "--service", "dispatch", "--entity", "driver_id=1"]):
        said = drivers.refused(*words, code=1, **without).err
        assert f"cannot load gRPC: {tmp_path}/{name.decode()}: " in said and "install" in said


def test_mistakes_in_the_call_end_with_2(unapplied_drivers):
    assert 'did you mean "materialize"?' in unapplied_drivers.refused("materialise").err
    assert '"larder plan" shows what apply would do' in unapplied_drivers.refused("apply", "--dry-run").err
    assert "--prune" in unapplied_drivers.refused("apply", "--prun").err
    unapplied_drivers.refused("materialize", "--from")
    unapplied_drivers.refused("apply", "surplus")
    unapplied_drivers.refused("describe")
    unapplied_drivers.refused("get", "--service", "dispatch")
    unapplied_drivers.refused()


def test_what_comes_later_is_refused_by_its_name(drivers):
    assert "--replace" in drivers.refused("apply", "--replace").err


def test_get_shows_values_and_why_they_are_missing(drivers):
    drivers.add(1, trips="NULL", rating="0.1")
    drivers.materialize()
    with drivers.repository.serving():
        out = drivers.do("get", "--service", "dispatch", "--entity", "driver_id=1", "--entity", "driver_id=2").out
        assert "0.1" in out and "NULL_VALUE" in out and "NOT_FOUND" in out
        some = drivers.do("get", "--features", "driver_stats:rating", "--entity", "driver_id=1", "--json").out
        assert "0.1" in some and "trip_count" not in some
        full = drivers.do("get", "--service", "dispatch", "--entity", "driver_id=1", "--full-names", "--json").out
        assert "driver_stats__rating" in full


def test_a_list_of_features_may_have_blanks(drivers):
    drivers.add(1)
    drivers.materialize()
    with drivers.repository.serving():
        spaced = "driver_stats:rating, driver_stats:trip_count"
        out = drivers.do("get", "--features", spaced, "--entity", "driver_id=1").out
    assert "rating" in out and "trip_count" in out


@pytest.mark.parametrize("command", ["materialize", "verify"])
def test_a_view_that_is_named_twice_is_done_once(drivers, command):
    drivers.materialize()
    out = drivers.do(command, "--view", "driver_stats", "--view", "driver_stats").out
    assert out.count("driver_stats") == 1


@pytest.mark.parametrize("arguments, word", [
    (["--service", "nothing", "--entity", "driver_id=1"], "nothing"),
    (["--features", "driver_stats:nothing", "--entity", "driver_id=1"], "nothing"),
    (["--service", "dispatch", "--entity", "driver=1"], "driver"),
    (["--service", "dispatch", "--entity", "driver_id=one"], "one"),
    (["--service", "dispatch", "--entity", "driver_id"], "driver_id"),
])
def test_get_refuses_what_is_wrong(drivers, arguments, word):
    with drivers.repository.serving():
        assert word in drivers.refused("get", *arguments, code=(1, 2)).err


def test_get_without_a_server_says_so(drivers):
    outcome = drivers.refused("get", "--service", "dispatch", "--entity", "driver_id=1", code=1, timeout=60)
    assert str(drivers.repository.port) in outcome.err


def test_health_says_whether_requests_are_answered(drivers, own_redis):
    drivers.use_redis(own_redis.url)
    drivers.do("apply")
    health = drivers.refused("health", code=1)
    assert str(drivers.repository.port) in health.err and not health.out
    with drivers.repository.serving() as server:
        assert "serving" in drivers.do("health").out
        assert drivers.do("health", "--server", server.address, "--json").json["serving"] is True
        own_redis.kill()
        server.wait_said("the online store is away")
        assert drivers.refused("health", code=1).err == (
            f"larder: {server.address} is not serving: its online store is away, or it is stopping; its log says which\n")
        told = drivers.refused("health", "--json", code=1)
        assert told.json["serving"] is False and "online store" in told.json["reason"]


def test_health_of_somebody_else_is_no_health(drivers):
    outcome = drivers.refused("health", "--server", f"127.0.0.1:{drivers.place.redis.port}", "--timeout", "2s", code=1)
    assert str(drivers.place.redis.port) in outcome.err
    drivers.refused("health", "--timeout", "soon", code=2)


def test_list_and_describe_show_what_is_applied(drivers):
    drivers.define(("    ttl: 6h\n", "    ttl: 6h\n    owner: fleet@example.com\n    description: how a driver does\n"))
    drivers.do("apply")
    out = drivers.do("list").out
    assert all(name in out for name in ("driver", "trips", "driver_stats", "dispatch"))
    drivers.repository.path("features.yaml").unlink()
    out = drivers.do("describe", "driver_stats").out
    assert all(word in out for word in ("rating", "float64", "6h", "fleet@example.com", "how a driver does", "trips"))
    assert "driver_id" in drivers.do("describe", "dispatch").out
    assert drivers.do("describe", "trips", "--json").json
    assert "did you mean" in drivers.refused("describe", "driver_stat").err


def test_describe_shows_all_of_one_name_and_where_keys_come_from(drivers):
    drivers.define(("name: driver_stats", "name: driver"), ("[driver_stats]", "[driver, {view: driver, as: other, "
                                                                              "keys: {driver_id: other_id}}]"))
    drivers.do("apply", "--prune")
    out = drivers.do("describe", "driver").out
    assert [line for line in out.splitlines() if not line.startswith(" ")] == ["feature view driver", "", "entity driver"]
    assert "  entity: driver\n" in out
    assert drivers.do("describe", "driver", "--json").json["kind"] == "feature view"
    out = drivers.do("describe", "dispatch").out
    assert "driver:rating\n" in out and "driver:rating, driver_id from other_id\n" in out
    assert drivers.do("list").out.splitlines()[-1].split() == ["dispatch", "4", "1"]


def test_status_tells_how_far_each_view_is(drivers):
    drivers.add(1)
    assert "driver_stats" in drivers.do("status").said
    drivers.materialize()
    assert drivers.do("status", "--json").json
    drivers.sql("ALTER TABLE trips ADD tips bigint")
    drivers.define(TIPS)
    drivers.do("apply")
    assert "stale" in drivers.do("status").said


def test_status_warns_of_a_redis_that_evicts(drivers, server_folder):

    options = ["--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"]
    with services.Redis(server_folder + "/redis", options=options) as redis:
        drivers.use_redis(redis.url)
        assert "allkeys-lru" in drivers.do("status").said
        drivers.do("apply")
        assert "allkeys-lru" in drivers.do("materialize").said


def test_teardown_removes_larders_own_and_nothing_else(drivers):
    drivers.add(1)
    drivers.materialize()
    drivers.place.redis_command("SET", "somebody's", "stays")
    drivers.do("teardown", "--yes")
    assert drivers.place.redis_command("KEYS", "*") == [b"somebody's"]
    assert drivers.sql("SELECT count(*) FROM trips") == "1"
    assert drivers.sql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'larder%'") == "0"
    drivers.do("apply")
    assert drivers.online(1)[0] == "NOT_FOUND"
    drivers.materialize()
    assert drivers.online(1) == ("PRESENT", 1)


def test_teardown_without_a_terminal_wants_to_be_told(drivers):
    said = drivers.refused("teardown").err
    assert said == ("larder: teardown asks first, and there is no terminal to ask on: give --yes to remove the project\n")
    assert "driver_stats" in drivers.do("status").out
    drivers.do("teardown", "--yes")
    drivers.refused("status", code=1)


def test_teardown_of_what_is_not_applied_has_nothing_to_do(unapplied_drivers):
    said = "project demo is not applied: there is nothing to tear down\n"
    for words in (["teardown"], ["teardown", "--yes"]):
        assert unapplied_drivers.do(*words).said == said
    assert unapplied_drivers.do("teardown", "--json").json == {"project": "demo", "was_applied": False, "rows_removed": 0}


def test_teardown_can_be_repeated(drivers):
    assert drivers.do("teardown", "--yes", "--json").json["was_applied"] is True
    assert drivers.do("teardown", "--yes", "--json").json["was_applied"] is False


def test_teardown_waits_for_whoever_reads_the_registry(drivers):
    schema = drivers.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'larder%'")
    reader = subprocess.Popen(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", drivers.place.postgres_url], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    reader.stdin.write(f"BEGIN; SELECT 'held' FROM {schema}.registry;\n")
    reader.stdin.flush()
    assert reader.stdout.readline() == "held\n"
    teardown = drivers.repository.start("teardown", "--yes")
    wait_until_blocked(drivers, teardown)
    seen, _ = reader.communicate(f"SELECT p.name FROM {schema}.project p JOIN {schema}.version v ON p.id = v.project_id;\n"
                                 "COMMIT;\n")
    said = teardown.communicate(timeout=60)
    assert (reader.returncode, seen, teardown.returncode) == (0, "demo\n", 0), said


def test_json_is_one_document_on_stdout(drivers):
    drivers.add(1)
    for command in ("validate", "plan", "apply", "materialize", "status", "list", "describe dispatch", "teardown --yes"):
        json.loads(drivers.do(*command.split(), "--json").out)


def test_a_call_that_names_no_features_is_refused_without_a_database(unapplied_drivers):
    away = unapplied_drivers.place.repository(postgres_url="postgresql://localhost:1/none")
    assert "--service" in away.refused("training-set", "--entities", "a.csv", "--out", "b.csv").err


def test_what_cannot_be_printed_is_a_failure(unapplied_drivers):
    for command in ("--version", "validate"):
        with open("/dev/full", "w") as full:
            call = subprocess.run([program(), command], cwd=unapplied_drivers.repository.folder, stdout=full,
                                  stderr=subprocess.PIPE, text=True)
        assert call.returncode == 1 and "standard output" in call.stderr


def test_a_reader_that_leaves_early_is_left_in_peace(drivers):
    for command in ("validate", "status", "list --json", "--help"):
        read_end, write_end = os.pipe()
        os.close(read_end)
        call = subprocess.run([program(), *command.split()], cwd=drivers.repository.folder, stdout=write_end,
                              stderr=subprocess.PIPE, text=True)
        os.close(write_end)
        assert call.returncode == 1 and "standard output" not in call.stderr


def test_a_reader_of_a_training_set_that_leaves_early_is_left_in_peace(drivers):
    drivers.add(1)
    asks = "driver_id,event_timestamp\n" + f"1,{drivers.time()}\n" * 50_000
    drivers.repository.write("ask.csv", asks)
    call = drivers.repository.start("training-set", "--service", "dispatch", "--entities", "ask.csv", "--out", "-")
    assert call.stdout.readline() == "driver_id,event_timestamp,trip_count,rating\n"
    call.stdout.close()
    assert call.stderr.read() == "" and call.wait(60) == 1


def test_a_second_server_on_the_port_says_what_to_do(drivers):
    with drivers.repository.serving():
        said = drivers.refused("serve", code=1).err
    assert re.search(r"Address already in use; end the server that has it, or set server\.(grpc|http) in larder\.yaml", said)
