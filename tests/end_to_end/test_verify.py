"""test_verify.py - what `larder verify` finds, and what it does not take for a difference."""
import shutil
import time

import pytest

from blocking import finish
from drivers import TIPS, Drivers
from file_drivers import LMDB, FileDrivers

VERDICTS = ("behind", "missing", "extra", "stale", "different", "ambiguous")
ELSEWHERE = ("table: trips", "table: journeys")


def verified(drivers, *options, code=0):
    """What it says of driver_stats."""
    outcome = drivers.run("verify", "--json", *options)
    assert outcome.code == code, outcome
    (view,) = [view for view in outcome.json["views"] if view["view"] == "driver_stats"]
    return view


def found(drivers, *options, code=1):
    """verdict -> how many keys, of those that are not equal."""
    view = verified(drivers, *options, code=code)
    assert view["keys"] == view["equal"] + sum(view[verdict] for verdict in VERDICTS)
    return {verdict: view[verdict] for verdict in VERDICTS if view[verdict]}


def shown(view):
    return [(key["verdict"], key["keys"]["driver_id"]) for key in view["shown"]]


def differing(view, kind="different"):
    return {each["feature"]: each[kind] for each in view["features"] if each[kind]}


def spoil(drivers, driver, what):
    """Online comes to stand a whole row that history does not have, of the times of one that it has."""
    before = drivers.sql(f"SELECT trip_count FROM trips WHERE driver_id = {driver}")
    drivers.sql(f"UPDATE trips SET {what} WHERE driver_id = {driver}")
    drivers.materialize("--from", drivers.time("5 hours"))
    drivers.sql(f"UPDATE trips SET trip_count = {before} WHERE driver_id = {driver}")


def rows(drivers):
    return {key for key in drivers.place.redis_command("KEYS", "*") if b"{" in key}


class Losing:
    """The online store loses what is written within the block."""

    def __init__(self, drivers):
        self.drivers, self.is_lmdb = drivers, isinstance(drivers, FileDrivers)
        self.folder, self.copy = drivers.repository.path("online"), drivers.repository.path("copy")

    def __enter__(self):
        if self.is_lmdb:
            shutil.copytree(self.folder, self.copy)
        else:
            self.before = rows(self.drivers)

    def __exit__(self, *_):
        if self.is_lmdb:
            shutil.rmtree(self.folder)
            self.copy.rename(self.folder)
        else:
            self.drivers.place.redis_command("DEL", *(rows(self.drivers) - self.before))


@pytest.fixture
def three(either):
    """Three drivers, all online."""
    for driver in (1, 2, 3):
        either.add(driver, "4 hours", trips=driver)
    either.materialize()
    return either


def test_what_was_materialized_is_equal(either):
    either.add(1, "4 hours")
    either.add(1, "3 hours", trips="NULL", rating="-0.0")
    either.add(2, "2 hours", trips="-9223372036854775808", rating="5e-324")
    either.add(3, "1 hour", recorded_ago="never")
    either.add(3, "1 hour", trips=7)
    either.add(4, "20 hours")  # too old to be served, and stored all the same
    either.materialize()
    view = verified(either)
    assert (view["keys"], view["equal"], view["share"]) == (4, 4, 1)
    out = either.do("verify").out.splitlines()
    assert out[1].split() == ["driver_stats", "4", "0", "0", "0", "0", "0", "0"]
    assert out[2] == "4 keys compared: no difference"


def test_a_spoiled_row_is_different(three):
    spoil(three, 2, "trip_count = 99")
    view = verified(three, code=1)
    assert (view["equal"], view["different"], differing(view)) == (2, 1, {"trip_count": 1})
    assert shown(view) == [("different", 2)]
    assert view["shown"][0]["values"] == [{"feature": "trip_count", "lacking": False, "online": 99, "history": 2}]
    outcome = three.refused("verify", code=1)
    assert "driver_stats: different: driver_id=2: trip_count 99 online, 2 in history\n" in outcome.out
    assert outcome.err == "larder: 1 of 3 keys differs between history and the online store\n"


def test_a_difference_of_one_bit_is_one(either):
    either.add(1, rating="1.5")
    either.materialize()
    either.sql("UPDATE trips SET rating = 1.5000000000000002")
    assert differing(verified(either, code=1)) == {"rating": 1}


def test_a_value_that_became_null_is_different(three):
    three.sql("UPDATE trips SET rating = NULL WHERE driver_id = 1")
    view = verified(three, code=1)
    assert view["shown"][0]["values"] == [{"feature": "rating", "lacking": False, "online": 1.5, "history": None}]


