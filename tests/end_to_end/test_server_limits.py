"""test_server_limits.py - what a server holds at the most, whatever is asked of it, and by whomever."""
import gzip

import grpc
import pytest

from asking import feast_request, get_features, larder_request
from http2 import Connection

KEY = {"driver_id": "int64"}
GET_FEATURES = "/larder.v1.FeatureService/GetFeatures"
GET_ONLINE_FEATURES = "/feast.serving.ServingService/GetOnlineFeatures"
MIB = 1 << 20
VIEWS, ENTITIES_MAX, MESSAGE_MAX = 50, 10_000, 16 * MIB

DEFINITIONS = """\
entities:
  - name: driver
    join_keys: {driver_id: int64}
sources:
  - name: wide
    table: wide
    event_time: happened
feature_views:
""" + "".join(f"""\
  - {{name: v{i}, entities: [driver], source: wide, features: [{{name: f{i}, type: float64}}]}}
""" for i in range(VIEWS)) + f"""\
feature_services:
  - {{name: all, features: [{", ".join(f"v{i}" for i in range(VIEWS))}]}}
  - {{name: one, features: [v0]}}
"""


class Wide:
    """A server with one worker, 50 views of one feature each, and driver 1 in all of them."""

    def __init__(self, place, stubs):
        self.place, self.stubs = place, stubs
        columns = ", ".join(f"f{i} double precision DEFAULT {i}" for i in range(VIEWS))
        place.sql(f"CREATE TABLE wide (driver_id bigint, happened timestamptz, {columns})",
                  "INSERT INTO wide VALUES (1, now())")
        self.repository = place.repository({"features.yaml": DEFINITIONS})
        text = self.repository.settings_text()
        self.repository.write("larder.yaml", text.replace("server: {", "server: {workers: 1, "))
        self.repository.do("apply")
        self.repository.do("materialize")

    def memory(self):
        """What the server has held at the most until now."""
        with open(f"/proc/{self.server.process.pid}/status") as status:
            return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) << 10

    def request(self, keys=(1,), service="one", **more):
        return larder_request(self.stubs, KEY, [(key,) for key in keys], feature_service=service, **more)

    def ask(self, timeout=30):
        answer = get_features(self.stubs, self.channel, self.request(), timeout)
        assert answer.columns[0].double_values.values[0] == 0 and not answer.columns[0].statuses


@pytest.fixture
def wide(place, stubs):
    wide = Wide(place, stubs)
    with wide.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        wide.server, wide.channel = server, channel
        wide.ask()
        yield wide


def field(number, content):
    """A field of bytes in a message."""
    size, length = len(content), b""
    while size > 0x7f:
        length, size = length + bytes([size & 0x7f | 0x80]), size >> 7
    tag = number << 3 | 2
    return (bytes([tag]) if tag < 0x80 else bytes([tag & 0x7f | 0x80, tag >> 7])) + length + bytes([size]) + content


def growth(wide, method, message, count, compression=None):
    """By how many bytes the server grows when so many such calls come at once; another caller is answered, too."""
    before = wide.memory()
    with Connection(wide.repository.port) as connection:
        for _ in range(count):
            connection.call(method, message, compression)
        wide.ask()
        connection.wait_ended()
    return wide.memory() - before


def test_requests_that_expand_are_expanded_a_few_at_a_time(wide):
    filling = field(99, bytes(MESSAGE_MAX - MIB))  # of a field that nobody knows
    packed = gzip.compress(wide.request().SerializeToString() + filling)
    assert growth(wide, GET_FEATURES, packed, 100, "gzip") < 500 * MIB  # all of them are 1,500


def test_a_column_that_is_given_over_and_over_is_read_once(wide):
    request = feast_request(wide.stubs, KEY, [(None,)] * ENTITIES_MAX, feature_service="one").SerializeToString()
    column = feast_request(wide.stubs, KEY, [(None,)] * ENTITIES_MAX).SerializeToString()
    packed = gzip.compress(request + column * (MESSAGE_MAX // len(column) - 2))
    assert growth(wide, GET_ONLINE_FEATURES, packed, 6, "gzip") < 500 * MIB  # reading all took 2,900


def test_null_keys_in_many_views_are_read_a_few_at_a_time(wide):
    request = wide.request([None] * ENTITIES_MAX, "all").SerializeToString()
    assert growth(wide, GET_FEATURES, request, 60) < 500 * MIB  # all of them took 1,400
