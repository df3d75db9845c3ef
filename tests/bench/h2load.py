"""h2load.py - the same calls from a load generator that is not ours: h2load of nghttp2.

It knows HTTP/2 and nothing of gRPC: a refusal is a success to it. So the bytes of the answers are counted:
all of them have to be there.
"""
import contextlib
import os
import re
import shutil
import subprocess

from report import median


def is_there():
    return shutil.which("h2load") is not None


def framed(message):
    """A gRPC message as it stands in HTTP/2: not compressed, its length, itself."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def load(world, case, target, calls):
    """Requests a second and latencies of so many calls, in flight as the case has them."""
    body, log = world.path("h2load.body"), world.path("h2load.log")
    with contextlib.suppress(FileNotFoundError):
        os.remove(log)  # it would append
    with open(case.request, "rb") as request, open(body, "wb") as file:
        file.write(framed(request.read()))
    with open(case.answer, "rb") as answer:
        answer_size = len(framed(answer.read()))
    done = subprocess.run(
        ["h2load", "-n", str(calls), "-c", str(case.connections), "-m", str(case.in_flight // case.connections), "-t", "1",
         "-d", body, "-H", "content-type: application/grpc", "-H", "te: trailers", "--log-file", log,
         f"http://{target}{case.api.method}"], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(f"h2load: {done.stderr.strip() or done.stdout.strip()}")
    with open(log) as file:
        microseconds = sorted(int(line.split("\t")[2]) for line in file)
    per_second = float(re.search(r"finished in .*?, ([\d.]+) req/s", done.stdout)[1])
    data = int(re.search(r"\((\d+)\) data", done.stdout)[1])
    if data != calls * answer_size or len(microseconds) != calls:
        raise RuntimeError(f"h2load: {data} bytes in {len(microseconds)} answers, and not {calls} of {answer_size}")
    return {"per_second": per_second, "p50_us": median(microseconds), "p99_us": microseconds[calls * 99 // 100],
            "p999_us": microseconds[calls * 999 // 1000]}
