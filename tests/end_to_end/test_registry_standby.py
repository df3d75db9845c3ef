"""test_registry_standby.py - a server whose PostgreSQL is a standby, which hears of everything, but perhaps late."""
import contextlib
import os
import time

import grpc
import pytest

from drivers import Drivers
from metrics import metrics_of
from sql import psql
from test_rebuild_meanwhile import JOURNEYS, NEW, OLD, asking, make_journeys, wait_for
from test_server_faults import eventually

ABSENT, TOO_OLD = ("NOT_FOUND", None), ("OUTSIDE_MAX_AGE", None)


class Followed(Drivers):
    """Both drivers are served from trips; `standby` follows the database, and `reader` is a repository of it."""

    def __init__(self, place, stubs):
        super().__init__(place, stubs)
        self.do("apply")
        make_journeys(self)
        self.add(1, trips=1)
        self.add(2, trips=2)
        self.materialize()

    @contextlib.contextmanager
    def follow(self, postgres, folder):
        with postgres.standby(folder) as self.standby:
            self.standby_url = self.standby.url_of(self.place.database)
            self.reader = self.place.repository({"features.yaml": ""}, postgres_url=self.standby_url)
            yield

    def fall_behind(self):
        """From here on, until it catches up."""
        self.wait_for_standby()
        psql(self.standby_url, "SELECT pg_wal_replay_pause()")
        while psql(self.standby_url, "SELECT pg_get_wal_replay_pause_state()") != "paused":
            time.sleep(0.01)

    def catch_up(self):
        psql(self.standby_url, "SELECT pg_wal_replay_resume()")
        self.wait_for_standby()

    def wait_for_standby(self):
        until = self.sql("SELECT pg_current_wal_lsn()")
        while psql(self.standby_url, f"SELECT pg_last_wal_replay_lsn() >= '{until}'") != "t":
            time.sleep(0.01)


@pytest.fixture
def postgres(postgres, own_postgres):
    """What the place is made in."""
    return type(postgres)(own_postgres.url)


@pytest.fixture
def followed(place, own_postgres, stubs, server_folder):
    followed = Followed(place, stubs)
    with followed.follow(own_postgres, os.path.join(server_folder, "standby")):
        yield followed


def sessions(followed):
    """The process ids of Larder's sessions at the standby."""
    return psql(followed.standby_url,
                "SELECT string_agg(pid::text, ',') FROM pg_stat_activity WHERE application_name = 'larder'")


def errors(followed):
    """In the standby's log."""
    with open(followed.standby.log) as log:
        return [line for line in log if "ERROR" in line]


def test_definitions_that_the_standby_has_not_heard_of_come_from_the_online_store(followed):
    with asking(followed, 1, 2, 99, repository=followed.reader) as answers:
        wait_for(answers, [*OLD, ABSENT])
        followed.fall_behind()
        followed.define(JOURNEYS)
        followed.do("apply")
        followed.materialize()  # which removes the rows that the standby tells of
        wait_for(answers, [*NEW, ABSENT])
        followed.catch_up()
        followed.define(JOURNEYS, ("ttl: 6h", "ttl: 4h"))
        followed.do("apply")
        wait_for(answers, [TOO_OLD, TOO_OLD, ABSENT])
    assert answers == [[*OLD, ABSENT], [*NEW, ABSENT], [TOO_OLD, TOO_OLD, ABSENT]]


def test_a_server_that_starts_behind_a_standby_that_lags_serves_the_newest(followed):
    followed.fall_behind()
    followed.define(JOURNEYS)
    followed.do("apply")
    followed.materialize()
    assert followed.online_of(followed.reader, 1, 2, 99) == [*NEW, ABSENT]


def test_a_first_apply_that_the_standby_has_not_heard_of_comes_from_the_online_store(followed):
    followed.do("teardown", "--yes")
    followed.fall_behind()
    followed.do("apply")
    followed.materialize()
    with followed.reader.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert followed.trips(channel, 1, 2, 99) == [*OLD, ABSENT]
        before = sessions(followed)
        time.sleep(1.5)
        assert sessions(followed) == before != ""
        assert server.said.count("definitions loaded") == 1
        followed.catch_up()
        time.sleep(1)
        assert followed.trips(channel, 1, 2, 99) == [*OLD, ABSENT]


def test_what_the_online_store_loses_comes_back_with_the_standby(followed):
    followed.do("teardown", "--yes")
    followed.fall_behind()
    followed.do("apply")
    with followed.reader.serving() as server:
        followed.place.redis_command("FLUSHDB")
        server.wait_said("the project was removed from the registry")  # as nobody knows better
        followed.catch_up()
        eventually(lambda: server.said.count("definitions loaded") == 2)


def test_a_removed_project_stays_removed(followed):
    """It was served before, or from the online store alone, by a server whose standby has not heard of the end."""
    followed.fall_behind()
    followed.define(JOURNEYS)
    followed.do("apply")
    followed.materialize()
    with followed.reader.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert followed.trips(channel, 1, 2) == NEW
        followed.do("teardown", "--yes")
        time.sleep(2)  # several looks, of which none is to put the definitions back
        assert not followed.place.redis_command("KEYS", "larder:*")
        followed.catch_up()
        server.wait_said("the project was removed from the registry")
        assert server.said.count("definitions loaded") == 2  # the standby's, and those that it had not


@pytest.mark.parametrize("is_behind", [False, True], ids=["", "behind"])
def test_a_project_that_is_removed_and_made_anew_is_followed(followed, is_behind):
    other = followed.place.repository({"features.yaml": followed.definitions}, project="other")
    other.do("apply")  # so that the registry stays
    followed.define(JOURNEYS)
    followed.do("apply")
    followed.materialize()
    followed.wait_for_standby()
    with followed.reader.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert followed.trips(channel, 1, 2) == NEW
        if is_behind:
            followed.fall_behind()
        followed.do("teardown", "--yes")
        if not is_behind:
            server.wait_said("the project was removed from the registry")
        followed.define()
        followed.do("apply")
        followed.materialize()
        eventually(lambda: server.said.count("definitions loaded") == 2)
        assert followed.trips(channel, 1, 2) == OLD
        if is_behind:
            followed.catch_up()
            time.sleep(1.5)
            assert server.said.count("definitions loaded") == 2
            assert followed.trips(channel, 1, 2) == OLD


def test_a_standby_is_asked_over_one_connection_and_has_nothing_to_log(followed):
    with followed.reader.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert followed.trips(channel, 1, 2) == OLD
        before = sessions(followed)
        time.sleep(3)
        assert sessions(followed) == before != ""
    assert not errors(followed)


def test_it_is_told_whether_the_definitions_are_ahead_of_the_standby(followed):
    def is_ahead():
        return metrics_of(followed.reader)["larder_definitions_from_online_store"]
    with followed.reader.serving():
        eventually(lambda: metrics_of(followed.reader)["larder_ready"] == 1)
        assert not is_ahead()
        followed.fall_behind()
        followed.define(JOURNEYS)
        followed.do("apply")
        eventually(is_ahead)
        time.sleep(1)
        assert is_ahead()
        followed.catch_up()
        eventually(lambda: not is_ahead())
