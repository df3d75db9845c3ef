"""test_training_set.py - one row in, one row out, and what each option adds."""
import re
import subprocess

import pytest

import compare
from drivers import TRAINING_SET
from repository import program


@pytest.fixture
def history(drivers):
    """Three trips of driver 1 at 10, 11 and 12 o'clock; the one at 11 was corrected at 18 o'clock."""
    drivers.sql("""INSERT INTO trips VALUES
        (1, '2024-05-01 10:00Z', '2024-05-01 10:01Z', 10, 1.0), (1, '2024-05-01 11:00Z', '2024-05-01 11:01Z', 11, NULL),
        (1, '2024-05-01 12:00Z', '2024-05-01 12:01Z', 12, 3.0), (1, '2024-05-01 11:00Z', '2024-05-01 18:00Z', 111, 1.1),
        (1, '2024-05-01 12:30Z', NULL, 1230, 12.3)""")
    return drivers


def make(drivers, asks, *options, service=True):
    """The answer as a list of rows by column name."""
    drivers.repository.write("ask.csv", asks)
    drivers.do(*(TRAINING_SET if service else ["training-set", *TRAINING_SET[3:]]), *options)
    header, *rows = compare.read(drivers.repository.path("out.csv"))
    assert all(len(row) == len(header) for row in rows)
    return [dict(zip(header, row)) for row in rows]


def at(*clocks, driver=1):
    return "driver_id,event_timestamp\n" + "".join(f"{driver},2024-05-01T{clock}Z\n" for clock in clocks)


def counts(rows):
    return [row["trip_count"] for row in rows]


def test_rows_come_back_in_their_order_with_their_other_columns(history):
    asks = ('note,event_timestamp,driver_id,empty\n"second, quoted",2024-05-01T12:10:00Z,1,\n'
            'first,2024-05-01 12:10:00+02:00,1,""\nagain,2024-05-01T12:10:00Z,1,x\nnobody,2024-05-01T12:10:00Z,7,\n'
            "null,2024-05-01T12:10:00Z,,\n")
    rows = make(history, asks)
    assert [row["note"] for row in rows] == ["second, quoted", "first", "again", "nobody", "null"]
    assert [row["empty"] for row in rows] == [None, "", "x", None, None]
    assert counts(rows) == ["12", "10", "12", None, None]
    assert rows[4]["driver_id"] is None


def test_both_edges_of_the_ttl_count(history):
    rows = make(history, at("09:59:59.999999", "10:00:00", "18:30:00", "18:30:00.000001"))
    assert counts(rows) == [None, "10", "1230", None]


def test_later_corrections_count_unless_known_is_asked_for(history):
    asks = at("11:30:00", "17:00:00", "18:00:00", "12:01:00", "12:00:30")
    assert counts(make(history, asks)) == ["111", "1230", "1230", "12", "12"]
    assert counts(make(history, asks, "--as-known")) == ["11", "12", "12", "12", "11"]


def test_the_summary_says_how_many_values_were_recorded_later(history):
    history.repository.write("ask.csv", at("11:30:00", "12:05:00"))
    outcome = history.do(*TRAINING_SET, "--json").json
    assert outcome["rows"] == 2 and outcome["recorded_later"] == 2


def test_as_of_sees_only_what_was_recorded_by_then(history):
    assert counts(make(history, at("11:30:00", "17:00:00"), "--as-of", "2024-05-01T12:00:00Z")) == ["11", "11"]


def test_as_of_gives_the_same_bytes_after_more_was_recorded(history):
    options = ["--as-of", "2024-05-02T00:00:00Z"]
    make(history, at("11:30:00", "17:00:00"), *options)
    before = history.repository.path("out.csv").read_bytes()
    history.sql("INSERT INTO trips VALUES (1, '2024-05-01 11:15Z', '2024-05-02 00:00:00.000001Z', 99, 9)")
    make(history, at("11:30:00", "17:00:00"), *options)
    assert history.repository.path("out.csv").read_bytes() == before


@pytest.mark.parametrize("options", [["--as-known"], ["--as-of", "2024-05-02T00:00:00Z"]])
def test_without_a_created_time_known_and_of_are_refused(history, options):
    history.define(("    created_time: recorded\n", ""))
    history.do("apply")
    history.repository.write("ask.csv", at("11:30:00"))
    outcome = history.refused(*TRAINING_SET, *options)
    assert "trips" in outcome.err and "created_time" in outcome.err


def test_an_as_of_within_lookback_is_refused(history):
    history.repository.write("ask.csv", at("11:30:00"))
    history.refused(*TRAINING_SET, "--as-of", history.time("30 minutes"))


