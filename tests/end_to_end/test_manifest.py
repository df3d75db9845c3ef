"""test_manifest.py - what a training set was made from stands beside it, and makes it again."""
import hashlib
import json
import os
import subprocess

import pytest

from drivers import TRAINING_SET
from repository import program

MANIFEST = "out.csv.manifest.json"
AGAIN = ["training-set", "--from-manifest", MANIFEST]


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def world(either):
    """Two drivers with trips of some hours ago, and four rows that ask."""
    either.add(1, ago="9 hours", trips="10", rating="1.5")
    either.add(1, ago="8 hours", trips="11", rating="NULL", recorded_ago="4 hours")
    either.add(2, ago="8 hours", trips="20", rating="2.5")
    either.asks = [f"{driver},{either.time(ago)}\n" for driver, ago in
                   [(1, "30600 s"), (1, "7 hours"), (2, "1 s"), (3, "7 hours")]]
    either.repository.write("ask.csv", "driver_id,event_timestamp\n" + "".join(either.asks))
    return either


def manifest(world, name=MANIFEST):
    return json.loads(world.repository.path(name).read_text())


def made(world, *options):
    """The bytes of a training set made now."""
    world.do(*TRAINING_SET, *options)
    return world.repository.path("out.csv").read_bytes()


def as_of(world, ago="2 hours"):
    return ["--as-of", world.time(ago)]


def record_more(world):
    """What was recorded since: a new trip, and a correction of an old one."""
    world.add(2, ago="90 minute", trips="21", recorded_ago="1 s")
    world.add(1, ago="9 hours", trips="99", rating="9.5", recorded_ago="1 s")


def test_a_manifest_tells_all_that_decided_the_bytes(world):
    options = [*as_of(world), "--with-status"]
    made(world, *options)
    said, path = manifest(world), world.repository.path
    assert said["asks"] == {"path": "ask.csv", "query": None, "sha256": sha256(path("ask.csv")), "rows": 4,
                            "bytes": path("ask.csv").stat().st_size}
    assert said["out"] == {"path": "out.csv", "sha256": sha256(path("out.csv")), "rows": 4,
                           "bytes": path("out.csv").stat().st_size}
    assert said["options"] == {"full_names": False, "as_known": False, "as_of": options[1], "with_status": True,
                               "format": "csv"}
    assert (said["project"], said["service"], said["features"]) == ("demo", "dispatch", None)
    assert said["definitions"]["version"] == 1 and len(said["definitions"]["sha256"]) == 64
    assert [view["name"] for view in said["definitions"]["views"]] == ["driver_stats"]


def test_a_manifest_counts_each_column(world):
    made(world, "--with-status")
    trips, rating = manifest(world)["columns"]
    assert (trips["name"], trips["view"], trips["type"], trips["keys"]) == (
        "trip_count", "driver_stats", "int64", "driver_id")
    assert trips["values"] == {"PRESENT": 2, "NULL_VALUE": 0, "NOT_FOUND": 1, "OUTSIDE_MAX_AGE": 1}
    assert rating["values"] == {"PRESENT": 1, "NULL_VALUE": 1, "NOT_FOUND": 1, "OUTSIDE_MAX_AGE": 1}
    assert (trips["recorded_later"], rating["recorded_later"]) == (1, 1)
    made(world)
    assert manifest(world)["columns"][0]["values"] == {
        "PRESENT": 2, "NULL_VALUE": 0, "NOT_FOUND": 2, "OUTSIDE_MAX_AGE": None}


def test_the_summary_names_manifest_and_checksum(world):
    said = world.do(*TRAINING_SET, "--json").json
    assert said["manifest"] == MANIFEST and said["same_again"] is None
    assert said["sha256"] == sha256(world.repository.path("out.csv")) == manifest(world)["out"]["sha256"]


def test_a_manifest_of_postgres_names_its_snapshot_and_no_secret(drivers):
    drivers.repository.write("ask.csv", "driver_id,event_timestamp\n1,2024-01-01\n")
    drivers.do(*TRAINING_SET)
    snapshot = manifest(drivers)["snapshot"]
    assert snapshot["transactions"].count(":") == 2 and "/" in snapshot["position"]
    text = drivers.repository.path(MANIFEST).read_text()
    assert "postgresql:" not in text and drivers.place.database not in text


