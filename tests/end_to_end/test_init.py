"""test_init.py - larder init: what it writes works, as it says, and what its README tells is so.

Expected values are computed here from the committed files in examples/, without Larder.
"""
import bisect
import collections
import contextlib
import csv
import datetime
import itertools
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import services
from repository import READY_SECONDS, ROOT, Outcome, program

EXAMPLES = ROOT / "examples"
TIMES = {"hour_end", "last_departure", "known_since", "event_timestamp", "measured_at", "received_at"}
HOUR = 3600


def init(*arguments, **more):
    return Outcome(subprocess.run([program(), "init", *map(str, arguments)], text=True, capture_output=True,
                                  timeout=60, **more))


def refused(*arguments, code=2, **more):
    outcome = init(*arguments, **more)
    assert outcome.code == code and outcome.out == "", outcome
    return outcome.err


def instant(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def committed(template, name):
    return rows(EXAMPLES / template / name)


class World:
    """A template's repository, written and then used by the very commands that init printed."""

    def __init__(self, folder, template, stores, places):
        self.folder, self.parent, self.stores = folder / template, folder, stores
        kept = {name: value for name, value in os.environ.items() if name not in ("LARDER_POSTGRES", "LARDER_REDIS")}
        self.environment = {**kept, **places, "LARDER_GRPC": f"127.0.0.1:{services.free_port()}"}
        self.written = init(template, "--template", template, *self._option(), cwd=folder, env=self.environment)
        self.printed, self.printed_then = re.fullmatch(
            r".*What to do next:\n\n(.*)\nWhile it serves, in another shell, in the same folder:\n\n(.*)",
            self.written.out, re.S).groups()
        with self._serving():
            self.used = self._paste(self.printed_then)

    def _option(self):
        return [] if self.stores == "embedded" else ["--stores", self.stores]

    def _paste(self, commands):
        """Into a shell, whole."""
        return Outcome(subprocess.run(["bash", "-ec", commands], cwd=self.folder, env=self.environment, text=True,
                                      capture_output=True, timeout=120))

    @contextlib.contextmanager
    def _serving(self):
        """The first commands, into a shell of their own, whose last one goes on until Ctrl-C."""
        with open(self.parent / "said", "w") as said, \
                subprocess.Popen(["bash", "-ec", self.printed], cwd=self.parent, env=self.environment, stdout=said,
                                 stderr=said, stdin=subprocess.DEVNULL, start_new_session=True) as shell:
            try:
                wait_open(self.environment["LARDER_GRPC"], shell)
                yield
            finally:
                os.killpg(shell.pid, signal.SIGINT)
        self.said = (self.parent / "said").read_text()
        assert "stopped" in self.said, self.said

    def do(self, *arguments):
        outcome = Outcome(subprocess.run([program(), *arguments], cwd=self.folder, env=self.environment, text=True,
                                         capture_output=True, timeout=60))
        assert outcome.code == 0, outcome
        return outcome

    def training_set(self, *options, service):
        self.do("training-set", "--service", service, "--entities", "asks.csv", "--out", "again.csv", *options)
        return rows(self.folder / "again.csv")


def wait_open(address, server):
    host, port = address.split(":")
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        assert server.poll() is None and time.monotonic() < deadline, "serve does not open its port"
        time.sleep(0.02)


@pytest.fixture(scope="module", params=["embedded", "postgres-redis"])
def worlds(request, tmp_path_factory, postgres, redis):
    """worlds(template) is its world on these stores, the same one each time."""
    database = postgres.create_database()
    servers = {"LARDER_POSTGRES": postgres.url_of(database), "LARDER_REDIS": f"{redis.url}/{redis.empty_database()}"}
    made = {}

    def world(template):
        if template not in made:
            made[template] = World(tmp_path_factory.mktemp("init"), template, request.param,
                                   {} if request.param == "embedded" else servers)
        return made[template]

    yield world
    postgres.drop_database(database)


@pytest.fixture(params=["flights", "minimal"])
def world(request, worlds):
    return worlds(request.param)


@pytest.fixture(scope="module")
def flights(worlds):
    return worlds("flights")


@pytest.fixture(scope="module")
def minimal(worlds):
    return worlds("minimal")


# What is written -----------------------------------------------------------------------------------

def exchanged(settings):
    """The same settings with the other pair of stores in force."""
    settings = re.sub(r"^# (\w+_store: )", r"#! \1", settings, flags=re.M)
    settings = re.sub(r"^(\w+_store: )", r"# \1", settings, flags=re.M)
    return re.sub(r"^#! ", "", settings, flags=re.M)


def test_every_committed_file_is_written_and_nothing_else(world):
    template = EXAMPLES / world.folder.name
    wanted = {path.name for path in template.iterdir()} - {"make"}
    made = {"history.db", "online"} if world.stores == "embedded" else set()
    written = {path.name for path in world.folder.iterdir() if not path.name.endswith(".manifest.json")}
    assert written - {"again.csv"} == wanted | {"training.csv"} | made
    for path in [*world.folder.glob("*.yaml"), *world.folder.glob("*.md"), *world.folder.glob("*.py")]:
        text = (template / path.name).read_text()
        other = world.stores != "embedded" and path.name == "larder.yaml"
        assert path.read_text() == (exchanged(text) if other else text)


def test_git_leaves_out_what_was_made_of_what_was_written(world, tmp_path):
    git = ["git", f"--git-dir={tmp_path}/git", f"--work-tree={world.folder}"]
    subprocess.run([*git, "init", "-q"], check=True)
    taken = subprocess.run([*git, "add", "--dry-run", "--all"], check=True, capture_output=True, text=True).stdout
    made = {"training.csv.manifest.json", *(path.name for path in world.folder.glob("again.*"))}
    names = {line.split("'")[1] for line in taken.splitlines()}
    assert names - made == {path.name for path in (EXAMPLES / world.folder.name).iterdir()} - {"make"}
    assert "training.csv.manifest.json" in names and (world.folder / "training.csv").exists()


def test_each_template_has_both_pairs_of_stores():
    for path in EXAMPLES.glob("*/larder.yaml"):
        assert re.findall(r"^(# )?(\w+_store): {type: (\w+)", path.read_text(), re.M) == [
            ("", "offline_store", "sqlite"), ("", "online_store", "lmdb"),
            ("# ", "offline_store", "postgres"), ("# ", "online_store", "redis")]


def test_init_says_where_the_stores_are(world):
    """And of services that have to be there only where there are any."""
    said = world.written.out
    names = re.search(r"\n\n  history      (\S+)\n  newest rows  (\S+)\n\nWhat to do", said).groups()
    if world.stores == "embedded":
        assert names == ("history.db", "online/") and "have to be there" not in said
    else:
        assert names == (world.environment["LARDER_POSTGRES"], world.environment["LARDER_REDIS"])
        assert "Stores, which have to be there" in said


def test_all_times_are_moved_by_one_amount_and_nothing_else_changes(world):
    moved = set()
    for path in (EXAMPLES / world.folder.name).glob("*.csv"):
        for before, after in itertools.zip_longest(rows(path), rows(world.folder / path.name)):
            assert list(before) == list(after)
            for column in before:
                if column in TIMES:
                    moved.add(instant(after[column]) - instant(before[column]))
                else:
                    assert before[column] == after[column]
    assert len(moved) == 1, moved


def test_the_last_hour_that_every_source_covers_ends_now(flights):
    last = {name: max(instant(row["hour_end"]) for row in rows(flights.folder / name))
            for name in ("weather.csv", "carrier_hours.csv")}
    assert len(set(last.values())) == 1
    age = datetime.datetime.now().timestamp() - last["weather.csv"]
    assert 0 <= age < 600 and last["weather.csv"] % 60 == 0
    said = re.search(r"ended at (\S+?)Z\. All its\D+ moved by one\namount, (.+) days (\d+) h (\d+) min, so that it "
                     r"ended at (\S+?)Z: now", flights.written.out)
    assert instant(said[1] + "Z") == instant("2013-07-28T22:00:00Z")
    assert instant(said[5] + "Z") == last["weather.csv"]
    minutes = (int(said[2].replace(",", "")) * 24 + int(said[3])) * 60 + int(said[4])
    assert minutes * 60 == instant(said[5] + "Z") - instant(said[1] + "Z")


def test_no_row_of_the_history_is_of_the_future(flights):
    now = datetime.datetime.now().timestamp()
    for path in flights.folder.glob("*.csv"):
        for row in rows(path):
            assert all(instant(row[column]) <= now for column in TIMES & set(row)), (path.name, row)


def test_the_committed_files_stay_small():
    assert sum(path.stat().st_size for path in (EXAMPLES / "flights").iterdir()) < 4 * 1024 * 1024


def test_only_what_nobody_knows_is_empty_in_the_committed_files():
    """A mean delay of 0 is known. One aircraft in fifty has no year; pressure is missing now and then."""
    empty = {(name, column) for name in ("weather.csv", "carrier_hours.csv", "aircraft.csv", "asks.csv")
             for row in committed("flights", name) for column in row if row[column] == ""}
    assert empty == {("weather.csv", "pressure"), ("weather.csv", "wind"), ("aircraft.csv", "built"),
                     ("asks.csv", "other_origin")}


# What was printed works ----------------------------------------------------------------------------

def test_the_commands_that_init_prints_work_as_they_are_printed(world):
    assert world.written.code == 0 and world.used.code == 0, world.used
    assert "NOT_FOUND within ttl" in world.used.err and "current to" in world.used.out
    assert len(rows(world.folder / "training.csv")) == len(committed(world.folder.name, "asks.csv"))


def test_init_prints_the_commands_of_a_first_day(flights):
    commands = [line for line in flights.printed.splitlines() if "PATH=" not in line]
    assert commands == ["  cd flights", "  larder load --source aircraft aircraft.csv",
                        "  larder load --source carrier_hours carrier_hours.csv",
                        "  larder load --source weather weather.csv",
                        "  larder apply && larder materialize && larder serve"]
    assert [line.split()[1] for line in flights.printed_then.splitlines() if line.startswith("  larder ")] == [
        "get", "training-set", "status"]


def test_the_readme_shows_the_commands_that_init_prints(world):
    template = world.folder.name
    shown = re.findall(r"```sh\n(.*?)```", (EXAMPLES / template / "README.md").read_text(), re.S)
    printed = [re.sub(r"^  ", "", text, flags=re.M) for text in (world.printed, world.printed_then)]
    assert printed[0].endswith(f"cd {template}\n{shown[0]}") and printed[1].endswith(shown[1]) and len(shown) == 2


def test_json_says_what_was_written_and_what_to_do_next(tmp_path):
    said = init("here", "--template", "minimal", "--json", cwd=tmp_path).json
    assert said["directory"] == "here" and said["template"] == "minimal" and said["stores"] == "embedded"
    assert {each["name"]: each.get("rows") for each in said["files"]} == {
        "README.md": None, "larder.yaml": None, "sensors.yaml": None, "readings.csv": 11, "asks.csv": 6, ".gitignore": None}
    assert instant(said["data_ends_now"]) - instant(said["data_ended"]) == said["moved_seconds"]
    assert "larder load --source readings readings.csv" in said["next"]
    assert said["next"][-1] == "larder apply && larder materialize && larder serve"
    assert "larder get --service failure_model --entity sensor_id=2" in said["while_serving"]


def test_a_repository_of_embedded_stores_goes_over_to_servers(tmp_path, place):
    """As its settings say: exchange the marks, then load, apply and materialize again."""
    init("here", "--template", "minimal", cwd=tmp_path)
    environment = {**os.environ, "LARDER_POSTGRES": place.postgres_url, "LARDER_REDIS": place.redis_url}
    settings = tmp_path / "here" / "larder.yaml"
    said = []
    for text in (settings.read_text(), exchanged(settings.read_text())):
        settings.write_text(text)
        outcome = Outcome(subprocess.run(
            ["bash", "-ec", f"for words in 'load --source readings readings.csv' apply materialize; do {program()} $words; done"],
            cwd=tmp_path / "here", env=environment, text=True, capture_output=True))
        assert outcome.code == 0, outcome
        said.append(re.findall(r"11 rows into|version 1|first run +\d+ +\d+ +\d+", outcome.said))
    assert len(said[0]) == 3 and said[0] == said[1]


# The values are right ------------------------------------------------------------------------------

class History:
    """A source's rows of the committed file, by key."""

    def __init__(self, name, keys, event, created, ttl=None):
        self.keys, self.event, self.created, self.ttl = keys, event, created, ttl
        self.rows = collections.defaultdict(list)
        for row in committed("flights", name):
            self.rows[tuple(row[key] for key in keys)].append((instant(row[event]), instant(row[created]), row))
        for each in self.rows.values():
            each.sort(key=lambda row: row[:2])

    def at(self, key, time, known=True):
        """The latest row at that time that was known then; {} if there is none."""
        found = self.rows.get(key, [])
        for event, created, row in reversed(found[:bisect.bisect_right(found, time, key=lambda row: row[0])]):
            if self.ttl and event < time - self.ttl:
                break
            if not known or created <= time:
                return row
        return {}


def same(text, expected):
    return text == expected or text != "" and expected != "" and float(text) == float(expected)


def delay_model(weather, hours, aircraft, ask, time, known):
    origin, carrier = ask["origin"], ask["carrier"]
    here = hours.at((origin, carrier), time, known)
    elsewhere = hours.at((ask["other_origin"], carrier), time, known)
    reading, facts = weather.at((origin,), time, known), aircraft.at((ask["tailnum"],), time, known)
    return {**{name: reading.get(name, "") for name in ("temperature", "wind", "visibility", "precipitation",
                                                       "pressure")},
            **{name: here.get(name, "") for name in ("mean_delay", "late_departures")},
            "elsewhere__mean_delay": elsewhere.get("mean_delay", ""),
            **{name: facts.get(name, "") for name in ("built", "seats")}}


@pytest.fixture(scope="module")
def histories():
    return (History("weather.csv", ["origin"], "hour_end", "hour_end", 6 * HOUR),
            History("carrier_hours.csv", ["origin", "carrier"], "hour_end", "last_departure", 6 * HOUR),
            History("aircraft.csv", ["tailnum"], "known_since", "known_since"))


@pytest.fixture(scope="module")
def training_sets(flights):
    return {known: flights.training_set(*["--as-known"] * known, service="delay_model") for known in (True, False)}


@pytest.mark.parametrize("known", [True, False], ids=["as known", "by event time alone"])
def test_training_values_are_those_computed_from_the_committed_files(known, training_sets, histories):
    asks = committed("flights", "asks.csv")
    assert len(asks) == len(training_sets[known]) == 10_000
    for ask, row in zip(asks, training_sets[known]):
        for name, value in delay_model(*histories, ask, instant(ask["event_timestamp"]), known).items():
            assert same(row[name], value), (ask, name, row[name], value)


def test_the_server_answers_with_the_newest_rows_of_the_committed_files(flights, histories):
    keys, end = dict(origin="EWR", carrier="US", other_origin="LGA", tailnum="N647AW"), instant("2013-07-28T22:00:00Z")
    expected = delay_model(*histories, keys, end, True)
    assert f"--entity {','.join(f'{name}={value}' for name, value in keys.items())}\n" in flights.printed_then
    shown = dict(re.findall(r"^  (\w+) +(\S+) +(?:PRESENT|NULL_VALUE) ", flights.used.out, re.M))
    assert shown.keys() == expected.keys() and shown["pressure"] == "-" and expected["pressure"] == ""
    assert all(same(shown[name], value) for name, value in expected.items() if name != "pressure")


def test_each_status_that_the_readme_names_is_met(flights):
    said = (EXAMPLES / "flights" / "README.md").read_text()
    with open(flights.parent / "log", "w") as log, \
            subprocess.Popen([program(), "serve"], cwd=flights.folder, env=flights.environment, stderr=log) as server:
        try:
            wait_open(flights.environment["LARDER_GRPC"], server)
            answer = flights.do("get", "--service", "delay_model", "--json",
                                "--entity", "origin=EWR,carrier=US,other_origin=LGA,tailnum=N3GDAA",
                                "--entity", "origin=JFK,carrier=HA,other_origin=LGA,tailnum=N647AW").json["entities"]
        finally:
            server.terminate()
    assert "`tailnum=N3GDAA` is NOT_FOUND" in said and answer[0]["features"]["built"]["status"] == "NOT_FOUND"
    assert "`pressure` at EWR is NULL_VALUE" in said and answer[0]["features"]["pressure"]["status"] == "NULL_VALUE"
    assert "`origin=JFK,carrier=HA` is OUTSIDE_MAX_AGE" in said
    assert answer[1]["features"]["mean_delay"]["status"] == "OUTSIDE_MAX_AGE"


# What the README tells -----------------------------------------------------------------------------

def pairs_told_apart(values):
    """Of 100 pairs of a late and a punctual flight, those in which the late one has the greater value."""
    punctual = sorted(value for value, late in values if not late)
    won = sum(bisect.bisect_left(punctual, value) + bisect.bisect_right(punctual, value)
              for value, late in values if late) / 2
    return 100 * won / (len(punctual) * (len(values) - len(punctual)))


def test_the_figures_in_the_readme_are_those_of_the_data(training_sets):
    said = " ".join((EXAMPLES / "flights" / "README.md").read_text().split())
    known, naive = training_sets[True], training_sets[False]
    differ = {name: sum(a[name] != b[name] for a, b in zip(known, naive))
              for name in ("mean_delay", "late_departures", "elsewhere__mean_delay")}
    assert sum(differ.values()) == sum(a[name] != b[name] for a, b in zip(known, naive) for name in a)
    assert (f"Without it {differ['mean_delay']:,} rows get another `mean_delay`, {differ['late_departures']:,} another "
            f"`late_departures`, and {differ['elsewhere__mean_delay']:,} another `elsewhere__mean_delay`: "
            f"{sum(differ.values()):,} values") in said
    both = [(float(a["mean_delay"]), float(b["mean_delay"]), a["late"] == "true")
            for a, b in zip(known, naive) if a["mean_delay"] and b["mean_delay"]]
    means = [sum(row[side] for row in both) / len(both) for side in (0, 1)]
    told = [pairs_told_apart([(row[side], row[2]) for row in both]) for side in (0, 1)]
    assert f"the {len(both):,} rows that have both | {means[0]:.1f} minutes | {means[1]:.1f} minutes |" in said
    assert f"with a punctual one | {told[0]:.1f} | {told[1]:.1f} |" in said


def test_the_second_use_of_carrier_delays_is_worth_what_the_readme_says(training_sets):
    said = " ".join((EXAMPLES / "flights" / "README.md").read_text().split())
    both = [(float(row["mean_delay"]), float(row["elsewhere__mean_delay"]), row["late"] == "true")
            for row in training_sets[True] if row["mean_delay"] and row["elsewhere__mean_delay"]]
    here = pairs_told_apart([(a, late) for a, _, late in both])
    total = pairs_told_apart([(a + b, late) for a, b, late in both])
    assert f"greater for the late one in {here:.1f}; the sum of both means is so in {total:.1f}" in said


def test_the_minimal_training_set_is_what_its_readme_says(minimal):
    rows_of = {known: [row["temperature"] for row in minimal.training_set(*["--as-known"] * known,
                                                                          service="failure_model")]
               for known in (True, False)}
    assert rows_of[True] == ["18.25", "20", "21", "33", "", "34.5"]
    assert rows_of[False] == ["18.25", "20", "29.5", "33", "", "34.5"]


# What is refused -----------------------------------------------------------------------------------

def test_a_folder_that_is_not_empty_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / ".hidden").write_text("x")
    assert refused("mine", cwd=tmp_path) == "larder: mine is not empty: name a folder that is not there yet\n"
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", ".hidden"]