def test_statuses_say_why_a_value_is_missing(history):
    rows = make(history, at("09:00:00", "11:30:00", "12:15:00", "18:30:01"), "--with-status", "--as-known")
    assert [row["rating__status"] for row in rows] == ["NOT_FOUND", "NULL_VALUE", "PRESENT", "OUTSIDE_MAX_AGE"]
    assert compare.instant(rows[1]["rating__event_time"]) == compare.instant("2024-05-01T11:00:00Z")
    assert rows[0]["rating__event_time"] is None


@pytest.mark.parametrize("asked, options, said", [
    ("11:30:00", ["--as-of", "2013-01-01"],
     "hint: all history of driver_stats was recorded after 2013-01-01, which --as-of leaves out\n"),
    ("10:00:00", ["--as-known"], "after the rows ask, which --as-known leaves out\n"),
    ("09:00:00", [], "hint: all history of driver_stats is later than the rows ask: it begins at 2024-05-01T1"),
    ("23:59:00", [], "hint: all history of driver_stats is too old for the rows that ask: it ends at 2024-05-01T1"),
])
def test_the_summary_says_why_nothing_was_found(history, asked, options, said):
    history.repository.write("ask.csv", at(asked))
    assert said in history.do(*TRAINING_SET, *options).err


def test_a_key_that_nobody_knows_is_no_fault_of_the_history(history):
    history.repository.write("ask.csv", "driver_id,event_timestamp\n99,2024-05-01T11:30:00Z\n")
    assert "hint" not in history.do(*TRAINING_SET).err


def test_an_empty_source_is_named(history):
    history.sql("DELETE FROM trips")
    history.repository.write("ask.csv", at("11:30:00"))
    assert "hint: the source of driver_stats has no rows\n" in history.do(*TRAINING_SET).err


def test_features_may_be_listed(history):
    rows = make(history, at("12:10:00"), "--features", "driver_stats:rating", service=False)
    assert list(rows[0]) == ["driver_id", "event_timestamp", "rating"]
    rows = make(history, at("12:10:00"), "--features", "driver_stats:rating", "--full-names", service=False)
    assert rows[0]["driver_stats__rating"] is not None


@pytest.mark.parametrize("options, word", [
    (["--service", "dispatc"], "did you mean"),
    (["--features", "driver_stats:ratin"], "did you mean"),
    (["--features", "driver_stat:rating"], "did you mean"),
    (["--features", "rating"], "lacks its view"),
    (["--features", "driver_stats:rating,driver_stats:rating"], "rating"),
    (["--service", "dispatch", "--features", "driver_stats:rating"], "--features"),
    ([], "--service"),
])
def test_a_wrong_selection_is_refused(history, options, word):
    history.repository.write("ask.csv", at("11:30:00"))
    outcome = history.refused("training-set", *options, "--entities", "ask.csv", "--out", "o.csv")
    assert word in outcome.err.lower(), outcome


def test_a_view_may_be_used_twice_under_other_keys(history):
    rival = "{view: driver_stats, features: [rating], as: rival, keys: {driver_id: rival_id}}"
    history.define(("features: [driver_stats]", f"features: [driver_stats, {rival}]"))
    history.do("apply")
    history.sql("INSERT INTO trips VALUES (2, '2024-05-01 10:00Z', '2024-05-01 10:00Z', 20, 2.0)")
    rows = make(history, "driver_id,rival_id,event_timestamp\n1,2,2024-05-01T10:30:00Z\n2,1,2024-05-01T10:30:00Z\n")
    assert [(float(row["rating"]), float(row["rival__rating"])) for row in rows] == [(1, 2), (2, 1)]


def test_two_keys_are_never_mixed_up(place):
    """(1,12) is not (11,2), in training as online."""
    place.sql("CREATE TABLE pairs (a bigint, b bigint, at timestamptz, v bigint)",
              "INSERT INTO pairs VALUES (1, 12, '2024-01-01Z', 112), (11, 2, '2024-01-01Z', 113)")
    repository = place.repository({"features.yaml": """\
entities: [{name: pair, join_keys: {a: int64, b: int64}}]
sources: [{name: pairs, table: pairs, event_time: at}]
feature_views: [{name: vs, entities: [pair], source: pairs, features: [{name: v, type: int64}]}]
feature_services: [{name: s, features: [vs]}]
"""})
    repository.do("apply")
    repository.write("ask.csv", "b,a,event_timestamp\n12,1,2024-02-01\n2,11,2024-02-01\n1,12,2024-02-01\n")
    repository.do("training-set", "--service", "s", "--entities", "ask.csv", "--out", "out.csv")
    assert [row[-1] for row in compare.read(repository.path("out.csv"))[1:]] == ["112", "113", None]


