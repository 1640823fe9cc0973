"""A cluster of one machine, which the tests of a file join."""

import pytest

from tests.clusters import head


@pytest.fixture(scope="module")
def address():
    """Its address."""
    with head() as found:
        yield found
