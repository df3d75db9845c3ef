"""test_demo.py - scripts/demo, on the program that is tested: what it shows, and what it leaves behind."""
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from repository import ROOT, program

SANITIZERS = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
ENVIRONMENT = {**os.environ, "LARDER_BUILD": str(Path(program()).resolve().parent), "NO_COLOR": "1"}
BOTH = pytest.mark.parametrize("options", [(), ("--postgres-redis",)], ids=["embedded", "postgres-redis"])
COMMANDS = ["larder init flights", "cd flights", "larder validate", "larder load --source weather weather.csv",
            "larder load --source carrier_hours carrier_hours.csv", "larder load --source aircraft aircraft.csv",
            "larder plan", "larder apply", "larder training-set --service delay_model", "head -n 6 training.csv",
            "larder training-set --service delay_model", "larder materialize", "larder serve", "larder get",
            "larder status"]


def demo(*arguments, folder="/", temporary="/tmp"):
    return subprocess.run([ROOT / "scripts" / "demo", *arguments], cwd=folder, env={**ENVIRONMENT, "TMPDIR": str(temporary)},
                          text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=170)


def is_open(address):
    host, port = re.search(r"([\d.]+):(\d+)", address).groups()
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


def variables(said):
    return dict(re.findall(r"export (LARDER_\w+)=(\S+)", said))


@pytest.fixture(scope="module", params=[(), ("--postgres-redis",)], ids=["embedded", "postgres-redis"])
def shown(request, tmp_path_factory):
    temporary = tmp_path_factory.mktemp("ann's demo")
    outcome = demo(*request.param, temporary=temporary)
    assert outcome.returncode == 0 and outcome.stderr == "", outcome
    assert list(temporary.iterdir()) == [], "it leaves files"
    return outcome.stdout


def test_the_demo_goes_from_an_empty_folder_to_an_answer(shown):
    commands = [line[2:] for line in shown.splitlines() if re.match(r"\$ (?!export|cd .*/)", line)]
    assert len(commands) == len(COMMANDS)
    assert all(command.startswith(start) for command, start in zip(commands, COMMANDS)), commands


def test_the_demo_shows_real_output_of_each_step(shown):
    assert "10,000 rows that ask for a training set" in shown
    assert re.search(r"^flight,carrier,late,.*\nDL315,DL,", shown, re.M)
    assert "values recorded after their row's time" in shown
    assert re.search(r"^airport_weather +first run +\d+ +3 ", shown, re.M)
    assert all(re.search(rf" {status} ", shown) for status in ("PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE"))
    assert shown.rstrip().splitlines()[-2].startswith("Try next: ")


def test_the_demo_says_what_it_says_itself_within_80_columns(shown):
    own = [line for line in shown.splitlines() if re.match(r"[A-Z ]|\$ (?!cd .*/)", line) or "\\" in line]
    assert max(map(len, own)) <= 80, max(own, key=len)


def test_the_demo_needs_services_only_where_it_is_asked_for_them(shown):
    servers = {"LARDER_POSTGRES", "LARDER_REDIS"} if "--stores postgres-redis" in shown else set()
    assert variables(shown).keys() == servers | {"LARDER_GRPC"}
    assert ("no service is needed" in shown) == (not servers)


def test_the_demo_leaves_nothing_running(shown):
    assert not any(is_open(address) for address in variables(shown).values())


@BOTH
def test_what_the_demo_keeps_can_be_used_and_stopped_as_it_says(options, tmp_path):
    outcome = demo("--keep", *options, folder=tmp_path)
    assert outcome.returncode == 0 and outcome.stderr == "", outcome
    going_on = outcome.stdout.split("To go on, in any shell:\n")[1]
    steps, stop = re.search(r"((?:  .*\n)+)\n.*\n  (kill .*)\n", going_on).groups()
    try:
        again = subprocess.run(["bash", "-ec", f"{steps}\nlarder health\nlarder materialize\npwd"], text=True,
                               capture_output=True, env={"PATH": "/usr/bin:/bin", **SANITIZERS}, timeout=60)
        assert again.returncode == 0 and "is serving" in again.stdout, again
    finally:
        subprocess.run(["bash", "-ec", stop], check=True)
    folder = Path(again.stdout.splitlines()[-1])
    deadline = time.monotonic() + 30
    while folder.exists() or any(is_open(address) for address in variables(steps).values()):
        assert time.monotonic() < deadline, "something is left"
        time.sleep(0.1)


@BOTH
def test_a_demo_that_is_interrupted_leaves_nothing_running(options):
    with subprocess.Popen([ROOT / "scripts" / "demo", *options], cwd="/", env=ENVIRONMENT, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True) as process:
        said = ""
        while "$ larder init" not in said:
            said += process.stdout.readline()
        os.killpg(process.pid, signal.SIGTERM)
        rest = process.stdout.read()
    assert process.returncode == 143 and "nothing is left running" in rest, said + rest
    assert not any(is_open(address) for address in variables(said).values())