def test_an_empty_list_of_asks_gives_a_header(history):
    assert make(history, "driver_id,event_timestamp\n") == []
    header = history.repository.path("out.csv").read_text()
    assert header == "driver_id,event_timestamp,trip_count,rating\n"


def test_an_owners_tables_are_left_as_they_were(history):
    def everything():
        return history.sql("SELECT schemaname, relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables "
                           "WHERE schemaname <> 'larder' ORDER BY 1, 2", "SELECT xmin, ctid, * FROM trips ORDER BY 2")
    history.sql("SELECT pg_stat_force_next_flush()")
    before = everything()
    make(history, at("11:30:00", "17:00:00"))
    history.materialize()
    assert everything() == before


def test_a_misfit_stops_a_training_set_or_reads_as_null(history):
    history.sql("ALTER TABLE trips ADD odd numeric", "UPDATE trips SET odd = '1e400' WHERE trip_count = 12")
    feature = ("{name: rating, type: float64}", "{name: rating, type: float64}\n      - {name: odd, type: float64}")
    history.define(feature)
    history.do("apply")
    history.repository.write("ask.csv", at("12:10:00"))
    outcome = history.refused(*TRAINING_SET, code=(1, 2))
    assert "trips" in outcome.err and "odd" in outcome.err and not history.repository.path("out.csv").exists()
    history.define(feature, ("    created_time: recorded\n", "    created_time: recorded\n    misfits: as_null\n"))
    history.do("apply")
    history.repository.write("ask.csv", at("12:10:00"))
    said = history.do(*TRAINING_SET, "--json").json
    assert said["misfits"] == 1
    assert make(history, at("12:10:00"))[0]["odd"] is None


def test_rows_without_a_time_or_a_key_are_left_out_and_counted(history):
    history.sql("INSERT INTO trips VALUES (1, NULL, now(), 1, 1), (NULL, '2024-05-01 12:05Z', now(), 2, 2), "
                "(1, '-infinity', now(), 3, 3), (1, 'infinity', now(), 4, 4)")
    assert counts(make(history, at("12:10:00"))) == ["12"]
    said = history.do(*TRAINING_SET, "--json").json
    assert said["left_out"] == 4


def test_a_column_that_the_answer_has_too_is_refused_before_the_join(history):
    history.sql("DROP TABLE trips")
    history.repository.write("ask.csv", "driver_id,event_timestamp,rating\n1,2024-05-01T12:10:00Z,5\n")
    err = history.refused(*TRAINING_SET, code=1).err
    assert "column rating: the answer has one of that name" in err and not history.repository.path("out.csv").exists()


def test_the_summary_counts_only_what_was_looked_for(history):
    history.repository.write("ask.csv", at("19:00:00"))
    call = ("training-set", "--service", "dispatch", "--entities", "ask.csv", "--out", "out.csv")
    told, without = history.do(*call, "--with-status"), history.do(*call)
    assert re.search(r"OUTSIDE_MAX_AGE +2$", told.err, re.M) and re.search(r"NOT_FOUND +0$", told.err, re.M)
    assert re.search(r"NOT_FOUND within ttl +2$", without.err, re.M) and "OUTSIDE" not in without.err
    assert history.do(*call, "--json").json["values"]["OUTSIDE_MAX_AGE"] is None


def test_a_linked_output_stays_a_link(history):
    make(history, at("12:10:00"))
    expected = history.repository.path("out.csv").read_bytes()
    folder = history.repository.folder
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "real.csv").write_text("old")
    (folder / "link.csv").symlink_to("elsewhere/real.csv")
    history.do(*TRAINING_SET[:-1], "link.csv")
    assert (folder / "link.csv").is_symlink()
    assert (folder / "elsewhere" / "real.csv").read_bytes() == expected
    assert [path.name for path in (folder / "elsewhere").iterdir()] == ["real.csv"]


def test_standard_output_takes_the_training_set(history):
    make(history, at("12:10:00"))
    expected = history.repository.path("out.csv").read_text()
    for name in ("-", "/dev/stdout"):
        outcome = history.do(*TRAINING_SET[:-1], name)
        assert outcome.out == expected and "1 row in" in outcome.err and "standard output" in outcome.err
        collected = history.repository.write("collected.csv", "before\n")
        with open(collected, "a") as file:
            code = subprocess.run([program(), *TRAINING_SET[:-1], name], cwd=history.repository.folder, stdout=file,
                                  stderr=subprocess.DEVNULL).returncode
        assert code == 0 and collected.read_text() == "before\n" + expected
        assert "--json" in history.refused(*TRAINING_SET[:-1], name, "--json").err
    assert not history.repository.path("-").exists()
