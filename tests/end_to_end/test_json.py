"""test_json.py - what each command prints with --json is what docs/json.md says, field by field."""
import json
import re
from functools import cache

import pytest

import services
from repository import ROOT

TYPES = {"text": str, "whole number": int, "number": (int, float), "true or false": bool, "null": type(None),
         "object": dict, "any value": object}
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \|", re.M)


@cache
def documented(command):
    """path -> (types, whether it may be missing), of the command's table."""
    text = (ROOT / "docs" / "json.md").read_text()
    section = re.search(rf"^##+ {command}$(.*?)(?=^##+ |\Z)", text, re.M | re.S)
    assert section, f"docs/json.md has no section {command}"
    fields = {}
    for path, words in ROW.findall(section[1]):
        types, _, optional = words.strip().partition(", ")
        assert optional in ("", "optional"), words
        fields[path] = (tuple(TYPES[word] for word in re.split(r" or (?=null|text)", types)), bool(optional))
    assert fields, f"docs/json.md says nothing of {command}"
    return fields


def matches(path, pattern):
    return re.fullmatch(re.escape(pattern).replace(r"\{NAME\}", r"[^.\[\]]+"), path)


def find(fields, path):
    return next((pattern for pattern in fields if matches(path, pattern)), None)


def is_of(value, types):
    return isinstance(value, types) and (not isinstance(value, bool) or bool in types or object in types)


def prefixes(pattern):
    """`a[].b` lies below `a` and `a[]`."""
    text = ""
    for part in re.findall(r"[^.\[\]]+|\[\]", pattern)[:-1]:
        text += part if part == "[]" or not text else "." + part
        yield text


def leads_on(fields, path):
    """Whether documented fields lie below the path."""
    return any(matches(path, prefix) for pattern in fields for prefix in prefixes(pattern))


def walk(fields, value, path, seen):
    pattern = find(fields, path)
    if pattern:
        seen.add(pattern)
        assert is_of(value, fields[pattern][0]), f"{path} is {value!r}"
    elif isinstance(value, dict):
        assert not path or leads_on(fields, path), f"{path} is not documented"
        for name, each in value.items():
            walk(fields, each, f"{path}.{name}" if path else name, seen)
    elif isinstance(value, list):
        assert leads_on(fields, path), f"{path} is not documented"
        for each in value:
            walk(fields, each, path + "[]", seen)
    else:
        raise AssertionError(f"{path} is not documented")


def check(command, outcome, empty=()):
    """Every field is documented, and every documented one is there, but for those of lists that are empty."""
    fields, seen = documented(command), set()
    walk(fields, json.loads(outcome.out), "", seen)
    missing = [path for path, (_, optional) in fields.items()
               if path not in seen and not optional and not path.startswith(tuple(empty))]
    assert not missing, f"{command}: not printed: {missing}\n{outcome.out}"
    return json.loads(outcome.out)


def test_every_command_that_prints_json_is_documented(unapplied_drivers):
    text = (ROOT / "docs" / "json.md").read_text()
    commands = re.findall(r"^  ([a-z-]+)  ", unapplied_drivers.do("--help").out, re.M)
    printing = [c for c in commands if "--json" in unapplied_drivers.do(c, "--help").out]
    assert re.findall(r"^## (.+)$", text, re.M) == printing


def test_init(unapplied_drivers):
    check("init", unapplied_drivers.do("init", "made", "--json"))


def test_validate(unapplied_drivers):
    check("validate", unapplied_drivers.do("validate", "--json"), empty=["problems"])
    unapplied_drivers.define(("ttl", "tll"), ("source: trips", "source: trip"))
    said = check("validate", unapplied_drivers.refused("validate", "--json"))
    assert [(p["file"], p["line"], p["column"]) for p in said["problems"]] == [
        ("features.yaml", 12, 13), ("features.yaml", 13, 5)]
    assert said["valid"] is False
    said = check("validate", unapplied_drivers.refused("-C", "nowhere", "validate", "--json"))
    assert "larder init" in said["problems"][0]["text"]


def test_load(unapplied_drivers):
    unapplied_drivers.repository.write("trips.csv", "driver_id,happened\n1,2024-01-01T00:00:00Z\n")
    check("load", unapplied_drivers.do("load", "--source", "trips", "trips.csv", "--json"))