def test_the_same_bytes_come_again_after_more_was_recorded(world):
    before = made(world, *as_of(world))
    told = world.repository.path(MANIFEST).read_text()
    record_more(world)
    assert made(world) != before
    world.repository.write(MANIFEST, told)
    world.repository.path("out.csv").unlink()
    outcome = world.do(*AGAIN)
    assert "the same bytes" in outcome.err and "warning" not in outcome.err
    assert world.repository.path("out.csv").read_bytes() == before
    assert world.repository.path(MANIFEST).read_text() == told
    assert world.do(*AGAIN, "--json").json["same_again"] is True


def test_the_same_bytes_go_elsewhere_with_a_manifest_of_their_own(world):
    before = made(world, *as_of(world), "--full-names", "--with-status", "--as-known")
    record_more(world)
    world.repository.path("ask.csv").rename(world.repository.path("kept.csv"))
    assert "ask.csv" in world.refused(*AGAIN, code=(1, 2)).err
    world.do(*AGAIN, "--entities", "kept.csv", "--out", "again.csv")
    assert world.repository.path("again.csv").read_bytes() == before
    again = manifest(world, "again.csv.manifest.json")
    assert again["out"]["sha256"] == manifest(world)["out"]["sha256"] and again["asks"]["path"] == "kept.csv"
    assert world.do(*AGAIN, "--entities", "kept.csv", "--out", "-").out.encode() == before


def test_features_by_reference_come_again(world):
    made_from = ["training-set", "--features", "driver_stats:rating", *TRAINING_SET[3:], *as_of(world)]
    world.do(*made_from)
    before = world.repository.path("out.csv").read_bytes()
    world.do(*AGAIN)
    assert world.repository.path("out.csv").read_bytes() == before
    assert manifest(world)["features"] == ["driver_stats:rating"] and manifest(world)["service"] is None


@pytest.mark.parametrize("name, format, begins", [
    ("out.parquet", "parquet", b"PAR1"), ("out.arrow", "arrow", b"ARROW1"), ("out.arrows", "arrow-stream", b"\xff"),
])
def test_a_file_of_another_format_comes_again_too(world, name, format, begins):
    world.do(*TRAINING_SET[:-1], name, *as_of(world))
    before = world.repository.path(name).read_bytes()
    assert before.startswith(begins) and manifest(world, f"{name}.manifest.json")["options"]["format"] == format
    record_more(world)
    world.do("training-set", "--from-manifest", f"{name}.manifest.json")
    assert world.repository.path(name).read_bytes() == before
    world.do("training-set", "--from-manifest", f"{name}.manifest.json", "--out", "again")
    assert world.repository.path("again").read_bytes() == before


def test_other_bytes_are_told_and_replace_nothing(world):
    before, told = made(world), world.repository.path(MANIFEST).read_text()
    world.sql("UPDATE trips SET trip_count = 12 WHERE trip_count = 11")
    outcome = world.refused(*AGAIN, code=1)
    assert "warning: it was made without --as-of" in outcome.err and "not the bytes" in outcome.err
    assert "trip_count" not in outcome.err and "changed in place" in outcome.err
    assert world.repository.path("out.csv").read_bytes() == before
    assert world.repository.path(MANIFEST).read_text() == told
    said = world.run(*AGAIN, "--json")
    assert said.code == 1 and said.json["same_again"] is False and said.json["out"] is None


def test_other_bytes_go_where_they_are_sent(world):
    before = made(world)
    world.add(3, ago="8 hours")
    outcome = world.refused(*AGAIN, "--out", "now.csv", code=1)
    assert "NOT_FOUND" in outcome.err and "now.csv holds what came now" in outcome.err
    assert world.repository.path("now.csv").read_bytes() != before
    assert manifest(world, "now.csv.manifest.json")["out"]["sha256"] == sha256(world.repository.path("now.csv"))


def test_other_asks_are_refused_before_the_join(world):
    before = made(world, *as_of(world))
    world.repository.write("ask.csv", "driver_id,event_timestamp\n" + world.asks[0])
    outcome = world.refused(*AGAIN)
    assert "ask.csv" in outcome.err and manifest(world)["asks"]["sha256"] in outcome.err
    assert world.repository.path("out.csv").read_bytes() == before


def test_the_definitions_of_then_are_used(world):
    before = made(world, *as_of(world))
    world.define(("ttl: 6h", "ttl: 10h"), ("{name: rating, type: float64}", "{name: recorded, type: timestamp}"))
    world.do("apply")
    world.do(*AGAIN)
    assert world.repository.path("out.csv").read_bytes() == before
    world.do(*AGAIN, "--out", "again.csv")
    assert manifest(world, "again.csv.manifest.json")["definitions"]["version"] == 1


