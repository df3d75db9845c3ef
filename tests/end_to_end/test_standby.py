"""test_standby.py - a server whose PostgreSQL is a standby, which hears of everything, but perhaps late."""
import contextlib
import os
import time

import grpc
import pytest

from drivers import TABLE, Drivers
from sql import psql
from test_rebuild_meanwhile import JOURNEYS, NEW, OLD, asking, wait_for
from test_server_faults import eventually

ABSENT, TOO_OLD = ("NOT_FOUND", None), ("OUTSIDE_MAX_AGE", None)


class Followed(Drivers):
    """Both drivers are served from trips; `standby` follows the database, and `reader` is a repository of it."""

    def __init__(self, place, stubs):
        super().__init__(place, stubs)
        self.do("apply")
        self.sql(TABLE.replace("trips", "journeys"),
                 "INSERT INTO journeys SELECT d, t, t, d * 100, 1 FROM (SELECT now() - interval '5 hours' t) x,"
                 " generate_series(1, 2) d")
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


def test_a_project_that_is_removed_and_made_anew_is_followed(followed):
    with followed.reader.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert followed.trips(channel, 1, 2) == OLD
        followed.do("teardown", "--yes")
        server.wait_said("the project was removed from the registry")
        followed.do("apply")
        followed.materialize()
        eventually(lambda: server.said.count("definitions loaded") == 2)
        assert followed.trips(channel, 1, 2) == OLD


def test_a_standby_is_asked_over_one_connection_and_has_nothing_to_log(followed):
    sessions = "SELECT string_agg(pid::text, ',') FROM pg_stat_activity WHERE application_name = 'larder'"
    with followed.reader.serving() as server, grpc.insecure_channel(server.address) as channel:
        assert followed.trips(channel, 1, 2) == OLD
        before = psql(followed.standby_url, sessions)
        time.sleep(3)
        assert psql(followed.standby_url, sessions) == before != ""
    with open(followed.standby.log) as log:
        assert not [line for line in log if "ERROR" in line]