def test_a_file_and_a_missing_parent_are_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    assert "file is a file: name a folder" in refused("file", cwd=tmp_path)
    assert "make the folder that it stands in first" in refused("no/such/folder", cwd=tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


@pytest.mark.parametrize("name, said", [
    ("flihgts", 'no template is called "flihgts": did you mean "flights"?'),
    ("weather", 'no template is called "weather": there are flights, minimal'),
    ("../flights", 'no template is called "../flights": did you mean "flights"?')])
def test_an_unknown_template_is_refused_with_those_there_are(name, said, tmp_path):
    assert refused("here", "--template", name, cwd=tmp_path) == f"larder: {said}\n"
    assert list(tmp_path.iterdir()) == []


def test_unknown_stores_are_refused_with_those_there_are(tmp_path):
    said = refused("here", "--stores", "redis", cwd=tmp_path)
    assert said == "larder: there are no stores redis; there are: embedded, postgres-redis\n"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_where_git_has_begun_is_filled(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert init(".", "--template", "minimal", cwd=tmp_path).code == 0
    assert (tmp_path / "larder.yaml").exists() and (tmp_path / ".git").is_dir()


def test_an_empty_folder_is_filled_where_somebody_stands(tmp_path):
    assert init(".", cwd=tmp_path).code == 0
    assert (tmp_path / "README.md").exists() and not list(tmp_path.glob("*init-*"))


def test_a_name_that_a_shell_would_take_apart_is_quoted(tmp_path):
    said = init("Ann's first", "--template", "minimal", cwd=tmp_path).out
    command = re.search(r"^  (cd .*)$", said, re.M)[1]
    assert subprocess.check_output(["bash", "-c", f"{command}; pwd"], cwd=tmp_path, text=True).endswith(
        "/Ann's first\n")


def without_room():
    """No file may have more than 300 KB, as on a disk that becomes full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


@pytest.mark.parametrize("there_already", [True, False], ids=["an empty folder", "no folder"])
def test_a_failure_half_way_leaves_nothing_behind(there_already, tmp_path):
    if there_already:
        (tmp_path / "here").mkdir()
    said = refused("here", cwd=tmp_path, code=1, preexec_fn=without_room)
    assert re.fullmatch(r"larder: cannot write here/carrier_hours.csv: File too large\n", said), said
    assert list(tmp_path.rglob("*")) == [tmp_path / "here"] * there_already


def test_the_stripped_program_is_small(tmp_path):
    subprocess.run(["strip", "-s", "-o", tmp_path / "larder", Path(program()).resolve()], check=True)
    cache = (Path(program()).resolve().parent / "CMakeCache.txt").read_text()
    if "LARDER_SANITIZE:STRING=\n" not in cache or "CMAKE_BUILD_TYPE:STRING=Release" not in cache:
        pytest.skip("that is promised of a release")
    assert (tmp_path / "larder").stat().st_size <= 4 << 20


def test_an_installed_program_finds_its_templates_wherever_its_prefix_is_moved(tmp_path):
    subprocess.run(["cmake", "--install", os.environ.get("LARDER_BUILD") or Path(program()).parent, "--prefix",
                    tmp_path / "first"], check=True, stdout=subprocess.DEVNULL)
    shutil.move(tmp_path / "first", tmp_path / "second")
    subprocess.run([tmp_path / "second/bin/larder", "init", "here"], cwd=tmp_path, check=True,
                   stdout=subprocess.DEVNULL)
    installed = tmp_path / "second/share/larder/examples"
    assert {path.name for path in installed.rglob("*") if path.suffix == ""} == {"flights", "minimal", ".gitignore"}
    os.rename(installed, tmp_path / "elsewhere")
    outcome = Outcome(subprocess.run([tmp_path / "second/bin/larder", "init", "there"], cwd=tmp_path, text=True,
                                     capture_output=True))
    assert outcome.code == 2 and "no templates are installed" in outcome.err, outcome