def test_definitions_that_are_gone_are_named(world):
    before = made(world, *as_of(world))
    world.do("teardown", "--yes") if "--yes" in world.do("teardown", "--help").out else world.do("teardown")
    world.define(("ttl: 6h", "ttl: 10h"))
    world.do("apply")
    outcome = world.refused(*AGAIN)
    assert "feature view driver_stats" in outcome.err and "version 1" in outcome.err
    world.define(("feature_services:\n", "feature_services:\n  - {name: other, features: [driver_stats]}\n"))
    world.do("apply")
    world.do(*AGAIN)
    assert world.repository.path("out.csv").read_bytes() == before


def test_a_failed_run_leaves_the_file_and_its_manifest(world):
    before, told = made(world), world.repository.path(MANIFEST).read_text()
    world.sql("ALTER TABLE trips RENAME TO journeys")
    world.refused(*TRAINING_SET, code=(1, 2))
    assert world.repository.path("out.csv").read_bytes() == before
    assert world.repository.path(MANIFEST).read_text() == told


def test_no_manifest_of_an_older_file_is_left_beside_a_newer_one(world):
    made(world)
    record_more(world)
    made(world, "--manifest", "elsewhere.json")
    assert not world.repository.path(MANIFEST).exists()
    assert manifest(world, "elsewhere.json")["out"]["sha256"] == sha256(world.repository.path("out.csv"))


def test_standard_output_has_a_manifest_only_where_it_is_asked_for(world):
    names = set(os.listdir(world.repository.folder))
    out = world.do(*TRAINING_SET[:-1], "-").out
    assert set(os.listdir(world.repository.folder)) - names <= {"history.db-wal", "history.db-shm"}
    world.do(*TRAINING_SET[:-1], "-", "--manifest", "made.json")
    said = manifest(world, "made.json")
    assert said["out"]["sha256"] == hashlib.sha256(out.encode()).hexdigest() and said["out"]["path"] == "-"


def test_asks_through_a_pipe_have_a_checksum_too(world):
    text = world.repository.path("ask.csv").read_bytes()
    before = made(world)
    world.do(*TRAINING_SET[:4], "-", *TRAINING_SET[5:], input=text.decode())
    assert world.repository.path("out.csv").read_bytes() == before
    assert manifest(world)["asks"]["sha256"] == hashlib.sha256(text).hexdigest()
    assert "--entities" in world.refused(*AGAIN).err
    command = [program(), *TRAINING_SET[:4], "/dev/fd/0", *TRAINING_SET[5:]]
    cat = subprocess.Popen(["cat", world.repository.path("ask.csv")], stdout=subprocess.PIPE)
    assert subprocess.run(command, cwd=world.repository.folder, stdin=cat.stdout, capture_output=True).returncode == 0
    assert cat.wait() == 0 and world.repository.path("out.csv").read_bytes() == before


@pytest.mark.parametrize("options, word", [
    (["--service", "dispatch"], "--service"),
    (["--as-of", "2024-01-01T00:00:00Z"], "--as-of"),
    (["--with-status"], "--with-status"),
    (["--manifest", "ask.csv"], "ask.csv"),
    (["--manifest", "out.csv"], "out.csv"),
])
def test_what_the_manifest_says_is_not_said_again(world, options, word):
    made(world)
    assert word in world.refused(*AGAIN, *options).err


@pytest.mark.parametrize("text, word", [
    ("no json", "JSON"), ("{}", "no manifest"), ('{"manifest": 2}', "later Larder"), ('{"manifest": 1}', "larder"),
])
def test_what_is_no_manifest_is_refused(world, text, word):
    world.repository.write(MANIFEST, text)
    assert word in world.refused(*AGAIN).err
    assert "there.json" in world.refused(*AGAIN[:-1], "there.json").err


def test_a_manifest_that_lacks_something_says_what(world):
    made(world)
    told = manifest(world)
    parts = [told, told["definitions"], told["options"], told["asks"], told["out"], told["snapshot"],
             told["columns"][0], told["columns"][0]["values"], told["definitions"]["views"][0]]
    for part in parts:
        for key in list(part):
            value = part.pop(key)
            world.repository.write(MANIFEST, json.dumps(told))
            assert key in world.refused(*AGAIN).err
            part[key] = {"of another": "kind"}
            world.repository.write(MANIFEST, json.dumps(told))
            assert key in world.refused(*AGAIN).err or isinstance(value, dict)
            part[key] = value


def test_another_projects_manifest_is_refused(world):
    made(world)
    told = world.repository.path(MANIFEST).read_text()
    world.repository.write(MANIFEST, told.replace('"project": "demo"', '"project": "other"'))
    assert "project other" in world.refused(*AGAIN).err