def test_plan_and_apply(unapplied_drivers):
    drivers = unapplied_drivers
    check("plan", drivers.do("plan", "--json"), empty=["changes[].details", "findings"])
    said = check("apply", drivers.do("apply", "--json"))
    assert len(said["changes"]) == 4 and said["findings"][0]["kind"] == "hint"
    drivers.define(("float64", "string"), ("ttl: 6h", "ttl: 12h"))
    said = check("plan", drivers.refused("plan", "--json", code=1))
    assert "--replace" in said["refused"] and said["changes"][0]["needs_replace"]
    assert said["findings"][0]["kind"] == "error"
    drivers.use_redis("redis://127.0.0.1:1")
    drivers.define()
    assert "127.0.0.1:1" in check("apply", drivers.do("apply", "--json"), empty=["changes", "findings"])["online_store_error"]


def test_materialize(drivers):
    drivers.add(1)
    check("materialize", drivers.do("materialize", "--json"))
    drivers.sql("DROP TABLE trips")
    said = check("materialize", drivers.refused("materialize", "--json", code=1))
    assert "trips" in said["error"] and said["views"][0]["view"] == "driver_stats"
    said = check("materialize", drivers.refused("materialize", "--view", "nothing", "--json"), empty=["views"])
    assert "nothing" in said["error"]


def test_get_and_health(drivers):
    drivers.add(1, rating="NULL")
    drivers.materialize()
    check("health", drivers.refused("health", "--json", code=1))
    with drivers.repository.serving():
        check("health", drivers.do("health", "--json"))
        check("get", drivers.do("get", "--service", "dispatch", "--entity", "driver_id=1", "--entity", "driver_id=2", "--json"))


@pytest.mark.parametrize("options", [[], ["--with-status"]])
def test_training_set(drivers, options):
    drivers.repository.write("ask.csv", "driver_id,event_timestamp\n1,2024-01-01T00:00:00Z\n")
    check("training-set", drivers.do("training-set", "--service", "dispatch", "--entities", "ask.csv", "--out", "out.csv",
                                     "--json", *options))


def test_training_set_explain(drivers):
    drivers.repository.write("ask.csv", "driver_id,event_timestamp\n1,2024-01-01T00:00:00Z\n")
    said = check("training-set --explain", drivers.do(
        "training-set", "--service", "dispatch", "--entities", "ask.csv", "--explain", "--json"))
    assert said["asks"] == 1 and [view["view"] for view in said["views"]] == ["driver_stats"]


def test_status(drivers, server_folder):
    said = check("status", drivers.do("status", "--json"))
    assert said["views"][0]["state"] == "never_materialized" and "version" in said["online_store"]
    drivers.materialize()
    assert check("status", drivers.do("status", "--json"))["views"][0]["state"] == "current"
    with services.Redis(server_folder + "/redis") as redis:
        drivers.use_redis(redis.url)
    said = check("status", drivers.refused("status", "--json", code=1))
    assert said["online_store"]["error"] and not said["online_store"]["reachable"]


def test_verify(drivers):
    drivers.add(1)
    drivers.materialize()
    drivers.sql("UPDATE trips SET rating = 2")
    said = check("verify", drivers.refused("verify", "--json", code=1))
    assert said["differences"] == 1 and not said["within"] and said["views"][0]["state"] == "compared"
    drivers.sql("DROP TABLE trips")
    said = check("verify", drivers.refused("verify", "--json", code=1), empty=["views"])
    assert "trips" in said["error"]


def test_doctor(drivers):
    said = check("doctor", drivers.do("doctor", "--json"))
    assert said["errors"] == 0 and said["checks"][0] == {
        "check": "settings", "state": "good", "seen": "larder.yaml, project demo", "findings": []}
    assert check("doctor", drivers.refused("-C", "nowhere", "doctor", "--json"))["project"] is None


def test_list_and_describe(drivers):
    check("list", drivers.do("list", "--json"))
    kinds = {}
    for name in ("driver_stats", "dispatch", "trips", "driver"):
        said = check("describe", drivers.do("describe", name, "--json"))
        assert said["definition"]["name"] == name
        kinds[said["kind"]] = (said["keys"], [column["name"] for column in said["columns"]])
    keys = [{"name": "driver_id", "type": "int64"}]
    assert kinds == {"feature view": (keys, ["trip_count", "rating"]), "feature service": (keys, ["trip_count", "rating"]),
                     "source": ([], []), "entity": (keys, [])}


def test_teardown(drivers):
    check("teardown", drivers.do("teardown", "--yes", "--json"))


def test_without_a_result_standard_output_is_empty(unapplied_drivers):
    for words in (["status"], ["materialize"], ["list"], ["materialize", "--from", "soon"], ["get", "--service", "s"],
                  ["load", "--source", "trips", "nowhere.csv"]):
        assert unapplied_drivers.refused(*words, "--json", code=(1, 2)).out == "", words
