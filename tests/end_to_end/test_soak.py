"""test_soak.py - scripts/soak works, and in two minutes nothing that breaks makes an answer wrong."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from repository import ROOT, program


def soak(*arguments):
    build = os.environ.get("LARDER_BUILD") or str(Path(program()).parent)
    return subprocess.run([ROOT / "scripts" / "soak", *arguments], capture_output=True, text=True, timeout=900,
                          env={**os.environ, "LARDER_BUILD": build})


@pytest.mark.long
def test_no_answer_is_wrong_while_things_break():
    done = soak("2", "--every", "8", "--json")
    report = json.loads(done.stdout)
    assert report["wrong"] == 0, report["examples"]
    assert report["answers"] > 1000 and report["runs"] > 3 and report["faults"] >= 8 and not report["failed_faults"]


def test_a_wrong_call_says_how_it_is_called():
    for words in (["forever"], ["300"], ["1", "--every"]):
        done = soak(*words)
        assert done.returncode == 2 and "--every" in done.stderr