def test_a_lost_row_is_missing(three):
    three.add(4, "30 minutes")
    with Losing(three):
        three.materialize()
    view = verified(three, code=1)
    assert (view["equal"], view["missing"], shown(view)) == (3, 1, [("missing", 4)])
    assert view["recent"] == 1
    outcome = three.refused("verify", code=1)
    assert "driver_stats: missing: driver_id=4: history has one of 20" in outcome.out and "hint: history's rows of 1 of them" in outcome.err
    three.materialize()
    assert found(three, code=0) == {}


def test_a_row_that_history_lost_is_extra(three):
    three.sql("DELETE FROM trips WHERE driver_id = 2")
    view = verified(three, code=1)
    assert (view["equal"], view["extra"], shown(view)) == (2, 1, [("extra", 2)])
    assert view["shown"][0]["history_event_time"] is None
    assert ", history has none\n" in three.refused("verify", code=1).out


def test_a_row_that_history_took_back_is_extra(three):
    three.add(1, "2 hours", trips=7)
    three.materialize("--from", three.time("3 hours"))
    three.sql("DELETE FROM trips WHERE trip_count = 7")
    view = verified(three, code=1)
    assert shown(view) == [("extra", 1)] and view["shown"][0]["history_event_time"]


def test_a_row_of_a_key_that_history_never_had_is_extra(drivers):
    drivers.add(1)
    drivers.materialize()
    (key,) = rows(drivers)
    drivers.place.redis_command("COPY", key, key.replace(b"\x02}", b"\x0a}"))  # zigzag: 1 becomes 5
    assert shown(verified(drivers, code=1)) == [("extra", 5)]


def test_a_row_of_before_is_stale(three):
    three.add(1, "50 minutes", trips=9, recorded_ago="never")  # it came too late for the run
    three.add(2, "2 hours", trips=9, recorded_ago="never")  # and this one for the next, too
    view = verified(three, code=1)
    assert (view["stale"], view["recent"], view["equal"]) == (2, 1, 1)
    three.materialize()
    view = verified(three, code=1)
    assert shown(view) == [("stale", 2)]
    assert view["shown"][0]["online_event_time"] < view["shown"][0]["history_event_time"]
    three.materialize("--from", three.time("3 hours"))
    assert found(three, code=0) == {}


def test_rows_that_came_after_the_last_run_are_behind(three):
    three.add(1, "0 s", trips=9)
    three.add(2, "3 hours", trips=9, recorded_ago="0 s")
    three.add(4, "0 s")
    three.add(5, "2 hours", recorded_ago="0 s")
    assert found(three, code=0) == {"behind": 4}
    assert three.do("verify").out.splitlines()[1].split()[:3] == ["driver_stats", "5", "4"]
    three.materialize()
    assert found(three, code=0) == {}


def test_rows_of_the_future_are_nobodys(three):
    three.sql(f"INSERT INTO trips VALUES (1, {three.ago('-1 hour')}, {three.ago('1 hour')}, 7, 1)")
    assert found(three, code=0) == {}


def test_what_a_run_saw_beyond_its_watermark_is_no_difference(three):
    """It reads all that is recorded when it begins, and may end its window before."""
    three.add(1, "2 hours", trips=9)
    three.add(2, "2 hours", trips=9, recorded_ago="1 hour")
    three.materialize("--from", three.time("3 hours"))
    assert found(three, code=0) == {}


def test_rows_of_one_time_with_other_values_are_ambiguous(three):
    three.sql("INSERT INTO trips SELECT driver_id, happened, recorded, trip_count, 7.5 FROM trips WHERE driver_id = 3",
              "INSERT INTO trips SELECT driver_id, happened, recorded, trip_count, rating FROM trips WHERE driver_id = 1")
    view = verified(three)
    assert (view["equal"], view["ambiguous"], differing(view, "ambiguous")) == (2, 1, {"rating": 1})
    assert shown(view) == [("ambiguous", 3)]
    three.sql("UPDATE trips SET trip_count = 8 WHERE driver_id = 3")  # now neither is served
    assert found(three) == {"different": 1}


def test_a_row_that_has_expired_is_not_missing(three):
    three.add(4, "31 hours")
    three.add(5, "29 hours")  # kept online for a day behind its ttl
    assert found(three) == {"missing": 1}


def test_a_view_without_a_ttl_is_compared_from_its_beginning(either):
    either.define(("    ttl: 6h\n", ""))
    either.do("apply")
    either.add(1, "20000 days")
    either.materialize()
    either.add(2, "20000 days")
    assert shown(verified(either, code=1)) == [("missing", 2)]


def test_rows_written_before_a_feature_left_are_equal(three):
    three.define(("      - {name: rating, type: float64}\n", ""))
    three.do("apply")
    assert found(three, code=0) == {}
    three.sql("UPDATE trips SET trip_count = 8 WHERE driver_id = 3")
    assert found(three) == {"different": 1}


