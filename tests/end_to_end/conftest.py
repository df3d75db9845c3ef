"""conftest.py - the fixtures of these suites."""
import pytest

from drivers import Drivers
from file_drivers import LMDB, FileDrivers


@pytest.fixture
def drivers(place, stubs):
    drivers = Drivers(place, stubs)
    drivers.do("apply")
    return drivers


@pytest.fixture
def unapplied_drivers(place, stubs):
    return Drivers(place, stubs)


@pytest.fixture(params=["postgres", "sqlite"])
def either(request, place, stubs):
    """Drivers that need both services, and such that need none."""
    made = Drivers(place, stubs) if request.param == "postgres" else FileDrivers(place, stubs, online=LMDB)
    made.do("apply")
    return made


@pytest.fixture
def on_own_redis(drivers, own_redis):
    """Drivers on a Redis of their own, driver 1 online."""
    drivers.redis = own_redis
    drivers.use_redis(own_redis.url)
    drivers.do("apply")
    drivers.add(1)
    drivers.materialize()
    return drivers
