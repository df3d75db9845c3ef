"""test_sdk.py - what the C client sends and reads, against the real server."""
import os
import subprocess
from pathlib import Path

import grpc
import pytest

from asking import get_features
from repository import ROOT, program


def test_a_column_of_nulls_alone_needs_no_type(drivers, stubs):
    """The C client cannot know the type of a key of which it was given nulls only."""
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        request = stubs.larder.GetFeaturesRequest(feature_service="dispatch")
        request.entities.add(name="driver_id", null_rows=[0, 1])
        answer = get_features(stubs, channel, request)
        assert answer.row_count == 2 and answer.columns[0].statuses == bytes([stubs.larder.NOT_FOUND] * 2)
        request.entities[0].null_rows[:] = [1, 0]
        assert get_features(stubs, channel, request).row_count == 2
        request.entities[0].null_rows[:] = [1]
        with pytest.raises(grpc.RpcError) as refused:
            get_features(stubs, channel, request)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_a_program_from_outside_reads_features(drivers):
    build = Path(os.environ.get("LARDER_BUILD") or Path(program()).parent)
    if "LARDER_SANITIZE:STRING=\n" not in (build / "CMakeCache.txt").read_text():
        pytest.skip("a library with sanitizers does not load into other programs")
    drivers.add(7, trips="42", rating="NULL")
    drivers.materialize()
    with drivers.repository.serving() as server:
        done = subprocess.run([ROOT / "tests" / "integration" / "test_sdk_outside_project.sh", build, ROOT],
                              capture_output=True, text=True, timeout=300,
                              env={**os.environ, "LARDER_TEST_TARGET": server.address,
                                   "LARDER_TEST_ASK": "dispatch driver_id:=7"})
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines.count(["trip_count", "42"]) == 2 and lines.count(["rating", "NULL_VALUE"]) == 2  # CMake and pkg-config