def test_rows_that_nobody_can_be_served_are_counted_apart(three):
    three.sql(f"INSERT INTO trips VALUES (NULL, {three.ago('1 hour')}, NULL, 7, 1)")
    view = verified(three)
    assert (view["left_out"], view["equal"]) == (1, 3)


def not_compared(drivers, state):
    view = verified(drivers, code=1)
    assert (view["state"], view["keys"], view["features"]) == (state, 0, [])
    outcome = drivers.refused("verify", code=1)
    assert outcome.out == "" and outcome.err.startswith("larder: driver_stats was not compared: ")
    return outcome.err


def test_a_view_that_was_never_materialized_is_not_compared(either):
    either.add(1)
    assert "never materialized" in not_compared(either, "never_materialized")


def test_a_stale_view_is_not_compared(three):
    three.sql("ALTER TABLE trips ADD tips bigint")
    three.define(TIPS)
    three.do("apply")
    assert "stale: " in not_compared(three, "stale")
    three.materialize()
    assert found(three, code=0) == {}


def test_a_view_that_waits_for_its_rebuild_is_not_compared(three):
    three.sql(three.table.replace("trips", "journeys"), "INSERT INTO journeys SELECT * FROM trips WHERE driver_id = 1")
    three.define(ELSEWHERE)
    three.do("apply")
    assert "rebuilds it" in not_compared(three, "to_be_rebuilt")
    three.materialize()
    view = verified(three)
    assert (view["keys"], view["equal"]) == (1, 1)


def test_only_views_that_are_online_are_compared(three):
    more = ("  - {name: hidden, online: false, entities: [driver], source: trips,"
            " features: [{name: rating, type: float64}]}\nfeature_services:")
    three.define(("feature_services:", more))
    three.do("apply")
    assert [view["view"] for view in three.do("verify", "--json").json["views"]] == ["driver_stats"]
    assert "online: false" in three.refused("verify", "--view", "hidden").err
    assert 'did you mean "driver_stats"' in three.refused("verify", "--view", "driver_stat").err
    assert found(three, "--view", "driver_stats", code=0) == {}


def test_as_many_keys_may_differ_as_are_allowed(three):
    three.sql("UPDATE trips SET trip_count = 8 WHERE driver_id < 3")
    for allowed, code in (("0", 1), ("1", 1), ("2", 0), ("66%", 1), ("66.7%", 0)):
        assert found(three, "--allow", allowed, code=code) == {"different": 2}
    assert three.do("verify", "--allow", "2").err.startswith("warning: 2 of 3 keys differ")


@pytest.mark.parametrize("words", [("--sample", "0"), ("--sample", "some"), ("--sample", "-1"), ("--allow", "-1"),
                                   ("--allow", "1 key"), ("--show", "few")])
def test_options_that_mean_nothing_are_refused(unapplied_drivers, words):
    assert f'{words[0]}: "{words[1]}"' in unapplied_drivers.refused("verify", *words).err


def sampled(drivers, count, *options):
    """Which keys were compared: all differ."""
    drivers.sql(f"INSERT INTO trips SELECT n, {drivers.ago('1 hour')}, NULL, n, 1 FROM {drivers.numbers(count)}")
    drivers.materialize()
    drivers.sql("UPDATE trips SET trip_count = trip_count + 1")
    views = [verified(drivers, "--show", "10000", *options, code=1) for _ in range(2)]
    assert shown(views[0]) == shown(views[1])
    return views[0], [driver for _, driver in shown(views[0])]


def test_the_same_keys_are_sampled_whatever_the_stores(place, stubs):
    samples = []
    for drivers in Drivers(place, stubs), FileDrivers(place, stubs, online=LMDB):
        drivers.do("apply")
        view, keys = sampled(drivers, 7000, "--sample", "100")
        assert 20 < len(keys) <= 100 and view["keys"] == len(keys)
        assert view["share"] < 0.02
        samples.append(keys)
        assert verified(drivers, "--sample", "all", code=1)["different"] == 7000
    assert samples[0] == samples[1]


def begun(drivers):
    """Verify, at the moment when it has read the online store once."""
    def reads():
        stats = drivers.place.redis_command("INFO", "commandstats").decode()
        return [line for line in stats.splitlines() if line.startswith("cmdstat_mget:")]

    before = reads()
    run = drivers.repository.start("verify", "--json")
    while reads() == before:
        assert run.poll() is None
        time.sleep(0.005)
    return run


def test_a_difference_that_heals_within_a_second_does_not_count(drivers):
    drivers.add(1)
    drivers.materialize()
    (key,) = rows(drivers)
    drivers.place.redis_command("RENAME", key, "elsewhere")
    drivers.place.redis_command("COPY", "elsewhere", key.replace(b"\x02}", b"\x0a}"))
    assert found(drivers) == {"missing": 1, "extra": 1}
    run = begun(drivers)
    drivers.place.redis_command("RENAME", "elsewhere", key)
    drivers.place.redis_command("DEL", key.replace(b"\x02}", b"\x0a}"))
    finish(run)
    assert found(drivers, code=0) == {}


