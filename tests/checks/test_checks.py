"""test_checks.py - the repository's own checks hold, and would notice if they did not."""
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from repository import ROOT

CHECK = ROOT / "scripts" / "check-layers"
WITH_SERVICES = ROOT / "tests" / "support" / "with-services"


def check(*arguments):
    return subprocess.run([CHECK, *map(str, arguments)], capture_output=True, text=True)


def test_the_tree_is_clean():
    build = os.environ.get("LARDER_BUILD")
    outcome = check(*([build] if build else []))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


STRAYS = {
    "upward": ("base/arena.c", '#include "server/server.h"\n', 'base/ includes "server/server.h"'),
    "libpq": ("server/loop.c", "#include <libpq-fe.h>\n", "<libpq-fe.h> belongs in"),
    "hiredis": ("store/online/online_store.c", "#include <hiredis/hiredis.h>\n", "belongs in store/online/redis*"),
    "unknown": ("base/arena.c", "#include <gsl/gsl_math.h>\n", "has no home"),
    "sdk": ("sdk/c/client.c", '#include "config/settings.h"\n', "the SDK includes"),
    "issue": ("docs/a.md", "Fixed in #" "12.\n", "the number of an issue"),
    "machine": ("docs/a.md", "see /wo" "rk/notes\n", "a path of one machine"),
    "promise": ("base/arena.c", "/* TO" "DO: finish */\n", "a promise of later work"),
    "generated": ("proto/x.pb-c.c", "int x;\n", "generated files are not committed"),
    "giant": ("base/arena.c", "int x;\n" * 601, "over 600"),
    "build": ("base/CMakeLists.txt", "set(a b)\n" * 40, "under 40"),
}


@pytest.mark.parametrize("name", STRAYS)
def test_a_stray_is_found(tmp_path, name):
    path, text, expected = STRAYS[name]
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text)
    outcome = check("--root", tmp_path)
    assert outcome.returncode == 1 and expected in outcome.stdout and path in outcome.stdout, outcome.stdout


def test_an_exported_symbol_without_the_prefix_is_found(tmp_path):
    source = tmp_path / "x.c"
    source.write_text("int larder_fine(void) { return 0; }\nint stray(void) { return 0; }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "liblarder.so", source], check=True)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    outcome = check("--root", tmp_path, tmp_path)
    assert "exports stray" in outcome.stdout and "larder_fine" not in outcome.stdout


def test_setup_does_nothing_the_second_time():
    no_network = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    outcome = subprocess.run([ROOT / "scripts" / "setup"], capture_output=True, text=True,
                             env={**os.environ, **no_network})
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_services_are_gone_after_their_run_was_ended(how):
    run = subprocess.Popen([WITH_SERVICES, "sh", "-c", "echo $LARDER_TEST_TMP $LARDER_TEST_REDIS_PID; sleep 600"],
                           stdout=subprocess.PIPE, text=True)
    folder, redis = run.stdout.readline().split()
    run.send_signal(how)
    run.wait()
    deadline = time.monotonic() + 20
    while Path(folder).parent.exists() or Path(f"/proc/{redis}").exists():
        assert time.monotonic() < deadline, f"{folder} or process {redis} is still there"
        time.sleep(0.05)


def test_the_code_of_the_command_comes_back():
    assert subprocess.run([WITH_SERVICES, "sh", "-c", "exit 7"]).returncode == 7


def test_a_test_that_hangs_fails_and_the_run_goes_on(tmp_path):
    (tmp_path / "test_hanging.py").write_text("""\
import threading, pytest

def forever():
    threading.Event().wait()

@pytest.fixture
def never_there():
    forever()

@pytest.fixture
def never_gone():
    yield
    forever()

def test_call(): forever()
def test_setup(never_there): pass
def test_teardown(never_gone): pass
def test_good(): pass
""")
    path = os.pathsep.join(map(str, (ROOT / "tests", ROOT / "tests" / "support")))
    outcome = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider",
                              "--patience", "0.2", "--rootdir", tmp_path, tmp_path], cwd=tmp_path, timeout=60,
                             env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert "1 failed, 2 passed, 2 errors" in outcome.stdout.splitlines()[-1], outcome.stdout
    assert outcome.stdout.count("it took longer than 0.2 s") >= 3
