"""conftest.py - the fixtures of these suites."""
import pytest

from drivers import Drivers


@pytest.fixture
def drivers(place, stubs):
    drivers = Drivers(place, stubs)
    drivers.do("apply")
    return drivers


@pytest.fixture
def unapplied_drivers(place, stubs):
    return Drivers(place, stubs)