def test_an_apply_in_between_is_told(drivers):
    drivers.add(1)
    drivers.materialize()
    drivers.sql("UPDATE trips SET rating = 2")
    drivers.define(("    ttl: 6h\n", "    ttl: 5h\n"))
    run = begun(drivers)
    drivers.do("apply")
    out, err = run.communicate(timeout=60)
    assert run.returncode == 1 and '"changed"' in out and "run larder verify again" in err


def test_bytes_that_are_no_row_are_different(drivers):
    drivers.add(1)
    drivers.materialize()
    (key,) = rows(drivers)
    drivers.place.redis_command("SET", key, "somebody's")
    view = verified(drivers, code=1)
    assert (view["different"], differing(view)) == (1, {"trip_count": 1, "rating": 1})
    assert view["shown"][0]["problem"] == "the stored bytes are no row"
    assert "what is online cannot be read" in drivers.refused("verify", code=1).out


def test_who_may_only_read_can_verify(drivers):
    drivers.add(1)
    drivers.materialize()
    role = f"reader_of_{drivers.place.database}"
    drivers.sql(f"CREATE ROLE {role} LOGIN", f"GRANT USAGE ON SCHEMA larder TO {role}",
                f"GRANT SELECT ON ALL TABLES IN SCHEMA larder TO {role}", f"GRANT SELECT ON trips TO {role}")
    url = drivers.place.postgres_url.replace("//postgres@", f"//{role}@")
    reader = drivers.place.repository({"features.yaml": ""}, postgres_url=url)
    assert "1 key compared: no difference" in reader.do("verify").out
    drivers.sql(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_another_registrys_online_store_is_refused(drivers):
    drivers.add(1)
    drivers.materialize()
    drivers.place.redis_command("SET", "larder:owner", "0123456789abcdef")
    assert "belongs to another registry" in drivers.refused("verify", code=1).err


def test_an_emptied_online_store_lacks_every_row(drivers):
    drivers.add(1)
    drivers.materialize()
    drivers.place.redis_command("FLUSHDB")
    assert found(drivers) == {"missing": 1}


EXOTIC = """\
entities: [{name: thing, join_keys: {code: bytes, at: timestamp, name: string}}]
sources: [{name: things, table: things, event_time: happened}]
feature_views:
  - name: driver_stats
    entities: [thing]
    source: things
    features:
      - {name: floats, type: list<float64>}
      - {name: texts, type: list<string>}
      - {name: some_bytes, type: bytes}
      - {name: single, type: float32}
"""


def test_every_kind_of_value_is_compared_by_its_bits(place):
    place.sql("CREATE TABLE things (code bytea, at timestamptz, name text, happened timestamptz, floats float8[],"
              " texts text[], some_bytes bytea, single real)",
              "INSERT INTO things VALUES ('\\x007b7d', '1969-01-01T00:00Z', 'ä{}', now() - interval '1 hour',"
              " '{NaN,-0,Infinity,1}', '{a,\"\",ü}', '\\x00ff', 'NaN'),"
              " ('\\x01', '2020-01-01T00:00Z', repeat('long', 200), now() - interval '1 hour', NULL, NULL, NULL, 1),"
              " ('\\x', '2020-01-01T00:00Z', '', now() - interval '1 hour', '{}', '{}', '', '-0')")
    repository = place.repository({"features.yaml": EXOTIC})
    repository.do("apply")
    repository.do("materialize")
    view = repository.do("verify", "--json").json["views"][0]
    assert (view["equal"], view["keys"], view["long_keys"]) == (2, 2, 1)
    place.sql("UPDATE things SET floats = '{NaN,0,Infinity,1}', single = 1 WHERE some_bytes = '\\x00ff'",
              "UPDATE things SET texts = '{\"\"}' WHERE some_bytes = ''")
    view = repository.refused("verify", "--json", code=1).json["views"][0]
    assert differing(view) == {"floats": 1, "texts": 1, "single": 1}
    first = next(key for key in view["shown"] if key["keys"]["code"] != "\\x")
    assert first["keys"] == {"at": "1969-01-01T00:00:00.000000Z", "code": "\\x007b7d", "name": "ä{}"}
    assert first["values"][0] == {"feature": "floats", "lacking": False, "online": '["NaN",-0,"Infinity",1]',
                                  "history": '["NaN",0,"Infinity",1]'}


def test_a_misfit_stops_it(drivers):
    drivers.add(1)
    drivers.materialize()
    drivers.sql("INSERT INTO trips VALUES (2, now() - interval '1 hour', 'infinity', 1, 1)")
    assert "infinite time" in drivers.refused("verify", code=1).err
