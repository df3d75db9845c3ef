"""test_train.py - from the example's files to a model: what train.py says of itself holds."""
import re
import shutil
import subprocess

import pytest

import data_frames
from file_drivers import LMDB, SQLITE
from repository import ROOT, program

FLIGHTS = ROOT / "examples" / "flights"


@pytest.fixture
def flights(place):
    """The example in a folder, its history loaded."""
    repository = place.repository({"features.yaml": (FLIGHTS / "features.yaml").read_text()}, project="flights",
                                  offline=SQLITE, online=LMDB)
    for name in ("weather", "carrier_hours", "aircraft"):
        repository.do("load", "--source", name, FLIGHTS / f"{name}.csv")
    repository.do("apply")
    return repository


@pytest.mark.skipif("asan" in program() or "tsan" in program(), reason="it would test nothing of Larder twice")
def test_the_model_of_the_example_is_better_than_the_rule_of_thumb(flights):
    data_frames.find("sklearn")
    shutil.copy(FLIGHTS / "train.py", flights.folder)
    flights.do("training-set", "--service", "delay_model", "--entities", FLIGHTS / "asks.csv", "--as-known", "--out",
               "training.parquet")
    said = subprocess.run([data_frames.FOLDER / "bin" / "python", "train.py", "training.parquet"], cwd=flights.folder,
                          capture_output=True, text=True, check=True, timeout=200).stdout
    rule, model = (float(score) for score in re.findall(r": +(0\.\d+)$", said, re.M))
    assert model > rule + 0.05 and model > 0.7
    shown = re.search(r"```text\n(7,500 flights.*?)```", (FLIGHTS / "README.md").read_text(), re.S)[1]
    assert shown.splitlines()[0] == said.splitlines()[0] and f"{rule:.3f}" in shown
    assert abs(float(re.search(r"model: +(\S+)", shown)[1]) - model) < 0.02, "the README tells another score"
