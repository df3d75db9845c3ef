"""test_container.py - the Dockerfile and docker-compose.yml: what they say, and, with --long, that it works.

No engine is needed: dockerfile.py carries the steps out below folders.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import time

import pytest
import yaml

import dockerfile
import services
from repository import ROOT

STAGES = dockerfile.read(ROOT / "Dockerfile")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
IMAGE = STAGES[-1]


# What they say --------------------------------------------------------------------------------------

def committed():
    listed = subprocess.check_output(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], text=True)
    return [path for path in listed.splitlines() if (ROOT / path).is_file()]


def test_the_image_is_built_as_everything_else_is():
    build = STAGES[0].all("RUN")
    assert "scripts/setup" in build and "cmake --preset release" in build
    assert any(step.startswith("cmake --build --preset release") for step in build)
    assert any("cmake --install build/release" in step for step in build)
    assert not any(re.search(r"apt-get|\bgcc\b|\bcc\b", step) for step in build), "scripts/setup is who installs"


def test_what_is_copied_is_there():
    names = [stage.name for stage in STAGES]
    for stage in STAGES:
        for options, sources, _ in map(dockerfile.copy_words, stage.all("COPY")):
            if "from" in options:
                assert options["from"] in names[:STAGES.index(stage)]
            else:
                assert all((ROOT / source).exists() for source in sources), sources


def test_the_image_is_small_and_runs_as_an_ordinary_user():
    assert len(STAGES) == 2 and IMAGE.base == "scratch" and not IMAGE.all("RUN")
    user, _, group = IMAGE.last("USER").partition(":")
    assert int(user) > 0 and int(group) > 0
    assert IMAGE.words("ENTRYPOINT") == ["larder"] and IMAGE.words("CMD") == ["serve"]
    assert json.loads(IMAGE.last("HEALTHCHECK").partition("CMD ")[2]) == ["larder", "health"]
    listening = [IMAGE.environment()[name] for name in ("LARDER_GRPC", "LARDER_HTTP")]
    assert listening == ["0.0.0.0:" + port for port in IMAGE.last("EXPOSE").split()]


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_each_service_has_a_health_check_and_a_volume(name):
    service = COMPOSE["services"][name]
    assert service["healthcheck"]["test"][0] == "CMD"
    volume, _, place = service["volumes"][0].partition(":")
    assert volume in COMPOSE["volumes"] and place.startswith("/") and len(service["volumes"]) == 1
    assert re.search(r":\d", service.get("image", "")) or "build" in service, "which version?"


def test_there_are_three_services_and_larder_waits_for_two():
    assert set(COMPOSE["services"]) == {"postgres", "redis", "larder"}
    larder = COMPOSE["services"]["larder"]
    assert all(larder["depends_on"][name]["condition"] == "service_healthy" for name in ("postgres", "redis"))
    assert larder["build"] == "." and larder["healthcheck"]["test"][1:] == ["larder", "health"]
    assert larder["volumes"] == ["repository:" + IMAGE.last("WORKDIR")]
    command = " ".join(COMPOSE["services"]["redis"]["command"])
    assert "--maxmemory-policy noeviction" in command and "--appendonly yes" in command


def test_no_password_has_a_default():
    """Every value that holds one takes it from the environment, and compose refuses to start without."""
    values = [value for service in COMPOSE["services"].values() for value in service["environment"].values()]
    taken = [value for value in values if "$" in value]
    assert len(taken) == 4
    for value in taken:
        assert re.search(r"\$\{LARDER_(POSTGRES|REDIS)_PASSWORD:\?[^}]+\}", value) and ":-" not in value
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)


# That it works --------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The finished image, as a Container."""
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("this needs root and debootstrap (scripts/setup --dev)")
    folder = tmp_path_factory.mktemp("image")
    context = folder / "context"
    for path in committed():
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, context / path)
    built = {}
    try:
        for number, stage in enumerate(STAGES):
            container = dockerfile.Container(stage, folder / str(number), context, built).build()
            built[stage.name] = container
        shutil.rmtree(built["build"].root)
        yield container
    finally:
        shutil.rmtree(folder)


@pytest.mark.long
def test_the_image_holds_the_program_its_libraries_and_little_else(image):
    code, said = image.run("--version")
    assert code == 0 and said.startswith("larder "), said
    files = [path for path in image.root.rglob("*") if path.is_file() and not path.is_symlink()]
    strange = [path for path in files if not re.match(
        r"(usr/local/(bin/larder$|share/larder/)|(usr/)?lib(64)?/.*\.so|etc/(passwd|group|nsswitch\.conf)$)",
        str(path.relative_to(image.root)))]
    assert strange == []
    assert sum(path.stat().st_size for path in files) < 40 << 20


def steps_of_the_manual():
    """The words of each `docker compose run/exec ... larder WORDS` that docs/operations.md shows."""
    text = (ROOT / "docs" / "operations.md").read_text().replace("\\\n", " ")
    return [shlex.split(line)[1:] for line in
            re.findall(r"^\$ docker compose (?:run --rm|exec larder) (larder .*)$", text, re.M)]


@pytest.mark.long
def test_the_steps_of_the_manual_end_with_a_healthy_server(image, place):
    steps = steps_of_the_manual()
    asking = next(step for step in steps if step[0] == "get")
    image.environment.update(LARDER_POSTGRES=place.postgres_url, LARDER_REDIS=place.redis_url,
                             LARDER_GRPC=f"0.0.0.0:{services.free_port()}", LARDER_HTTP="")
    for step in steps[:steps.index(asking)]:
        code, said = image.run(*step)
        assert code == 0, f"larder {' '.join(step)}\n{said}"
    assert image.run("health")[0] == 1
    server = image.start(*IMAGE.words("CMD"))
    try:
        deadline = time.monotonic() + 30
        while image.run("health")[0] != 0:
            assert time.monotonic() < deadline and server.poll() is None, image.run("health")
            time.sleep(0.2)
        code, said = image.run(*asking)
        assert code == 0 and "PRESENT" in said, said
        status = open(f"/proc/{server.pid}/status").read()
        assert re.search(r"^Uid:\s+10001\s", status, re.M), status
    finally:
        server.terminate()
        assert server.wait(30) == 0
