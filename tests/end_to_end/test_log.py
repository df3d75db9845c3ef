"""test_log.py - the log of a server as the settings want it."""
import json

from test_server_faults import eventually


def with_log(drivers, log):
    text = drivers.repository.path("larder.yaml").read_text()
    drivers.repository.write("larder.yaml", text + f"log: {log}\n")


def test_each_line_is_json_where_that_is_asked_for(drivers, own_redis):
    drivers.use_redis(own_redis.url)
    with_log(drivers, "{format: json}")
    drivers.do("apply")
    with drivers.repository.serving() as server:
        own_redis.kill()
        eventually(lambda: "is away" in server.said)
    lines = [json.loads(line) for line in server.said.splitlines()]
    assert [line["msg"] for line in lines if line["level"] == "info"][:3] == [
        "watched over HTTP", "definitions loaded", "serving"]
    away = next(line for line in lines if line["msg"] == "the online store is away")
    assert away["level"] == "error" and away["reason"].startswith("redis 127.0.0.1:")
    assert all(isinstance(value, str) for line in lines for value in line.values())
    assert all(list(line)[:3] == ["time", "level", "msg"] for line in lines)


def test_what_is_below_the_level_is_not_written(drivers, own_redis):
    drivers.use_redis(own_redis.url)
    with_log(drivers, "{level: error}")
    drivers.do("apply")
    with drivers.repository.serving() as server:
        own_redis.kill()
        eventually(lambda: "is away" in server.said)
        own_redis.start()
        eventually(server.is_open)
    assert {line.split()[1] for line in server.said.splitlines()} == {"level=error"}


def test_a_log_that_is_not_known_is_refused(drivers):
    with_log(drivers, "{level: loud, format: xml}")
    said = drivers.refused("serve").err
    assert "debug, info, warning or error" in said and "logfmt or json" in said
