"""test_terminal.py - what a person sees: colours, widths, progress; and that programs see none of it."""
import re

import pytest

from drivers import DEFINITIONS
from terminal import columns_of, on_terminal


def test_a_terminal_gets_colours_and_a_pipe_does_not(unapplied_drivers):
    assert on_terminal(unapplied_drivers.repository, "plan").painted
    assert "\x1b" not in unapplied_drivers.do("plan").said


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""},
                                       {"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}])
def test_colours_can_be_declined(unapplied_drivers, variables):
    shown = on_terminal(unapplied_drivers.repository, "plan", environment=variables)
    assert not shown.painted and "+ feature view driver_stats" in shown.text


def test_an_empty_variable_declines_nothing(unapplied_drivers):
    assert on_terminal(unapplied_drivers.repository, "plan", environment={"NO_COLOR": "", "CLICOLOR_FORCE": ""}).painted


def test_colours_can_be_forced_on_a_pipe(unapplied_drivers):
    assert "\x1b[32m+ entity driver\x1b[0m" in unapplied_drivers.do("plan", environment={"CLICOLOR_FORCE": "1"}).out
    assert "\x1b" not in unapplied_drivers.do("plan", environment={"CLICOLOR_FORCE": "0"}).out


def test_a_difference_is_painted_by_its_signs(drivers):
    drivers.define(("{name: rating, type: float64}", "{name: tips, type: int64}"), ("dispatch", "sending"))
    shown = on_terminal(drivers.repository, "plan")
    for code, words in (("33", "~ feature view driver_stats"), ("31", "- feature rating float64"),
                        ("32", "+ feature tips int64"), ("31", "- feature service dispatch"),
                        ("32", "+ feature service sending")):
        assert f"\x1b[{code}m{words}\x1b[0m" in shown.raw


@pytest.mark.parametrize("columns", [80, 60, 200])
def test_messages_are_wrapped_at_words_within_80_columns(unapplied_drivers, columns):
    unapplied_drivers.define(("name: rating", "name: Rating"), ("ttl: 6h", "ttl: six hours or so"), ("[driver]", "[river]"))
    shown = on_terminal(unapplied_drivers.repository, "validate", columns=columns)
    assert all(columns_of(line) <= min(columns, 80) for line in shown.text.splitlines()), shown
    unwrapped = re.sub(r"\n  (?! |\d+ \|)", " ", shown.text)
    assert unwrapped == unapplied_drivers.refused("validate").err and unwrapped != shown.text


def test_a_word_that_is_too_long_stays_whole(unapplied_drivers):
    name = "x" * 70
    assert name in on_terminal(unapplied_drivers.repository, "load", "--source", name, "a.csv", columns=60).text


def test_values_are_cut_to_the_terminal_and_whole_in_a_pipe(drivers):
    drivers.sql("ALTER TABLE trips ADD note text")
    drivers.define(("{name: rating, type: float64}", "{name: note, type: string}"))
    drivers.do("apply", environment={})
    text = "東京 " * 40 + "end"
    drivers.sql(f"INSERT INTO trips (driver_id, happened, note) VALUES (1, now(), '{text}')")
    drivers.materialize()
    ask = ["get", "--service", "dispatch", "--entity", "driver_id=1"]
    with drivers.repository.serving():
        shown = on_terminal(drivers.repository, *ask)
        widths = [columns_of(line) for line in shown.text.splitlines()]
        assert max(widths) in (79, 80) and "…" in shown.text and "end" not in shown.text, shown
        assert text in on_terminal(drivers.repository, *ask, columns=300).text
        assert text in drivers.do(*ask).out


def test_columns_of_wide_characters_are_aligned(unapplied_drivers):
    wide = DEFINITIONS.replace("{name: trip_count, type: int64}", "{name: trip_count, type: int64, description: 東京の数}")
    unapplied_drivers.repository.write("features.yaml", wide)
    unapplied_drivers.do("apply")
    assert "trip_count  int64    東京の数\n" in on_terminal(unapplied_drivers.repository, "describe", "driver_stats").text


def test_a_narrow_terminal_gets_narrow_tables(drivers):
    for command in ("status", "list"):
        shown = on_terminal(drivers.repository, command, columns=50)
        assert all(columns_of(line) <= 50 for line in shown.text.splitlines()), shown


def test_progress_is_written_over_and_gone_at_the_end(unapplied_drivers):
    rows = "".join(f"{i},2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,{i},0.5\n" for i in range(4000))
    unapplied_drivers.repository.write("trips.csv", "driver_id,happened,recorded,trip_count,rating\n" + rows)
    shown = on_terminal(unapplied_drivers.repository, "load", "--source", "trips", "trips.csv")
    assert re.search(r"\r\x1b\[Ktrips: 1,000 rows, \d+ %", shown.raw)
    assert re.fullmatch(r"4,000 rows into trips in [\d.]+ s\n", shown.text), shown
    assert "\x1b" not in unapplied_drivers.do("load", "--source", "trips", "trips.csv").said


def test_a_database_that_takes_its_time_is_seen_to_work(drivers):
    drivers.add(1)
    drivers.define(("    table: trips\n", "    query: SELECT trips.* FROM trips, (SELECT pg_sleep(3)) AS s\n"))
    drivers.do("apply")
    drivers.repository.write("ask.csv", f"driver_id,event_timestamp\n1,{drivers.time()}\n")
    shown = on_terminal(drivers.repository, "training-set", "--service", "dispatch", "--entities", "ask.csv",
                        "--out", "out.csv")
    assert " s so far\r" in shown.raw and "so far" not in shown.text and "1 row in" in shown.text


def test_progress_is_gone_before_rows_stand_on_the_same_terminal(drivers):
    drivers.add(1)
    drivers.repository.write("ask.csv", "driver_id,event_timestamp\n" + f"1,{drivers.time()}\n" * 20_000)
    shown = on_terminal(drivers.repository, "training-set", "--service", "dispatch", "--entities", "ask.csv", "--out", "-")
    lines = shown.text.splitlines()
    assert "the database is joining" in shown.raw and "writing" not in shown.raw
    assert lines[0] == "driver_id,event_timestamp,trip_count,rating" and lines[20_001].startswith("20,000 rows in "), shown


def test_reasons_are_wrapped_and_not_cut(drivers):
    drivers.repository.write("ask.csv", f"driver_id,event_timestamp\n1,{drivers.time()}\n")
    shown = on_terminal(drivers.repository, "training-set", "--service", "dispatch", "--entities", "ask.csv", "--explain")
    assert "…" not in shown.text and all(columns_of(line) <= 80 for line in shown.text.splitlines()), shown


def test_teardown_asks_on_a_terminal_and_takes_no_for_an_answer(drivers):
    shown = on_terminal(drivers.repository, "teardown", typed="no\n")
    assert shown.code == 1 and "nothing was removed" in shown.text
    drivers.do("status")
    assert on_terminal(drivers.repository, "teardown", typed="\x04").text.endswith(": \nlarder: nothing was removed\n")
    assert on_terminal(drivers.repository, "teardown", typed="demo\n").code == 0
    drivers.refused("status", code=1)
